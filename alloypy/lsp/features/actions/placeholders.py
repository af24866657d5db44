"""What is written in the place of a value that is not known yet: the plainest value of its type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from alloypy.lang import types as wanted
from alloypy.schema.choices import Choice
from alloypy.syntax.letters import quote

if TYPE_CHECKING:
    from alloypy.lang.types import Type

_TEXTS = ("", "1MiB", "http://localhost")
"""One of these is valid for every type with a text form of its own."""

_MARK = re.compile(r"__placeholder_(\d+)__")
_ESCAPED = re.compile(r"[\\$}]")
_BACKSLASH = r"\\\g<0>"

_PLAIN: dict[type, str] = {
    wanted.BoolType: "false",
    wanted.IntType: "0",
    wanted.FloatType: "0.0",
    wanted.DurationType: '"1m"',
    wanted.StringType: '""',
    wanted.BytesType: '""',
    wanted.SecretType: '""',
    wanted.OptionalSecretType: '""',
    wanted.ListType: "[]",
    wanted.MapType: "{}",
}


def placeholder(type_: Type | None) -> str:
    """An expression that the type accepts; `null` for a capsule, and where any value will do."""
    match type_:
        case wanted.NullableType():
            return placeholder(type_.inner)
        case wanted.TextType():
            return quote(_text(type_))
        case wanted.ObjectType():
            given = [f"{each.name} = {placeholder(each.type)}" for each in type_.fields if each.required]
            return f"{{ {', '.join(given)} }}" if given else "{}"
    return _PLAIN.get(type(type_), "null")


def with_values(text: str, values: Sequence[str]) -> str:
    """A text with values in the places that `mark` has marked."""
    return _MARK.sub(lambda found: values[int(found[1])], text)


def as_snippet(text: str, values: Sequence[str], before: int) -> str:
    """A text as a snippet in which values can be typed over. before: how many places precede it."""
    pieces = _MARK.split(text)
    written = [_ESCAPED.sub(_BACKSLASH, pieces[0])]
    for number, (index, rest) in enumerate(zip(pieces[1::2], pieces[2::2], strict=True), before + 1):
        written += [_stop(values[int(index)], number), _ESCAPED.sub(_BACKSLASH, rest)]
    return "".join(written)


def mark(number: int) -> str:
    """A name that stands for value number `number` while the text around it is laid out."""
    return f"__placeholder_{number}__"


def marks_in(text: str) -> int:
    """How many places of values a text has."""
    return len(_MARK.findall(text))


def _stop(value: str, number: int) -> str:
    """A place of a snippet; what encloses a value stays."""
    for opening, closing in (('"', '"'), ("[", "]"), ("{", "}")):
        if len(value) > 1 and value.startswith(opening) and value.endswith(closing):
            inner = value[len(opening) : -1]
            shown = f"${{{number}:{_ESCAPED.sub(_BACKSLASH, inner)}}}" if inner else f"${number}"
            return f"{_ESCAPED.sub(_BACKSLASH, opening)}{shown}{_ESCAPED.sub(_BACKSLASH, closing)}"
    return f"${{{number}:{_ESCAPED.sub(_BACKSLASH, value)}}}"


def _text(type_: wanted.TextType) -> str:
    if isinstance(type_.parse, Choice):
        return next((each for each in type_.parse.values if each), "")
    for text in _TEXTS:
        try:
            type_.parse(text)
        except ValueError:
            continue
        return text
    return ""
