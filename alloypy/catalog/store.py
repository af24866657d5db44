"""Reads the catalog file, line by line as its entries are needed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

FORMAT = 1
SECTIONS = ("components", "config_blocks", "defs", "types")
HISTORY_SECTIONS = ("components", "config_blocks", "names", "commands")


class CatalogError(Exception):
    """The catalog file cannot be read."""


class Lines:
    """One JSON value per line: a header, then entries by section and name."""

    def __init__(self, data: bytes, sections: Sequence[str], what: str = "catalog") -> None:
        """Raises CatalogError if `data` is not a file of the known format. what: its name in messages."""
        end = data.find(b"\n") + 1
        try:
            self.header: Mapping[str, Any] = json.loads(data[:end])
        except ValueError as error:
            raise CatalogError(f"not a {what}: {error}") from error
        if self.header.get("format") != FORMAT:
            raise CatalogError(f"the {what} has format {self.header.get('format')}, not {FORMAT}")
        self._data = data
        self._start = end
        self._index: Mapping[str, Mapping[str, int]] = {section: self.header[section] for section in sections}

    def names(self, section: str) -> Collection[str]:
        """The names in a section, in alphabetical order."""
        return self._index[section].keys()

    def entry(self, section: str, name: str) -> Any:
        """The entry `name` of `section`. Raises KeyError."""
        start = self._start + self._index[section][name]
        return json.loads(self._data[start : self._data.find(b"\n", start)])

    def rest(self) -> Iterator[Any]:
        """All lines after the header."""
        return map(json.loads, self._data[self._start :].splitlines())


class Store(Lines):
    """The lines of one catalog file, by section and name."""

    def __init__(self, data: bytes) -> None:
        """Raises CatalogError if `data` is not a catalog of the known format."""
        super().__init__(data, SECTIONS)
        self.version = None
        self.deprecated: frozenset[str] = frozenset(self.header["stdlib"]["deprecated"])
        self.experimental: frozenset[str] = frozenset(self.header["stdlib"]["experimental"])
        self.identifiers: Mapping[str, Any] = self.header["stdlib"]["identifiers"]

    @property
    def main(self) -> Store:
        """The catalog of main: this one."""
        return self


_packed: list[bytes] = []  # the compressed file, once it is kept in memory


def keep() -> None:
    """Keep the catalog in memory, compressed to a sixth until it is used; its file is no longer needed."""
    if not _packed:
        import zlib

        _packed.append(zlib.compress(_file().read_bytes()))


def read_store() -> Store:
    """The catalog of the package. Raises CatalogError."""
    if not _packed:
        return Store(_file().read_bytes())
    import zlib

    return Store(zlib.decompress(_packed[0]))


@cache
def main_store() -> Store:
    """The same, read once."""
    return read_store()


@cache
def history_lines() -> Lines:
    """The history of the package, read once. Raises CatalogError."""
    return Lines(_file().with_name("history.jsonl").read_bytes(), HISTORY_SECTIONS, "history")


def _file() -> Path:
    return Path(__file__).with_name("catalog.jsonl")
