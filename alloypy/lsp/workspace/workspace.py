"""All texts that the server knows: those open in the editor, and the files of their configurations."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alloypy.files import FileFingerprint, fingerprint, read_regular
from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.limits import LARGEST_BYTES, TooLargeError, check_sizes

if TYPE_CHECKING:
    from alloypy.catalog.catalog import Catalog
    from alloypy.check.units.settings_file import Settings
    from alloypy.check.units.units import CheckOptions, Reading
    from alloypy.lsp.workspace.grouping import Grouping
    from alloypy.lsp.workspace.judging import Judging
    from alloypy.syntax.source import Source

_KEPT = 256
"""How many closed texts are kept, for requests that look at the same ones again: all of a directory."""
_KEPT_BYTES = 2 << 20
"""How long these are together, at the most; their trees take many times as much."""
_MOST_NEIGHBOURS = 50
"""In a directory with more files, those that stand alone are left alone."""


class Workspace:
    """The texts, as they are at one moment.

    open: the documents that are open in the editor, by path. folders: the paths of the workspace's folders.
    """

    def __init__(self) -> None:
        self.open: dict[str, Document] = {}
        self.folders: tuple[str, ...] = ()
        self._client: Mapping[str, Any] | None = None
        self._judging: Judging | None = None
        self._grouping: Grouping | None = None
        self._closed: dict[str, tuple[FileFingerprint, Document]] = {}

    def frozen(self) -> Workspace:
        """The texts of this moment, for another thread."""
        self._judge.problems  # noqa: B018 -- what was read of settings is shared
        other = copy(self)
        other.open = dict(self.open)
        other._grouping = None  # noqa: SLF001 -- it would look at the texts of this one
        return other

    def configure(self, client: Mapping[str, Any] | None) -> None:
        """Use these settings of the client, and read those of projects again."""
        self._client = client
        self._judging = None

    def shows(self, kind: str, part: str) -> bool:
        """Whether the client wants something shown, such as `inlayHints` about `defaults`; true by default.

        Its setting is false, or an object in which the part is false.
        """
        setting = (self._client or {}).get(kind)
        if isinstance(setting, Mapping):
            setting = setting.get(part)
        return setting is not False

    def forget_settings(self) -> None:
        """Read settings and environment files again."""
        self._judging = None

    def document(self, path: str) -> Document | None:
        """The text at a path: what is open there, or what is on the disk; None if it is not read."""
        if path in self.open:
            return self.open[path]
        try:
            now = fingerprint(path)
            known = self._closed.get(path)
            if known is not None and known[0] == now and now.is_settled:
                return known[1]
            if now.size > LARGEST_BYTES:
                return None
            document = Document(path, read_regular(path))
        except (OSError, ValueError):
            self._closed.pop(path, None)
            return None
        # As a list: other threads, which have the same texts of this moment, add to them meanwhile.
        kept = sum(len(each.data) for _, each in list(self._closed.values()))
        if len(self._closed) >= _KEPT or kept + len(document.data) > _KEPT_BYTES:
            self._closed.clear()
        self._closed[path] = now, document
        return document

    def unit_of(self, path: str) -> tuple[str, ...]:
        """The paths of the files that form one configuration with the file at `path`, itself included."""
        name = self.unit_name(path)
        if name == path:
            return (path,)
        files = self._files_in(name)
        return files if path in files else (*files, path)

    def unit_name(self, path: str) -> str:
        """What is checked for a file: itself, or its directory if that is one configuration."""
        if not os.path.isabs(path):  # noqa: PTH117 -- also on what is no path
            return path
        settings = self.settings(path)
        unit = settings.unit_of(path) if settings is not None and settings.units else None
        if unit is not None:
            return unit
        directory = os.path.dirname(path)  # noqa: PTH120
        files = self._files_in(directory)
        return directory if path in files and self._groups.belong_together(directory, files) else path

    def neighbours(self, path: str) -> tuple[str, ...]:
        """The other files of a directory, none of which refers to another, so that each stands alone.

        None where settings say which files form a configuration.
        """
        settings = self.settings(path)
        if self.unit_name(path) != path or (settings is not None and settings.unit_of(path) is not None):
            return ()
        files = self._files_in(os.path.dirname(path)) if os.path.isabs(path) else ()  # noqa: PTH117, PTH120
        return tuple(each for each in files if each != path) if len(files) <= _MOST_NEIGHBOURS else ()

    def _files_in(self, directory: str) -> tuple[str, ...]:
        return self._groups.files_in(directory, self.open)

    def started_in(self, directory: str) -> str:
        """Where Alloy is probably started, from which it takes paths that a file of `directory` names.

        That is the innermost folder of the workspace around it; without one, the server's own directory.
        """
        around = [each for each in self.folders if Path(directory).is_relative_to(each)]
        try:
            return max(around, key=len) if around else str(Path.cwd())
        except OSError:
            return directory

    def language(self, path: str) -> Catalog:
        """What exists for the configuration of a file: components, blocks, functions."""
        return self._judge.language(path)

    def settings(self, path: str) -> Settings | None:
        """The settings for a file: of its project, then of the client; None if there are none."""
        return self._judge.settings(path)

    def checking(self, path: str) -> CheckOptions:
        """How the configuration of a file is checked."""
        return self._judge.checking(path)

    def environment(self, path: str) -> dict[str, str]:
        """The variables in the environment files of the settings for a file."""
        return self._judge.environment(path)

    @property
    def environment_files(self) -> frozenset[str]:
        """The files of variables that the settings used so far name."""
        return self._judge.environment_files

    @property
    def problems(self) -> Iterable[str]:
        """Why settings cannot be used."""
        return tuple(self._judge.problems)

    @property
    def reading(self) -> Reading:
        """How the checker reads files: the open ones as they are in the editor."""
        from alloypy.check.units.units import DISK, Reading

        return Reading(self._unit, self._module, DISK.locate, self._beside)

    @property
    def _judge(self) -> Judging:
        judging = self._judging
        if judging is None:
            from alloypy.lsp.workspace.judging import Judging

            judging = self._judging = Judging(self._client, self.folders[0] if self.folders else "")
        return judging

    @property
    def _groups(self) -> Grouping:
        groups = self._grouping
        if groups is None:
            from alloypy.lsp.workspace.grouping import Grouping

            groups = self._grouping = Grouping(self.document)
        return groups

    def _unit(self, name: str) -> list[Source]:
        """The texts of a unit. Raises TooLargeError, and ConfigReadError as for files on the disk."""
        from alloypy.syntax.config_files import config_source, read_config

        self._check_sizes([name, *self._files_in(name)])
        if name in self.open:
            return [config_source(name, self.open[name].data)]
        found = []
        for path in self._files_in(name):
            if path in self.open:
                found.append(config_source(path, self.open[path].data))
            else:
                found += read_config(path, read_regular)
        return found or read_config(name, read_regular)

    def _check_sizes(self, paths: Iterable[str]) -> None:
        for path in paths:
            if path in self.open and self.open[path].is_too_large:
                raise TooLargeError(path)
        check_sizes(path for path in paths if path not in self.open)

    def _module(self, path: str) -> list[Source] | None:
        from alloypy.check.units.units import DISK
        from alloypy.syntax.config_files import ConfigReadError
        from alloypy.syntax.source import Source

        self._check_sizes([path, *self._files_in(path)])
        inside = [each for each in self.open if os.path.dirname(each) == path]  # noqa: PTH120
        if path not in self.open and not inside:
            return DISK.module(path)
        try:
            return self._unit(path)
        except ConfigReadError as error:
            return [Source(error.path, b"\xff")] if error.path else None

    def _beside(self, path: str) -> Iterator[Source]:
        from alloypy.syntax.source import Source

        directory = os.path.dirname(path)  # noqa: PTH120
        if os.path.isabs(path) and path in self._files_in(directory):  # noqa: PTH117
            for each in self._files_in(directory):
                document = self.document(each) if each != path else None
                if document is not None:
                    yield Source(os.path.basename(each), document.data)  # noqa: PTH119
