"""Looks into the packed form of the catalog, without building specs of it.

The form is described in `alloypy.catalog`.
"""

from __future__ import annotations

from typing import Any, Protocol

from alloypy.catalog.received import RECEIVED
from alloypy.catalog.store import Store

_NUMBERS = frozenset(
    {"int", "uint", "float32", "float64"}
    | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
)
_OPEN_FORMATS = frozenset({"discovery.Target"})
_BY_RECEIVED = {received: name for name, received in RECEIVED.items()}


class Member:
    """An attribute or block of a packed body.

    notation: the type of an attribute, None for a block. flags: of a block, by word, with their values.
    """

    __slots__ = ("flags", "notation", "packed", "required")

    def __init__(self, packed: list[Any], required: bool, is_block: bool) -> None:
        self.packed = packed
        self.required = required
        self.notation: str | None = None if is_block else packed[1]
        self.flags: dict[str, str] = (
            dict(word.partition("=")[::2] for word in packed[1].split()) if is_block else {}
        )

    @property
    def body(self) -> Any:
        """The packed body of a block; None for an attribute."""
        return None if self.notation is not None else self.packed[2]


class Bodies(Protocol):
    """Where shared bodies are found by name."""

    def entry(self, section: str, name: str) -> Any:
        """The entry `name` of `section`. Raises KeyError."""


def resolved(store: Bodies, body: Any) -> Any:
    """A body itself, where only its name is given."""
    return store.entry("defs", body) if isinstance(body, str) else body


def members(store: Bodies, body: Any) -> dict[str, Member]:
    """The members of a body by name; those of a block `b` in the enum `e` are called as in the catalog."""
    whole = resolved(store, body)
    need = whole.get("need", ())
    found = {each[0]: Member(each, each[0] in need, False) for each in whole.get("attrs", ())}
    found.update((each[0], Member(each, each[0] in need, True)) for each in whole.get("blocks", ()))
    return found


def generic(store: Store, notation: str) -> str:
    """The word of history for a type: `number` for `uint16`, `map(string)` for `@discovery.Target`."""
    notation = notation.removesuffix("?")
    if notation in _NUMBERS:
        return "number"
    for outer in ("list", "map"):
        if notation.startswith(f"{outer}("):
            return f"{outer}({generic(store, notation[len(outer) + 1 : -1])})"
    if not notation.startswith("@"):
        return notation
    name = notation[1:]
    if name in _OPEN_FORMATS:
        return "map(string)"
    alloy: str = store.entry("types", name)["alloy"]
    return f"capsule({RECEIVED.get(name, name)})" if alloy == "capsule" else alloy


def notation_of(store: Store, word: str) -> str:
    """A notation for a word of history, of a type whose exact one is not known any more."""
    if word == "number":
        return "float64"
    if word == "object":
        return "map(any)"
    for outer in ("list", "map"):
        if word.startswith(f"{outer}("):
            return f"{outer}({notation_of(store, word[len(outer) + 1 : -1])})"
    if word.startswith("capsule("):
        name = word[len("capsule(") : -1]
        name = _BY_RECEIVED.get(name, name)
        return f"@{name}" if name in store.names("types") else "any"
    return word
