"""What is known about the standard library without calling it.

Source: docs/spec/SYNTAX.md, section 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from alloypy.check.expressions.shapes import ANYTHING, ARRAY, BOOL, NUMBER, OBJECT, STRING, Shape
from alloypy.lang.evaluation.functions import LibraryFunction
from alloypy.lang.evaluation.scope import Scope

if TYPE_CHECKING:
    from alloypy.check.scope import Language

MACHINE = frozenset({"constants", "sys", "env", "file"})
"""Names of the library whose values differ from machine to machine."""

PURE = frozenset({"file.path_join"})
"""Names below these that are nevertheless the same on every machine."""

_BY_WORD = {"string": STRING, "number": NUMBER, "bool": BOOL, "list": ARRAY, "map": OBJECT}
"""Shapes by the first word of a type; `bytes` are an array that is also accepted as a text."""


def constants_of(identifiers: Mapping[str, object]) -> Iterable[str]:
    """The members of `constants`; only an earlier version lists them among its identifiers."""
    listed = identifiers.get("constants")
    if isinstance(listed, list):
        return listed
    from alloypy.lang.stdlib.constants import Platform

    return Platform._fields


def restricted(library: Scope, language: Language) -> Scope:
    """The library without the members of namespaces that the language does not have."""
    found: dict[str, Any] = {}
    for name, value in library.variables.items():
        members = language.identifiers.get(name)
        if isinstance(members, list):
            found[name] = {member: value[member] for member in members if member in value}
        elif members is not None or name in language.deprecated:
            found[name] = value
    return Scope(found)


def result_of(function: object) -> Shape:
    """The shape of a function's result, according to its manual."""
    if not isinstance(function, LibraryFunction):
        return ANYTHING
    return _BY_WORD.get(function.manual.gives.partition("(")[0], ANYTHING)
