"""JSON as Go's encoding/json reads and writes it.

Source: docs/spec/SYNTAX.md, section 5, `encoding.from_json` and `encoding.to_json`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import NoReturn

from alloypy.lang.go.floats import SHORTEST, format_float
from alloypy.lang.stdlib.json.reader import JSONError, JSONReader
from alloypy.lang.stdlib.sprintf.values import go_type
from alloypy.lang.values import Capsule, Function, OptionalSecret, Secret, Value

__all__ = ["JSONError", "decode", "encode"]

_SHALLOW = 500
_BEYOND_UNICODE = re.compile("[\udc80-\udcff]|" + r"\\u[dD][89a-fA-F]")
_STRING_ESCAPE = re.compile('[\\x00-\\x1f"\\\\<>&\u2028\u2029\udc80-\udcff]')
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def decode(text: str) -> Value:
    """The value of a JSON text; every number is a float. Raises JSONError."""
    shallow = text.count("[") + text.count("{") < _SHALLOW
    if shallow and not _BEYOND_UNICODE.search(text):
        try:
            return json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_refuse)
        except ValueError:
            pass  # the reader below finds Go's message
    return JSONReader(text.encode("utf-8", "surrogateescape"), _number).document()


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise JSONError(f"json: cannot unmarshal number {text} into Go value of type float64")
    return number


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def encode(value: Value) -> str:
    """The JSON text of a value, its keys sorted. Reveals secrets. Raises JSONError."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case float():
            return _float_text(value)
        case str():
            return _string_text(value)
        case list():
            return f"[{','.join([encode(item) for item in value])}]"
        case Mapping():
            return _object_text(value)
        case Secret():
            return _string_text(value.reveal())
        case OptionalSecret():
            return f'{{"IsSecret":{encode(value.is_secret)},"Value":{_string_text(value.reveal())}}}'
        case Function():
            raise JSONError(f"json: unsupported type: {go_type(value)}")
        case Capsule():
            return _object_text(value.fields() or {})
    raise JSONError(f"json: unsupported type: {type(value).__name__}")


def _object_text(value: Mapping[str, Value]) -> str:
    keys = sorted(value, key=lambda key: key.encode("utf-8", "surrogateescape"))
    return f"{{{','.join([f'{_string_text(key)}:{encode(value[key])}' for key in keys])}}}"


def _float_text(value: float) -> str:
    """The text of a float: no exponent between 1e-6 and 1e21; small negative exponents have one digit."""
    if math.isnan(value) or math.isinf(value):
        raise JSONError(f"json: unsupported value: {format_float(value, 'g', SHORTEST)}")
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        return format_float(value, "f", SHORTEST)
    return re.sub(r"e-0(\d)\Z", r"e-\1", format_float(value, "e", SHORTEST))


def _string_text(text: str) -> str:
    return f'"{_STRING_ESCAPE.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[char]
    return "\\ufffd" if "\udc80" <= char <= "\udcff" else f"\\u{ord(char):04x}"
