"""Units: what `validate` checks as one configuration, given the paths on its command line.

By default each path is a unit: a file, or a directory whose `*.alloy` files belong together. `auto`
guesses what `run` would be given: a directory whose files refer to each other is one unit, even if only
some of its files are named; otherwise each file is a unit.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from alloypy.cli.files.discovery import Discovery
from alloypy.cli.files.named_paths import STDIN
from alloypy.files import is_directory, read_regular
from alloypy.syntax.config_files import ConfigReadError, parse_config, read_config
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.tree import File

CHOICES = ("path", "auto")
"""The values of `--units`."""


class Units(NamedTuple):
    """The units to check.

    empty: directories without files. unreadable: directories that cannot be listed, and why.
    """

    paths: list[str]
    empty: list[str]
    unreadable: list[tuple[str, OSError]]


def find_units(paths: list[str], exclude: list[str], *, recursive: bool, auto: bool) -> Units:
    """The units that the paths mean, each once.

    recursive: a directory stands for all directories in it, at any depth, with *.alloy files of their own.
    exclude: patterns of paths to skip then.
    """
    discovery = Discovery(exclude)
    found: list[str] = []
    for path in paths:
        if recursive and is_directory(path):
            files = discovery.files([path])
            found += files if auto else [str(Path(file).parent) for file in files]
        elif auto and is_directory(path) and _files_in(path):
            found += _files_in(path)
        else:
            found.append(path)
    if auto:
        found = list(_gathered(found))
    return Units(_each_once(found), discovery.empty, discovery.unreadable)


def _each_once(paths: Iterable[str]) -> list[str]:
    units: dict[str, str] = {}
    for path in paths:
        units.setdefault(path if path in ("", STDIN) else os.path.realpath(path), path)
    return list(units.values())


def _gathered(files: list[str]) -> Iterator[str]:
    """Each file, or instead its directory if that is one configuration."""
    judged: dict[str, bool] = {}
    for file in files:
        directory = str(Path(file).parent)
        if file in ("", STDIN) or not Path(file).name.endswith(".alloy") or is_directory(file):
            yield file
            continue
        if directory not in judged:
            judged[directory] = _belong_together(_files_in(directory))
        yield directory if judged[directory] else file


def _files_in(directory: str) -> list[str]:
    """The files that make up a directory's configuration."""
    try:
        with os.scandir(directory) as listing:
            names = sorted(
                entry.name for entry in listing if entry.name.endswith(".alloy") and not entry.is_dir()
            )
    except OSError:
        return []
    return [name if directory == "." else str(Path(directory, name)) for name in names]


def _belong_together(files: list[str]) -> bool:
    """Whether the files are one configuration.

    A file that cannot be parsed may declare anything, so the files count as one; the check reports faults.
    """
    if len(files) < 2:
        return False
    from alloypy.check.units.belonging import belong_together

    parsed: list[File] = []
    for file in files:
        try:
            parsed += parse_config(read_config(file, read_regular))
        except DiagnosticsError:
            return True
        except ConfigReadError:
            continue
    return belong_together(parsed)
