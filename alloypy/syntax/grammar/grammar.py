"""The parsers that Lark makes from the files in grammar/, using prepared tables if there are any.

A wheel contains the tables; a checkout keeps them in the user's cache directory. Tables made by
another version of Lark or from another grammar are ignored and built again.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path

from alloypy.syntax.grammar.building import TreeBuilder
from alloypy.syntax.grammar.lark_core import lark_version
from alloypy.syntax.grammar.machine import Machine
from alloypy.syntax.grammar.tables import Tables, from_bytes, to_bytes

_PACKAGED = Path(__file__).parents[2] / "_grammar"
_CHECKOUT = Path(__file__).parents[3] / "grammar"


@lru_cache(maxsize=1)
def alloy_parser() -> Machine:
    """The parser of files and lone expressions."""
    return Machine(load_tables("alloy"), TreeBuilder)


def load_tables(name: str) -> Tables:
    """The tables of the grammar in grammar/NAME.lark, built now if there are none."""
    grammar = grammar_text(name)
    version = lark_version()
    cache = _cache_file(name)
    for file in (_PACKAGED / f"{name}.tables", cache):
        tables = _load(file, version, grammar) if file is not None else None
        if tables is not None:
            return tables
    from alloypy.syntax.grammar.table_building import build_tables, start_symbols

    tables = build_tables(grammar, start_symbols(grammar))
    if cache is not None:
        _save(cache, to_bytes(tables, version, grammar))
    return tables


def grammar_text(name: str = "alloy") -> str:
    """A grammar, in Lark's language."""
    for folder in (_PACKAGED, _CHECKOUT):
        try:
            return (folder / f"{name}.lark").read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
    raise FileNotFoundError(f"alloypy's grammar is missing: {name}.lark")


def _load(file: Path, version: str, grammar: str) -> Tables | None:
    try:
        content = file.read_bytes()
    except OSError:
        return None
    return from_bytes(content, version, grammar)


def _save(file: Path, content: bytes) -> None:
    """Saves the tables for the next start, atomically, if the directory is writable."""
    new = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(content)
        new.replace(file)
    except OSError:
        return


def _cache_file(name: str) -> Path | None:
    """The tables' file in the user's cache directory; None for a user without a home."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        folder = Path(base).expanduser() / "alloypy"
    except RuntimeError:
        return None
    return folder / f"{name}-{sys.implementation.cache_tag}.tables"
