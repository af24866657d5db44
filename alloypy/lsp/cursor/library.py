"""The standard library as a place sees it: the functions and constants of its version of Alloy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from alloypy.lang.evaluation.functions import LibraryFunction

if TYPE_CHECKING:
    from alloypy.check.scope import Language


class LibraryName(NamedTuple):
    """A function or a constant. function: None for a constant."""

    chain: tuple[str, ...]
    function: LibraryFunction | None
    deprecated: bool = False
    experimental: bool = False


def library_names(language: Language) -> Iterator[LibraryName]:
    """Every function and constant, by all of its names."""
    from alloypy.check.expressions.library import constants_of

    for name in {**language.identifiers, **dict.fromkeys(language.deprecated)}:
        if name == "constants":
            for constant in constants_of(language.identifiers):
                yield LibraryName((name, constant), None)
            continue
        value: Any = _library().get(name)
        members = language.identifiers.get(name)
        old = name in language.deprecated
        if isinstance(value, LibraryFunction):
            yield LibraryName((name,), value, old)
        for member in members if isinstance(members, list) and isinstance(value, dict) else ():
            if isinstance(value.get(member), LibraryFunction):
                experimental = f"{name}.{member}" in language.experimental
                yield LibraryName((name, member), value[member], old, experimental)


def function_of(name: str) -> LibraryFunction | None:
    """The function of that name, such as `string.join`; None if there is none."""
    value: Any = _library()
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, LibraryFunction) else None


@cache
def _library() -> Mapping[str, Any]:
    from alloypy.lang.stdlib import Stdlib

    return dict(Stdlib(environ={}).variables)
