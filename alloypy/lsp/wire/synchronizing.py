"""Texts that the client opens, changes and closes.

The parameters are read as they come: a change that cannot be read would leave us with another text than the
client's, so nothing in them is guessed.
"""

from __future__ import annotations

from typing import Any

from alloypy.lsp.documents.document import Change
from alloypy.lsp.documents.positions import Position
from alloypy.lsp.wire.errors import InvalidParams

_LARGEST = 1 << 31


def uri_in(params: Any) -> str:
    """The URI of the text that a message is about. Raises InvalidParams."""
    uri: str = _member(_member(params, "textDocument", dict), "uri", str)
    return uri


def version_in(params: Any) -> int | None:
    """The version of the text; None if the client does not count. Raises InvalidParams."""
    document = _member(params, "textDocument", dict)
    return None if document.get("version") is None else _member(document, "version", int)


def text_in(params: Any) -> bytes:
    """The text that is opened. Raises InvalidParams."""
    text: str = _member(_member(params, "textDocument", dict), "text", str)
    return text.encode("utf-8", "surrogatepass")


def changes_in(params: Any) -> list[Change]:
    """The edits, in their order. Raises InvalidParams."""
    return [_change(each) for each in _member(params, "contentChanges", list)]


def _change(change: Any) -> Change:
    text = _member(change, "text", str)
    if change.get("range") is None:
        return Change(None, None, text)
    place = _member(change, "range", dict)
    return Change(_position(place, "start"), _position(place, "end"), text)


def _position(place: Any, name: str) -> Position:
    position = _member(place, name, dict)
    line, character = _member(position, "line", int), _member(position, "character", int)
    if not (0 <= line < _LARGEST and 0 <= character < _LARGEST):
        raise InvalidParams("line and character of a position are from 0 to 2147483647")
    return Position(line, character)


def _member(holder: Any, name: str, kind: type) -> Any:
    found = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(found, kind) or isinstance(found, bool):
        raise InvalidParams(f"{name} is missing, or is not of its type")
    return found
