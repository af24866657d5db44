"""The YAML files that a command line names, and the check of the configurations in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from alloypy.check.manifests.configurations import WORD
from alloypy.check.manifests.manifests import NOTHING, check_manifest
from alloypy.check.units.discovery import Discovery
from alloypy.check.units.units import CheckOptions, Outcome, unreadable
from alloypy.cli.files.named_paths import LOOK_BELOW, STDIN
from alloypy.cli.files.units import Grouping
from alloypy.cli.streams import InputError, read_stdin
from alloypy.files import is_directory, read_once, read_regular
from alloypy.os_errors import open_fault, system_words
from alloypy.syntax.codes import NO_FILES
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.source import Source

_SUFFIXES = (".yaml", ".yml")


class Manifests:
    """Checks YAML files.

    checking: returns how the configurations in a file are checked. grouping: which files directories mean.
    stdin_name: what standard input is called.
    """

    def __init__(self, checking: Callable[[str], CheckOptions], grouping: Grouping, stdin_name: str) -> None:
        self._checking = checking
        self._grouping = grouping
        self._discovery = Discovery(
            grouping.exclude, force_exclude=grouping.force_exclude, suffixes=_SUFFIXES
        )
        self._stdin_name = stdin_name

    def outcomes(self, paths: Sequence[str]) -> Iterator[Outcome]:
        """The outcome of each configuration, without ignored warnings; faults are returned, never raised."""
        checked: set[str] = set()
        for path in paths:
            real = path if path in {"", STDIN} else os.path.realpath(path)
            if real not in checked:
                checked.add(real)
                yield from self._in_directory(path) if is_directory(path) else self._named(path)

    def _named(self, path: str) -> Iterator[Outcome]:
        name = self._stdin_name if path == STDIN else path
        if self._grouping.force_exclude and path not in {"", STDIN} and self._is_excluded(path):
            return
        try:
            data = read_stdin() if path == STDIN else read_once(path)
        except (OSError, ValueError) as error:
            yield unreadable(name, open_fault(path, error) if isinstance(error, OSError) else str(error))
        except InputError as error:
            yield unreadable(name, str(error))
        else:
            yield from self._checked(path, Source(name, data), named=True)

    def _is_excluded(self, path: str) -> bool:
        return self._grouping.excludes(path) or self._discovery.is_excluded(path)

    def _checked(self, path: str, source: Source, *, named: bool) -> Iterator[Outcome]:
        options = self._checking(path)
        for outcome in check_manifest(source, options, named=named):
            yield outcome.without(options.ignored)

    def _in_directory(self, directory: str) -> Iterator[Outcome]:
        """Check the configurations in a directory; files without one are not reported."""
        found = False
        for outcome in self._below(directory):
            found = True
            yield outcome
        if not found:
            message = f"nothing to check: the YAML files in {directory} have {NOTHING}"
            message += "" if self._grouping.recursive else LOOK_BELOW
            nothing = Outcome(directory, (Diagnostic(None, message, NO_FILES, Severity.WARNING),), 0)
            yield nothing.without(self._checking(directory).ignored)

    def _below(self, directory: str) -> Iterator[Outcome]:
        files = self._discovery.files([directory]) if self._grouping.recursive else _files_in(directory)
        for file in files:
            if self._grouping.excludes(file):
                continue
            try:
                data = read_regular(file)
            except OSError as error:
                yield unreadable(file, open_fault(file, error))
                continue
            if WORD in data:
                yield from self._checked(file, Source(file, data), named=False)
        for path, fault in self._discovery.unreadable:
            yield unreadable(path, f"open {path}: {system_words(fault)}")
        self._discovery.unreadable.clear()


def _files_in(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as listing:
            names = sorted(
                each.name for each in listing if each.name.endswith(_SUFFIXES) and not each.is_dir()
            )
    except OSError:
        return []
    return [name if directory == "." else str(Path(directory, name)) for name in names]
