"""Lark's LALR(1) machine, and nothing else of Lark.

`import lark` loads every parser it has and the reader of grammars, which costs more time and
memory than formatting a file. With prepared tables only the machine is needed, so its module is
imported on its own (`alloypy.partial_import`).
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, NamedTuple

from alloypy.partial_import import WHOLE, parts_of

_VERSION = "__version__"


def lark_version() -> str:
    """The version of the installed Lark, without importing it; empty if Lark does not state one."""
    with WHOLE:
        if "lark" in sys.modules:
            return str(getattr(sys.modules["lark"], _VERSION, ""))
    spec = PathFinder.find_spec("lark")
    if spec is None or spec.origin is None:
        return ""
    for line in Path(spec.origin).read_text(encoding="utf-8").split("\n"):
        if line.startswith(_VERSION):
            return line.rpartition("=")[2].strip(" \"'\r")
    return ""


class Core(NamedTuple):
    """The parts of Lark's machine.

    table: a parse table, of states, starts and ends. conf: a table and the functions of its rules, for one
    start symbol. state: a parse, of a conf and a lexer, which is not used here; `feed_token(token, is_end)`
    moves it on. shift, reduce: how a table marks the two kinds of action. unexpected: raised at a token that
    cannot come next.
    """

    table: Any
    conf: Any
    state: Any
    shift: object
    reduce: object
    unexpected: type[Exception]


def lalr_core() -> Core:
    """Lark's LALR(1) machine."""
    with parts_of("lark"):
        return _import_core()


def _import_core() -> Core:
    from lark.exceptions import UnexpectedToken
    from lark.parsers.lalr_analysis import IntParseTable, Reduce, Shift
    from lark.parsers.lalr_parser_state import ParseConf, ParserState

    return Core(IntParseTable, ParseConf, ParserState, Shift, Reduce, UnexpectedToken)
