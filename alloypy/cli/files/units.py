"""What `validate` judges as one configuration, by the paths on its command line.

By default each path is a unit: a file, or a directory whose `*.alloy` files are taken together. `auto`
finds out what `run` would be given: a directory whose files refer to each other is one unit, also where
only some of its files are named; otherwise each file is a unit of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from alloypy.cli.files.discovery import Discovery
from alloypy.cli.files.named_paths import STDIN
from alloypy.files import is_directory, read_regular
from alloypy.graph.references import Chain, chains
from alloypy.syntax.config_files import ConfigReadError, parse_config, read_config
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.tree import Block, File, Statement

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
    """Whether one of the files names something that another of them declares, and it does not itself.

    One that cannot be parsed may declare anything: its directory is judged as one, which tells its faults.
    """
    if len(files) < 2:
        return False
    parts = []
    for file in files:
        try:
            parts += [_Part(parsed) for parsed in parse_config(read_config(file, read_regular))]
        except DiagnosticsError:
            return True
        except ConfigReadError:
            continue
    return any(part.needs(other) for part in parts for other in parts if other is not part)


class _Part:
    """One file of a directory: what it declares, and what it names and does not declare."""

    def __init__(self, file: File) -> None:
        blocks = [statement for statement in file.body if isinstance(statement, Block)]
        self._ids = set(map(_id, blocks))
        self._customs = set(map(_custom, blocks)) - {""}
        everywhere = list(_blocks(file.body, lambda block: True))
        own_ids, own_customs = set(map(_id, everywhere)), set(map(_custom, everywhere))
        self._named = [names for names in map(_beginnings, chains(file.body)) if own_ids.isdisjoint(names)]
        self._used = {block.name[0] for block in _blocks(file.body, _is_module)} - own_customs

    def needs(self, other: _Part) -> bool:
        """Whether this file names something of the other."""
        return not self._used.isdisjoint(other._customs) or any(
            not other._ids.isdisjoint(names) for names in self._named
        )


def _blocks(body: Iterable[Statement], inside: Callable[[Block], bool]) -> Iterator[Block]:
    """The blocks of a body, and those in each block that it is to be looked into."""
    for statement in body:
        if isinstance(statement, Block):
            yield statement
            if inside(statement):
                yield from _blocks(statement.body, inside)


def _is_module(block: Block) -> bool:
    """Whether the blocks inside are components again."""
    return block.name in {("declare",), ("foreach",), ("template",)}


def _id(block: Block) -> str:
    """How expressions name the block."""
    return ".".join([*block.name, block.label])


def _custom(block: Block) -> str:
    """The name of components that the block makes: the label of a declare or an import, "" for others."""
    return block.label if block.name == ("declare",) or block.name[0] == "import" else ""


def _beginnings(chain: Chain) -> list[str]:
    names = [part.name for part in chain]
    return [".".join(names[:length]) for length in range(1, len(names) + 1)]
