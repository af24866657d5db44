"""The YAML files that a command line names, and a walk over the configurations in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from alloypy.check.manifests.configurations import WORD
from alloypy.check.manifests.manifests import NOTHING
from alloypy.check.units.discovery import Discovery
from alloypy.check.units.units import Outcome, unreadable
from alloypy.cli.files.named_paths import LOOK_BELOW, STDIN
from alloypy.cli.files.units import Grouping
from alloypy.cli.streams import InputError, read_stdin
from alloypy.files import is_directory, read_once, read_regular
from alloypy.os_errors import open_fault, system_words
from alloypy.syntax.codes import NO_FILES
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.source import Source

T = TypeVar("T")

_SUFFIXES = (".yaml", ".yml")


Read: TypeAlias = Callable[[str, Source, bool], Iterator[T]]
"""Says something about each configuration in a YAML text: given the path of the file, the text, and whether
the user has named the file."""


class Manifests(Generic[T]):
    """Goes through YAML files.

    read: what is said about the configurations in a file. about: the same about what could not be read.
    grouping: which files directories mean. stdin_name: what standard input is called.
    """

    def __init__(
        self, read: Read[T], about: Callable[[str, Outcome], T], grouping: Grouping, stdin_name: str
    ) -> None:
        self._read = read
        self._about = about
        self._grouping = grouping
        self._discovery = Discovery(
            grouping.exclude, force_exclude=grouping.force_exclude, suffixes=_SUFFIXES
        )
        self._stdin_name = stdin_name

    def all(self, paths: Sequence[str]) -> Iterator[T]:
        """What is said about each configuration; faults of files are returned, never raised."""
        checked: set[str] = set()
        for path in paths:
            real = path if path in {"", STDIN} else os.path.realpath(path)
            if real not in checked:
                checked.add(real)
                yield from self._in_directory(path) if is_directory(path) else self._named(path)

    def _named(self, path: str) -> Iterator[T]:
        name = self._stdin_name if path == STDIN else path
        if self._grouping.force_exclude and path not in {"", STDIN} and self._is_excluded(path):
            return
        try:
            data = read_stdin() if path == STDIN else read_once(path)
        except (OSError, ValueError) as error:
            fault = open_fault(path, error) if isinstance(error, OSError) else str(error)
            yield self._about(path, unreadable(name, fault))
        except InputError as error:
            yield self._about(path, unreadable(name, str(error)))
        else:
            yield from self._read(path, Source(name, data), True)

    def _is_excluded(self, path: str) -> bool:
        return self._grouping.excludes(path) or self._discovery.is_excluded(path)

    def _in_directory(self, directory: str) -> Iterator[T]:
        """What is said about the configurations in a directory; files without one are not reported."""
        found = False
        for each in self._below(directory):
            found = True
            yield each
        if not found:
            message = f"nothing to check: the YAML files in {directory} have {NOTHING}"
            message += "" if self._grouping.recursive else LOOK_BELOW
            nothing = Outcome(directory, (Diagnostic(None, message, NO_FILES, Severity.WARNING),), 0)
            yield self._about(directory, nothing)

    def _below(self, directory: str) -> Iterator[T]:
        files = self._discovery.files([directory]) if self._grouping.recursive else _files_in(directory)
        for file in files:
            if self._grouping.excludes(file):
                continue
            try:
                data = read_regular(file)
            except OSError as error:
                yield self._about(file, unreadable(file, open_fault(file, error)))
                continue
            if WORD in data:
                yield from self._read(file, Source(file, data), False)
        for path, fault in self._discovery.unreadable:
            yield self._about(path, unreadable(path, f"open {path}: {system_words(fault)}"))
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
