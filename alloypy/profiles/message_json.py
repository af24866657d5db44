"""JSON messages of RPCs, read as Go's protobuf library reads them.

A message's generated class says which fields it has. Fields have two names, `rawProfile` and
`raw_profile`; unknown fields are ignored, bytes are base64 of either alphabet, null means absent, a
repeated key is an error. Error texts have the line and column that Go's reader gives.

protobuf's own reader would take five times a message's size in memory, and thirty times for a hostile
one, all of it with the interpreter's lock held.
Source: docs/spec/PYROSCOPE.md, section 3.5.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from alloypy.profiles.allowance import Allowance, Overrun
from alloypy.profiles.json_tokens import JSONError, TokenKind, Tokens
from alloypy.profiles.model import Buffer

_DEEPEST = 10_000
_LONGEST_NAME_BYTES = 80  # with every character escaped
_PIECE_BYTES = 1 << 20
_ALPHABETS = (("standard", b"+/"), ("url", b"-_"))
_STANDARD = bytes.maketrans(b"-_", b"+/")
_HOLDS = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_ENUM: "enum",
    FieldDescriptor.TYPE_MESSAGE: "message",
}


class _Field(NamedTuple):
    """A field: its names in the .proto file and in JSON, and what it holds (a value of `_HOLDS`).

    message: the fields of a message. numbers: of an enum's values, by name.
    """

    name: str
    json_name: str
    holds: str
    repeated: bool
    message: Descriptor | None
    numbers: Mapping[str, int]


@cache
def _fields(message: Descriptor) -> Mapping[str, _Field]:
    """The fields of a message, by every name they may have."""
    fields: dict[str, _Field] = {}
    for each in message.fields:
        values = each.enum_type.values_by_name if each.enum_type is not None else {}
        field = _Field(
            each.name,
            each.json_name,
            _HOLDS[each.type],
            each.is_repeated,
            each.message_type,
            {name: value.number for name, value in values.items()},
        )
        fields |= {each.name: field, each.json_name: field}
    return fields


def read_json(body: Buffer, kind: type[Message], allowance: Allowance | None = None) -> dict[str, Any]:
    """The fields present in a message of this kind, by their names in the .proto file.

    Raises JSONError, and Overrun beyond the allowance: a token counts as a field.
    """
    tokens = Tokens(bytes(body) if isinstance(body, memoryview) else body, allowance or Allowance())
    message = _read_message(tokens, cast("Descriptor", kind.DESCRIPTOR))
    end = tokens.read()
    if end.kind is not TokenKind.END:
        raise tokens.unexpected(end)
    return message


def _read_message(tokens: Tokens, message: Descriptor) -> dict[str, Any]:
    """The message at the next token."""
    found: dict[str, Any] = {}
    opening = tokens.read()
    if opening.kind is not TokenKind.OPEN_OBJECT:
        raise tokens.unexpected(opening)
    fields = _fields(message)
    seen = set()
    while (token := tokens.read()).kind is not TokenKind.CLOSE_OBJECT:
        if token.kind is not TokenKind.NAME:
            raise tokens.unexpected(token)
        short = token.end - token.position <= _LONGEST_NAME_BYTES
        field = fields.get(tokens.content(token)) if short else None
        if field is None:
            _skip_value(tokens)
            continue
        if field.name in seen:
            raise tokens.error(token, f"duplicate field {tokens.raw(token)}")
        seen.add(field.name)
        if tokens.peek().kind is TokenKind.NULL:
            tokens.read()
        elif field.repeated:
            found[field.name] = _read_list(tokens, field)
        elif (value := _read_value(tokens, field)) is not None:
            found[field.name] = value
    return found


def _read_list(tokens: Tokens, field: _Field) -> list[Any]:
    opening = tokens.read()
    if opening.kind is not TokenKind.OPEN_ARRAY:
        raise tokens.unexpected(opening)
    values = []
    while tokens.peek().kind is not TokenKind.CLOSE_ARRAY:
        value = _read_value(tokens, field)
        if value is not None:
            values.append(value)
    tokens.read()
    return values


def _read_value(tokens: Tokens, field: _Field) -> Any:
    """The value of a field; None for an unknown word of an enum."""
    if field.message is not None:
        return _read_message(tokens, field.message)
    token = tokens.read()
    if token.kind is TokenKind.STRING and field.holds != "bytes":
        content = tokens.content(token)
        return content if field.holds == "string" else field.numbers.get(content)
    try:
        if token.kind is TokenKind.STRING:
            return _decode_base64(tokens.raw_content(token) or tokens.content(token).encode("ascii"))
        if token.kind is TokenKind.NUMBER and field.holds == "enum":
            return _enum_number(tokens.raw(token))
    except Overrun:
        raise
    except ValueError:
        pass
    reason = f"invalid value for {field.holds} field {field.json_name}: {tokens.raw(token)}"
    raise tokens.error(token, reason)


def _enum_number(text: str) -> int:
    number = float(text)
    if not (number.is_integer() and -(1 << 31) <= number < 1 << 31):
        raise ValueError("not a whole number of 32 bits")
    return int(number)


def _decode_base64(text: bytes | memoryview) -> Buffer:
    """Standard or URL-safe base64. Raises ValueError.

    A text whose length, line ends included, is a multiple of four is read as padded, any other as unpadded.
    """
    padded = len(text) % 4 == 0
    decoded = bytearray()
    alphabets = set()
    left = b""
    for at in range(0, len(text), _PIECE_BYTES):
        piece = left + bytes(text[at : at + _PIECE_BYTES]).translate(None, b"\r\n")
        alphabets |= {alphabet for alphabet, marks in _ALPHABETS if marks[0] in piece or marks[1] in piece}
        if len(alphabets) > 1:
            raise ValueError("two alphabets")
        piece = piece.translate(_STANDARD)
        whole = len(piece) // 4 * 4
        last = at + _PIECE_BYTES >= len(text)
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
        if kind in (TokenKind.OPEN_OBJECT, TokenKind.OPEN_ARRAY):
            depth += 1
            if depth > _DEEPEST:
                raise JSONError("exceeded max recursion depth")
        elif kind in (TokenKind.CLOSE_OBJECT, TokenKind.CLOSE_ARRAY):
            depth -= 1
        if depth == 0:
            return
