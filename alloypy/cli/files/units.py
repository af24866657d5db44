"""What `validate` judges as one configuration, by the paths on its command line.

By default each path is a unit: a file, or a directory whose `*.alloy` files are taken together. `auto`
finds out what `run` would be given: a directory whose files refer to each other is one unit, also where
only some of its files are named; otherwise each file is a unit of its own.
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
    """What is to be judged.

    empty: directories that hold nothing. unreadable: what cannot be listed, and why.
    """

    paths: list[str]
    empty: list[str]
    unreadable: list[tuple[str, OSError]]


def find_units(paths: list[str], exclude: list[str], *, recursive: bool, auto: bool) -> Units:
    """The units that the paths mean, each once.

    recursive: of a directory take every one below that holds *.alloy files itself. exclude: patterns of what
    is left out then.
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
    """Each file, or in its place the directory that it belongs to."""
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
    """The files that a directory is made of, as a configuration."""
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

    One that cannot be parsed may declare anything: its directory is judged as one, which tells its faults.
    """
    if len(files) < 2:
        return False
    from alloypy.check.belonging import belong_together

    parsed: list[File] = []
    for file in files:
        try:
            parsed += parse_config(read_config(file, read_regular))
        except DiagnosticsError:
            return True
        except ConfigReadError:
            continue
    return belong_together(parsed)
