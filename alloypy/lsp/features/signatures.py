"""Signature help: what the function takes whose arguments are being written."""

from __future__ import annotations

from typing import NamedTuple

from alloypy.lsp.cursor.embedded import embedded_at
from alloypy.lsp.cursor.library import function_of
from alloypy.lsp.cursor.place import Kind, Place


class Signature(NamedTuple):
    """How a function is called. parameters: as parts of `text`. active: the number of the current one."""

    text: str
    parameters: tuple[str, ...]
    active: int
    words: str


def signature(place: Place) -> Signature | None:
    """The signature of the innermost call around a place; None outside of calls. Never raises."""
    place = embedded_at(place) or place
    call = place.call
    if call is None or place.kind is Kind.COMMENT:
        return None
    language = place.workspace.language(place.document.path)
    first, _, member = call.name.partition(".")
    members = language.identifiers.get(first)
    known = first in language.identifiers or first in language.deprecated
    function = function_of(call.name)
    if function is None or not known or (member and isinstance(members, list) and member not in members):
        return None
    manual = function.manual
    many = bool(manual.takes) and manual.takes[-1].endswith("...")
    active = min(call.number, len(manual.takes) - 1) if many else call.number
    return Signature(
        f"{call.name}({', '.join(manual.takes)}) -> {manual.gives}", manual.takes, active, manual.words
    )
