"""Arguments, exports and debug information as trees of HTML, from the JSON that the API has for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from alloypy.services.web.html import Child, Html, h

LARGEST_SHOWN = 32 << 10
"""Bytes of JSON beyond which a tree is not part of the page, but loaded when somebody opens it."""

_MOST_SHOWN = 2000
_LONGEST_TEXT = 4096
_MOST_IN_LINE = 8
_NESTED = ("array", "object")


class Encoded(NamedTuple):
    """Statements as the API shows them. content: as JSON, in UTF-8."""

    statements: Sequence[Any]
    content: bytes

    @classmethod
    def of(cls, statements: Sequence[Any]) -> Encoded:
        content = json.dumps(statements, ensure_ascii=False, separators=(",", ":"))
        return cls(statements, content.encode("utf-8", "replace"))

    @property
    def large(self) -> bool:
        """Whether it is too large for a page."""
        return len(self.content) > LARGEST_SHOWN


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
