"""The YAML files that a command line names, and the check of the configurations in them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from alloypy.check.manifests.configurations import WORD
from alloypy.check.manifests.manifests import check_manifest
from alloypy.check.units.units import CheckOptions, Outcome, unreadable
from alloypy.cli.files.discovery import Discovery
from alloypy.cli.files.named_paths import STDIN
from alloypy.cli.streams import InputError, read_stdin
from alloypy.files import is_directory, read_once, read_regular
from alloypy.os_errors import open_fault, system_words
from alloypy.syntax.codes import NO_FILES
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.source import Source

_SUFFIXES = (".yaml", ".yml")


class Manifests:
    """Checks YAML files.

    exclude: patterns of paths to leave out of directories. recursive: whether directories are searched at
    any depth. stdin_name: what standard input is called.
    """

    def __init__(
        self, options: CheckOptions, exclude: Sequence[str], *, recursive: bool, stdin_name: str
    ) -> None:
        self._options = options
        self._discovery = Discovery(exclude, suffixes=_SUFFIXES)
        self._recursive = recursive
        self._stdin_name = stdin_name

    def outcomes(self, paths: Sequence[str]) -> Iterator[Outcome]:
        """The outcome of each configuration; faults are returned, never raised."""
        checked: set[str] = set()
        for path in paths:
            real = path if path in {"", STDIN} else os.path.realpath(path)
            if real not in checked:
                checked.add(real)
                yield from self._in_directory(path) if is_directory(path) else self._named(path)

    def _named(self, path: str) -> Iterator[Outcome]:
        name = self._stdin_name if path == STDIN else path
        try:
            data = read_stdin() if path == STDIN else read_once(path)
        except (OSError, ValueError) as error:
            yield unreadable(name, open_fault(path, error) if isinstance(error, OSError) else str(error))
        except InputError as error:
            yield unreadable(name, str(error))
        else:
            yield from check_manifest(Source(name, data), self._options)

    def _in_directory(self, directory: str) -> Iterator[Outcome]:
        """Check the configurations in a directory; files without one are not reported."""
        found = False
        for outcome in self._below(directory):
            found = True
            yield outcome
        if not found:
            message = f"nothing to check: no YAML file in {directory} has a key that ends in .alloy"
            message += "" if self._recursive else "; --recursive looks into subdirectories"
            yield Outcome(directory, (Diagnostic(None, message, NO_FILES, Severity.WARNING),), 0)

    def _below(self, directory: str) -> Iterator[Outcome]:
        files = self._discovery.files([directory]) if self._recursive else _files_in(directory)
        for file in files:
            try:
                data = read_regular(file)
            except OSError as error:
                yield unreadable(file, open_fault(file, error))
                continue
            if WORD in data:
                yield from check_manifest(Source(file, data), self._options, named=False)
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
