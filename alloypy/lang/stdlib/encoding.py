"""`encoding`: between texts and what they encode."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from alloypy.lang.evaluation.functions import Example, FunctionError, Manual, TypedFunction
from alloypy.lang.evaluation.traced import GIVEN, LITERAL, OWN
from alloypy.lang.go.base64 import STANDARD, URL, CorruptBase64, decode_base64, encode_base64
from alloypy.lang.go.text import quote
from alloypy.lang.types import AnyType, StringType
from alloypy.lang.values import Value

_SAFE_IN_URLS = rb"[^A-Za-z0-9._~-]"
_ESCAPE_OR_PLUS = rb"(?s)%(..)?|\+"
_HEX_PAIR = rb"[0-9a-fA-F]{2}\Z"


def _data(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _from_json(text: str) -> Value:
    from alloypy.lang.stdlib.json.codec import JSONError, decode

    try:
        return decode(text)
    except JSONError as error:
        raise FunctionError(str(error)) from None


def _from_yaml(text: str) -> Value:
    from alloypy.lang.stdlib.yaml.decoder import YAMLError, decode

    try:
        return decode(text)
    except YAMLError as error:
        raise FunctionError(str(error)) from None


def _to_json(value: Any) -> str:
    from alloypy.lang.stdlib.json.codec import JSONError, encode

    if not isinstance(value, dict):
        raise FunctionError("jsonEncode only supports map")
    try:
        return encode(value)
    except JSONError as error:
        raise FunctionError(str(error)) from None


def _from_base64(text: str, last_two: bytes = STANDARD) -> bytes:
    try:
        return decode_base64(_data(text), last_two)
    except CorruptBase64 as error:
        raise FunctionError(str(error)) from None


def _from_url_base64(text: str) -> bytes:
    return _from_base64(text, URL)


def _to_base64(text: str) -> str:
    return encode_base64(_data(text), STANDARD)


def _to_url_base64(text: str) -> str:
    return encode_base64(_data(text), URL)


def _url_encode(text: str) -> str:
    """`text` escaped for a query: a blank becomes a plus sign."""
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


_FALLIBLE_TEXT = "(string, error)"
_FALLIBLE_ANY = "(interface {}, error)"
_FALLIBLE_BYTES = "([]uint8, error)"
_AS_STRING = "The result is a list of bytes, which becomes a string where a string is expected."


def _function(
    name: str,
    body: Callable[[str], Value],
    words: str,
    *examples: tuple[str, str],
    gives: str = "string",
    returns: str = _FALLIBLE_TEXT,
    weight: int = 1,
    origin: str = OWN,
) -> TypedFunction:
    """A function with one text as its argument."""
    manual = Manual(("text: string",), gives, words, tuple(Example(*each) for each in examples))
    return TypedFunction(
        f"encoding.{name}",
        (StringType(),),
        body,
        manual,
        returns=returns,
        weight=weight,
        origin=origin,
    )


FROM_JSON = _function(
    "from_json",
    _from_json,
    "Reads a JSON text, such as the content of a `local.file`.",
    (r'encoding.from_json("{\"ports\": [9999, 4040]}")', "{\n\tports = [9999, 4040],\n}"),
    (r'encoding.from_json("{\"ports\": [9999, 4040]}")["ports"][0]', "9999"),
    gives="any",
    returns=_FALLIBLE_ANY,
    weight=16,
    origin=LITERAL,
)
FROM_YAML = _function(
    "from_yaml",
    _from_yaml,
    "Reads a YAML text, such as the content of a `local.file`.",
    (
        r'encoding.from_yaml("env: production\nreplicas: 2")',
        '{\n\tenv      = "production",\n\treplicas = 2,\n}',
    ),
    gives="any",
    returns=_FALLIBLE_ANY,
    weight=32,
    origin=GIVEN,
)
FROM_BASE64 = _function(
    "from_base64",
    _from_base64,
    f"Decodes base64 with the characters + and / (RFC 4648, section 4). {_AS_STRING}",
    ('encoding.from_base64("aGk=")', "[104, 105]"),
    ('string.trim_space(encoding.from_base64("aGkK"))', '"hi"'),
    gives="bytes",
    returns=_FALLIBLE_BYTES,
    weight=16,
)
_FROM_URL_BASE64 = _function(
    "from_URLbase64",
    _from_url_base64,
    f"Decodes base64 with the characters - and _ (RFC 4648, section 5). {_AS_STRING}",
    ('string.trim_space(encoding.from_URLbase64("Pz8_Pg=="))', '"???>"'),
    gives="bytes",
    returns=_FALLIBLE_BYTES,
    weight=16,
)
_TO_JSON = TypedFunction(
    "encoding.to_json",
    (AnyType(),),
    _to_json,
    Manual(
        ("value: any",),
        "string",
        "Writes an object as JSON, with its fields in alphabetical order. Other values are rejected.",
        (
            Example(
                'encoding.to_json({"replicas" = 2, "env" = "production"})',
                r'"{\"env\":\"production\",\"replicas\":2}"',
            ),
        ),
    ),
    returns=_FALLIBLE_TEXT,
)
_TO_BASE64 = _function(
    "to_base64",
    _to_base64,
    "Encodes a text in base64 with the characters + and / (RFC 4648, section 4).",
    ('encoding.to_base64("alice:secret")', '"YWxpY2U6c2VjcmV0"'),
)
_TO_URL_BASE64 = _function(
    "to_URLbase64",
    _to_url_base64,
    "Encodes a text in base64 with the characters - and _ (RFC 4648, section 5).",
    ('encoding.to_URLbase64("???>")', '"Pz8_Pg=="'),
)
_URL_ENCODE = _function(
    "url_encode",
    _url_encode,
    "Escapes a text for the query of a URL. A space becomes a plus sign.",
    ('encoding.url_encode("a b&c=d/e")', '"a+b%26c%3Dd%2Fe"'),
    weight=32,
)
_URL_DECODE = _function(
    "url_decode",
    _url_decode,
    "Reads a text that is escaped for the query of a URL.",
    ('encoding.url_decode("a+b%26c")', '"a b&c"'),
    weight=32,
)

FUNCTIONS = {
    "from_json": FROM_JSON,
    "from_yaml": FROM_YAML,
    "from_base64": FROM_BASE64,
    "from_URLbase64": _FROM_URL_BASE64,
    "to_json": _TO_JSON,
    "to_base64": _TO_BASE64,
    "to_URLbase64": _TO_URL_BASE64,
    "url_encode": _URL_ENCODE,
    "url_decode": _URL_DECODE,
}
