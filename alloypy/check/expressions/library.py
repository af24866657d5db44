"""What is known about the standard library without calling it.

Source: docs/spec/SYNTAX.md, section 6.
"""

from __future__ import annotations

from alloypy.check.expressions.shapes import ANYTHING, ARRAY, BOOL, NUMBER, OBJECT, STRING, Shape
from alloypy.lang.evaluation.functions import LibraryFunction

MACHINE = frozenset({"constants", "sys", "env", "file"})
"""Names of the library whose values differ from machine to machine."""

PURE = frozenset({"file.path_join"})
"""Names below these that are nevertheless the same on every machine."""

_BY_WORD = {"string": STRING, "number": NUMBER, "bool": BOOL, "list": ARRAY, "map": OBJECT}
"""Shapes by the first word of a type; `bytes` are an array that is also accepted as a text."""


def result_of(function: object) -> Shape:
    """The shape of a function's result, according to its manual."""
    if not isinstance(function, LibraryFunction):
        return ANYTHING
    return _BY_WORD.get(function.manual.gives.partition("(")[0], ANYTHING)
