"""Arguments, exports and debug information as trees of HTML, from the JSON that the API has for them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import islice
from typing import Any

from alloypy.lang.values import Capsule, OptionalSecret, Secret
from alloypy.schema.encode import encode_body, encode_text
from alloypy.services.web.html import Child, Html, h

LARGEST_SHOWN = 32 << 10
"""Bytes of JSON, about, beyond which values are no part of a page; they can be downloaded."""

_OVERHEAD = 40  # bytes of JSON around a value
_MOST_SHOWN = 2000
_LONGEST_TEXT = 4096
_MOST_IN_LINE = 8
_NESTED = ("array", "object")


def is_large(value: Any) -> bool:
    """Whether arguments, exports or debug information are too large for a page.

    Estimated, because even to write 5 MB as JSON takes long.
    """
    room = LARGEST_SHOWN
    waiting = [value]
    while waiting and room >= 0:
        each = waiting.pop()
        room -= _OVERHEAD
        if isinstance(each, (str, bytes)):
            room -= len(each)
        elif isinstance(each, (OptionalSecret, Secret)):
            room -= len(each.reveal())
        elif isinstance(each, Mapping):
            waiting += islice((part for item in each.items() for part in item), LARGEST_SHOWN)
        elif isinstance(each, Sequence):
            waiting += islice(each, LARGEST_SHOWN // _OVERHEAD + 1)
        elif isinstance(each, Capsule):
            waiting.append(each.fields() or ())
        elif is_dataclass(each):
            waiting += (getattr(each, field.name) for field in fields(each))
    return room < 0


def content(value: Any) -> bytes:
    """Arguments, exports or debug information as JSON, in UTF-8."""
    text = io.BytesIO()
    for piece in encode_text(value):
        text.write(piece.encode("utf-8", "replace"))
    return text.getvalue()


def beginning(value: Any) -> Html:
    """The tree of the first values."""
    return tree(encode_body(value, _MOST_SHOWN + 1))


def tree(statements: Sequence[Any]) -> Html:
    """The tree of some statements; what is beyond the first 2,000 values is left out, and says so."""
    room = _Room(_MOST_SHOWN)
    body = _body(statements, room)
    return h("div", {"class": "tree"}, body, _rest(room))


def size(count: int) -> str:
    """A number of bytes for people: `5.0 MB`."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


class _Room:
    """How many more values fit."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.cut = False

    def take(self) -> bool:
        self.left -= 1
        self.cut = self.cut or self.left < 0
        return self.left >= 0


def _rest(room: _Room) -> Html | None:
    return h("p", {"class": "weak"}, "There is more; download it to see everything.") if room.cut else None


def _body(statements: Sequence[Any], room: _Room) -> Html:
    lines = []
    for each in statements:
        if not room.take():
            break
        if each["type"] == "attr":
            lines.append(
                h("li", {}, h("span", {"class": "key"}, each["name"]), " = ", _value(each["value"], room))
            )
        else:
            label = each.get("label")
            name = f'{each["name"]} "{label}"' if label else each["name"]
            lines.append(h("li", {}, h("span", {"class": "key"}, name), " ", _body(each["body"], room)))
    return h("ul", {}, lines)


def _value(value: Any, room: _Room) -> Child:
    kind, content = value["type"], value["value"]
    if kind == "array":
        return _nested([(f"{position}", item) for position, item in enumerate(content)], "[]", room)
    if kind == "object":
        return _nested([(item["key"], item["value"]) for item in content], "{}", room)
    return h("span", {"class": f"value {kind}"}, _text(kind, content))


def _nested(items: Sequence[tuple[str, Any]], empty: str, room: _Room) -> Child:
    if not items:
        return empty
    if (
        empty == "[]"
        and len(items) <= _MOST_IN_LINE
        and not any(item["type"] in _NESTED for _, item in items)
    ):
        return ["[", [(", " if at else "", _value(item, room)) for at, (_, item) in enumerate(items)], "]"]
    lines = []
    for key, item in items:
        if not room.take():
            break
        lines.append(h("li", {}, h("span", {"class": "key"}, key), ": ", _value(item, room)))
    inner = h("ul", {}, lines)
    if len(items) <= 20:
        return inner
    return h("details", {}, h("summary", {}, f"{len(items):,} values"), inner)


def _text(kind: str, content: Any) -> str:
    if content is None:
        return "null"
    if isinstance(content, bool):
        return str(content).lower()
    text = str(content)
    if len(text) > _LONGEST_TEXT:
        text = f"{text[:_LONGEST_TEXT]}... ({len(text):,} characters)"
    return f'"{text}"' if kind == "string" else text
