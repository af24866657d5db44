"""Reads the catalog file, line by line as its entries are needed."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

FORMAT = 1
SECTIONS = ("components", "config_blocks", "defs", "types")


class CatalogError(Exception):
    """The catalog file cannot be read."""


class Store:
    """The lines of one catalog file, by section and name."""

    def __init__(self, data: bytes) -> None:
        """Raises CatalogError if `data` is not a catalog of the known format."""
        end = data.find(b"\n") + 1
        try:
            header = json.loads(data[:end])
        except ValueError as error:
            raise CatalogError(f"not a catalog: {error}") from error
        if header.get("format") != FORMAT:
            raise CatalogError(f"the catalog has format {header.get('format')}, not {FORMAT}")
        self._data = data
        self._start = end
        self._index: Mapping[str, Mapping[str, int]] = {section: header[section] for section in SECTIONS}
        self.alloy_version: str = header["alloy_version"]
        self.deprecated: frozenset[str] = frozenset(header["stdlib"]["deprecated"])
        self.experimental: frozenset[str] = frozenset(header["stdlib"]["experimental"])
        self.identifiers: Mapping[str, Any] = header["stdlib"]["identifiers"]

    def names(self, section: str) -> Collection[str]:
        """The names in a section, in alphabetical order."""
        return self._index[section].keys()

    def entry(self, section: str, name: str) -> Any:
        """The entry `name` of `section`. Raises KeyError."""
        start = self._start + self._index[section][name]
        return json.loads(self._data[start : self._data.find(b"\n", start)])


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


def _file() -> Path:
    return Path(__file__).with_name("catalog.jsonl")
