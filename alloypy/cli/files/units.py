"""Units: what `validate` checks as one configuration, given the paths on its command line.

By default each path is a unit: a file, or a directory whose `*.alloy` files belong together. `auto`
guesses what `run` would be given: a directory whose files refer to each other is one unit, even if only
some of its files are named; otherwise each file is a unit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from alloypy.check.units.discovery import Discovery
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


class Grouping(NamedTuple):
    """How paths become units.

    recursive: a directory stands for all directories in it, at any depth, with *.alloy files of their own.
    auto: directories whose files refer to each other are units. exclude: patterns of paths to skip with
    `recursive`. force_exclude: excluded paths are skipped even if they are named. unit_of: returns the unit
    that settings give a file, None if they give none. excludes: whether settings exclude a path.
    """

    recursive: bool
    auto: bool
    exclude: Sequence[str] = ()
    force_exclude: bool = False
    unit_of: Callable[[str], str | None] = lambda path: None
    excludes: Callable[[str], bool] = lambda path: False


def find_units(paths: Sequence[str], grouping: Grouping) -> Units:
    """The units that the paths mean, each once."""
    discovery = Discovery(grouping.exclude, force_exclude=grouping.force_exclude)
    found: list[str] = []
    for path in paths:
        named = path not in {"", STDIN}
        if named and grouping.force_exclude and (grouping.excludes(path) or discovery.is_excluded(path)):
            continue
        found += _named(path, grouping, discovery)
    if grouping.auto:
        found = list(_gathered(found, grouping))
    return Units(_each_once(found), discovery.empty, discovery.unreadable)


def _named(path: str, grouping: Grouping, discovery: Discovery) -> Iterable[str]:
    """The units of one path, which `auto` may gather further."""
    if path in {"", STDIN}:
        return [path]
    if not is_directory(path):
        return [grouping.unit_of(path) or path]
    if grouping.recursive:
        files = [file for file in discovery.files([path]) if not grouping.excludes(file)]
    else:
        files = _files_in(path)
    units = {file: grouping.unit_of(file) for file in files}
    if grouping.recursive and not grouping.auto:
        return [units[file] or str(Path(file).parent) for file in files]
    if (
        grouping.recursive
        or (files and grouping.auto)
        or any(unit not in {None, path} for unit in units.values())
    ):
        return [units[file] or file for file in files]
    return [path]


def _each_once(paths: Iterable[str]) -> list[str]:
    units: dict[str, str] = {}
    for path in paths:
        units.setdefault(path if path in ("", STDIN) else os.path.realpath(path), path)
    return list(units.values())


def _gathered(files: list[str], grouping: Grouping) -> Iterator[str]:
    """Each file, or instead its directory if that is one configuration."""
    judged: dict[str, bool] = {}
    for file in files:
        directory = str(Path(file).parent)
        if file in ("", STDIN) or not Path(file).name.endswith(".alloy") or is_directory(file):
            yield file
            continue
        unit = grouping.unit_of(file)
        if unit is not None:
            yield unit
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
