"""The configuration that a path names: one file, or every `*.alloy` file directly inside a directory.

Source: docs/spec/RUNTIME.md, section 1.6.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from stat import S_ISDIR

from alloypy.files import read_once, read_regular
from alloypy.os_errors import open_fault, system_words
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
from alloypy.syntax.text_files import UNKNOWN_ENCODING, encoding_of, not_utf8_at
from alloypy.syntax.tree import File

_SUFFIX = ".alloy"


class ConfigReadError(Exception):
    """The configuration cannot be read. The text is Go's: `stat x.alloy: no such file or directory`.

    path: the file, if the text does not name it.
    """

    def __init__(self, text: str, path: str = "") -> None:
        self.path = path
        super().__init__(text)


def read_config(path: str, read: Callable[[str], bytes] = read_once) -> list[Source]:
    """The sources of the configuration at `path`, in name order; none for a directory without any.

    A source has the name that diagnostics print: the path as given, joined with the file's name for a
    directory. Raises ConfigReadError.

    read: reads a path that is not a directory. It may be a pipe, for which `read_once` waits; in a
    directory only regular files are read.
    """
    if not is_directory(path):
        return [_read(path, read)]
    return [_read(name, read_regular) for name in _directory_names(path)]


def parse_config(sources: Iterable[Source]) -> list[File]:
    """The trees of all sources.

    Raises DiagnosticsError with the faults of all of them; ConfigReadError for a source that is not UTF-8.
    """
    files: list[File] = []
    faults: list[Diagnostic] = []
    for source in sources:
        if not_utf8_at(source.data) is not None:
            raise ConfigReadError(UNKNOWN_ENCODING, source.name)
        try:
            files.append(parse_file(source))
        except DiagnosticsError as error:
            faults += error.diagnostics
    if faults:
        raise DiagnosticsError(faults)
    return files


def module_path(path: str) -> str:
    """The value of `module_path` for the file or directory at `path`: its directory, cleaned as Go does."""
    if os.path.isdir(path):  # noqa: PTH112 -- Path's raises for a path that is too long
        return path
    directory = os.path.normpath(os.path.dirname(path))  # noqa: PTH120 -- Path keeps `..`
    return directory[1:] if directory.startswith("//") else directory


def is_directory(path: str) -> bool:
    """Whether the path leads to a directory. Raises ConfigReadError if it does not exist."""
    try:
        if not path:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return S_ISDIR(Path(path).stat().st_mode)
    except (OSError, ValueError) as error:
        raise ConfigReadError(f"stat {path}: {system_words(error)}") from None


def _directory_names(path: str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            files = [entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)]
    except OSError as error:
        raise ConfigReadError(f"open {path}: {system_words(error)}") from None
    return sorted(str(Path(path, name)) for name in files if name.endswith(_SUFFIX))


def _read(name: str, read: Callable[[str], bytes]) -> Source:
    try:
        data = read(name)
    except OSError as error:
        raise ConfigReadError(open_fault(name, error)) from None
    return config_source(name, data)


def config_source(name: str, data: bytes) -> Source:
    """`data` as a source of that name. Raises ConfigReadError for UTF-16 and UTF-32."""
    encoding = encoding_of(data)
    if encoding:
        raise ConfigReadError(f"configuration is encoded with {encoding} but must be utf8", name)
    return Source(name, data)
