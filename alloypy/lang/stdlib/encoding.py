"""`encoding`: between texts and what they encode."""

from __future__ import annotations

import base64
import re
from typing import Any

from alloypy.lang.functions import FunctionError, TypedFunction
from alloypy.lang.go_text import quote
from alloypy.lang.traced import GIVEN, LITERAL
from alloypy.lang.types import AnyType, StringType
from alloypy.lang.values import Value

STANDARD_ALPHABET = b"+/"
"""The last two characters of base64."""
_URL_ALPHABET = b"-_"
_SAFE_IN_URLS = rb"[^A-Za-z0-9._~-]"
_ESCAPE_OR_PLUS = rb"(?s)%(..)?|\+"
_HEX_PAIR = rb"[0-9a-fA-F]{2}\Z"


def _data(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _from_json(text: str) -> Value:
    from alloypy.lang.go_json import JSONError, decode

    try:
        return decode(text)
    except JSONError as error:
        raise FunctionError(str(error)) from None


def _from_yaml(text: str) -> Value:
    from alloypy.lang.go_yaml import YAMLError, decode

    try:
        return decode(text)
    except YAMLError as error:
        raise FunctionError(str(error)) from None


def _to_json(value: Any) -> str:
    from alloypy.lang.go_json import JSONError, encode

    if not isinstance(value, dict):
        raise FunctionError("jsonEncode only supports map")
    try:
        return encode(value)
    except JSONError as error:
        raise FunctionError(str(error)) from None


def _from_base64(text: str) -> bytes:
    return decode_base64(_data(text), STANDARD_ALPHABET)


def _from_url_base64(text: str) -> bytes:
    return decode_base64(_data(text), _URL_ALPHABET)


def _to_base64(text: str) -> str:
    return base64.b64encode(_data(text), STANDARD_ALPHABET).decode()


def _to_url_base64(text: str) -> str:
    return base64.b64encode(_data(text), _URL_ALPHABET).decode()


def decode_base64(data: bytes, last_two: bytes) -> bytes:
    """Padding is needed, line ends are skipped."""
    wrong = corrupt_base64(data, last_two)
    if wrong is not None:
        raise FunctionError(f"illegal base64 data at input byte {wrong}")
    return base64.b64decode(data.translate(None, b"\r\n"), last_two)


def corrupt_base64(data: bytes, last_two: bytes) -> int | None:
    """Where `data` is not base64, as Go counts it; None where it is all right."""
    alphabet = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + last_two)
    places = [place for place, byte in enumerate(data) if byte not in b"\r\n"]
    for count, place in enumerate(places):
        byte = data[place]
        if byte in alphabet:
            continue
        rest = places[count + 1 :]
        if byte != ord("=") or count % 4 < 2:
            return place
        if count % 4 == 2:
            if not rest:
                return len(data)
            if data[rest[0]] != ord("="):
                return rest[0] - 1
            rest = rest[1:]
        return rest[0] if rest else None
    missing = len(places) % 4
    return len(data) - missing if missing else None


def _url_encode(text: str) -> str:
    """The form of a query: a blank becomes a plus sign."""
    escaped = re.sub(
        _SAFE_IN_URLS, lambda found: b"+" if found[0] == b" " else b"%%%02X" % found[0][0], _data(text)
    )
    return escaped.decode()


def _url_decode(text: str) -> str:
    data = _data(text)

    def decoded(found: re.Match[bytes]) -> bytes:
        if found[0] == b"+":
            return b" "
        if found[1] is None or not re.match(_HEX_PAIR, found[1]):
            raise FunctionError(f"invalid URL escape {quote(_text(data[found.start() : found.start() + 3]))}")
        return bytes.fromhex(found[1].decode())

    return _text(re.sub(_ESCAPE_OR_PLUS, decoded, data))


_ONE = (StringType(),)
_FALLIBLE_TEXT = "(string, error)"
_FALLIBLE_ANY = "(interface {}, error)"
_FALLIBLE_BYTES = "([]uint8, error)"

FROM_JSON = TypedFunction(
    "encoding.from_json", _ONE, _from_json, returns=_FALLIBLE_ANY, weight=16, origin=LITERAL
)
FROM_YAML = TypedFunction(
    "encoding.from_yaml", _ONE, _from_yaml, returns=_FALLIBLE_ANY, weight=128, origin=GIVEN
)
FROM_BASE64 = TypedFunction("encoding.from_base64", _ONE, _from_base64, returns=_FALLIBLE_BYTES, weight=16)

FUNCTIONS = {
    "from_json": FROM_JSON,
    "from_yaml": FROM_YAML,
    "from_base64": FROM_BASE64,
    "from_URLbase64": TypedFunction(
        "encoding.from_URLbase64", _ONE, _from_url_base64, returns=_FALLIBLE_BYTES, weight=16
    ),
    "to_json": TypedFunction("encoding.to_json", (AnyType(),), _to_json, returns=_FALLIBLE_TEXT),
    "to_base64": TypedFunction("encoding.to_base64", _ONE, _to_base64, returns=_FALLIBLE_TEXT),
    "to_URLbase64": TypedFunction("encoding.to_URLbase64", _ONE, _to_url_base64, returns=_FALLIBLE_TEXT),
    "url_encode": TypedFunction("encoding.url_encode", _ONE, _url_encode, returns=_FALLIBLE_TEXT, weight=32),
    "url_decode": TypedFunction("encoding.url_decode", _ONE, _url_decode, returns=_FALLIBLE_TEXT, weight=32),
}
