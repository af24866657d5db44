"""The JSON form of a Push request, read as protobuf's own JSON reader reads it.

Both `rawProfile` and `raw_profile` name the same field, unknown fields are ignored, bytes are
base64 of either alphabet, null means absent, a repeated key is an error. Error texts carry the
line and column that Go's reader gives. Source: docs/spec/PYROSCOPE.md, section 3.5.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

from alloypy.profiles.allowance import MAX_LABELS, Allowance
from alloypy.profiles.json_tokens import JSONError, Kind, Tokens
from alloypy.profiles.labels import label_set
from alloypy.profiles.model import Buffer, RawSample, Series
from alloypy.profiles.push_wire import LabelRule

_DEEPEST = 10_000
_LONGEST_NAME = 80  # with every character escaped
_PIECE = 1 << 20
_ALPHABETS = (("standard", b"+/"), ("url", b"-_"))
_STANDARD = bytes.maketrans(b"-_", b"+/")


class _Field(NamedTuple):
    """A field: its JSON name, what it holds ("string", "bytes" or a message), and whether it is a list."""

    name: str
    holds: str | _Message
    repeated: bool = False


class _Message(NamedTuple):
    """The fields of a message by every name they may have."""

    fields: Mapping[str, _Field]


_PAIR = _Message({"name": _Field("name", "string"), "value": _Field("value", "string")})
_ANNOTATION = _Message({"key": _Field("key", "string"), "value": _Field("value", "string")})
_RAW_PROFILE = _Field("rawProfile", "bytes")
_SAMPLE = _Message(
    {"rawProfile": _RAW_PROFILE, "raw_profile": _RAW_PROFILE, "ID": _Field("ID", "string")},
)
_SERIES = _Message(
    {
        "labels": _Field("labels", _PAIR, repeated=True),
        "samples": _Field("samples", _SAMPLE, repeated=True),
        "annotations": _Field("annotations", _ANNOTATION, repeated=True),
    }
)
_PUSH = _Message({"series": _Field("series", _SERIES, repeated=True)})


def decode_push_json(
    body: Buffer, rule: LabelRule | None = None, allowance: Allowance | None = None
) -> list[Series]:
    """The series of a PushRequest in JSON; labels as `push_wire.decode_push` gives them.

    Raises JSONError, and Overrun beyond the allowance: a token counts as a field.
    """
    tokens = Tokens(bytes(body) if isinstance(body, memoryview) else body, allowance or Allowance())
    request = _read_message(tokens, _PUSH)
    end = tokens.read()
    if end.kind is not Kind.END:
        raise tokens.unexpected(end)
    return [_series(one, position, rule) for position, one in enumerate(request.get("series", ()))]


def _series(one: Mapping[str, Any], position: int, rule: LabelRule | None) -> Series:
    if len(one.get("labels", ())) > MAX_LABELS:
        raise JSONError(f"more than {MAX_LABELS} labels in a series")
    labels = label_set((pair.get("name", ""), pair.get("value", "")) for pair in one.get("labels", ()))
    samples = [
        RawSample(sample.get("rawProfile", b""), sample.get("ID", "")) for sample in one.get("samples", ())
    ]
    return Series(labels if rule is None else rule(labels), samples, position)


def _read_message(tokens: Tokens, message: _Message) -> dict[str, Any]:
    """The message at the next token: values by the fields' JSON names."""
    found: dict[str, Any] = {}
    opening = tokens.read()
    if opening.kind is not Kind.OPEN_OBJECT:
        raise tokens.unexpected(opening)
    seen = set()
    while (token := tokens.read()).kind is not Kind.CLOSE_OBJECT:
        if token.kind is not Kind.NAME:
            raise tokens.unexpected(token)
        short = token.end - token.position <= _LONGEST_NAME
        field = message.fields.get(tokens.content(token)) if short else None
        if field is None:
            _skip_value(tokens)
            continue
        if field.name in seen:
            raise tokens.error(token, f"duplicate field {tokens.raw(token)}")
        seen.add(field.name)
        if tokens.peek().kind is Kind.NULL:
            tokens.read()
        elif field.repeated:
            found[field.name] = _read_list(tokens, field)
        else:
            found[field.name] = _read_value(tokens, field)
    return found


def _read_list(tokens: Tokens, field: _Field) -> list[Any]:
    opening = tokens.read()
    if opening.kind is not Kind.OPEN_ARRAY:
        raise tokens.unexpected(opening)
    values = []
    while tokens.peek().kind is not Kind.CLOSE_ARRAY:
        values.append(_read_value(tokens, field))
    tokens.read()
    return values


def _read_value(tokens: Tokens, field: _Field) -> Any:
    if isinstance(field.holds, _Message):
        return _read_message(tokens, field.holds)
    token = tokens.read()
    if token.kind is Kind.STRING:
        if field.holds == "string":
            return tokens.content(token)
        try:
            return _decode_base64(tokens.raw_content(token) or tokens.content(token).encode("ascii"))
        except ValueError:
            pass
    raise tokens.error(token, f"invalid value for {field.holds} field {field.name}: {tokens.raw(token)}")


def _decode_base64(text: bytes | memoryview) -> Buffer:
    """Standard or URL-safe base64. Raises ValueError.

    Padding belongs to a text whose length, line ends included, is a multiple of four, and only to
    such a text.
    """
    padded = len(text) % 4 == 0
    decoded = bytearray()
    alphabets = set()
    left = b""
    for at in range(0, len(text), _PIECE):
        piece = left + bytes(text[at : at + _PIECE]).translate(None, b"\r\n")
        alphabets |= {alphabet for alphabet, marks in _ALPHABETS if marks[0] in piece or marks[1] in piece}
        if len(alphabets) > 1:
            raise ValueError("two alphabets")
        piece = piece.translate(_STANDARD)
        whole = len(piece) // 4 * 4
        last = at + _PIECE >= len(text)
        if last and not padded:
            if b"=" in piece:
                raise ValueError("padding is not complete")
            piece += b"=" * (-len(piece) % 4)
            whole = len(piece)
        elif last:
            whole = len(piece)
        elif b"=" in piece[:whole]:
            raise ValueError("padding within")
        part, left = base64.b64decode(piece[:whole], validate=True), piece[whole:]
        if last and not decoded:
            return part
        decoded += part
    return decoded


def _skip_value(tokens: Tokens) -> None:
    depth = 0
    while True:
        kind = tokens.read().kind
        if kind in (Kind.OPEN_OBJECT, Kind.OPEN_ARRAY):
            depth += 1
            if depth > _DEEPEST:
                raise JSONError("exceeded max recursion depth")
        elif kind in (Kind.CLOSE_OBJECT, Kind.CLOSE_ARRAY):
            depth -= 1
        if depth == 0:
            return
