"""The meaning of YAML scalars, by the rules of Go's yaml.v3.

Source: docs/spec/SYNTAX.md, section 5, `encoding.from_yaml`.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone

from alloypy.lang.go.base64 import STANDARD, CorruptBase64, decode_base64
from alloypy.lang.numbers import parse_float
from alloypy.lang.stdlib.yaml.nodes import YAMLError, YAMLNode
from alloypy.lang.values import UInt, Value

_CONSTANTS: dict[str, tuple[str, Value]] = {
    **dict.fromkeys(("true", "True", "TRUE"), ("!!bool", True)),
    **dict.fromkeys(("false", "False", "FALSE"), ("!!bool", False)),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), ("!!null", None)),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), ("!!float", math.nan)),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), ("!!float", math.inf)),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), ("!!float", -math.inf)),
}
_RESOLVABLE = {"", "!!str", "!!bool", "!!int", "!!float", "!!null", "!!timestamp"}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_INTEGER = re.compile(
    r"([-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<binary>[01]+)|0[oO]?(?P<octal>[0-7]+)|(?P<decimal>0|[1-9][0-9]*))\Z"
)
_BASES = {"hex": 16, "binary": 2, "octal": 8, "decimal": 10}
_TIMESTAMP = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"
    r"(?:(?P<joint>[Tt ])(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{1,2}):(?P<second>[0-9]{1,2})"
    r"(?:[.,](?P<fraction>[0-9]+))?(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?)?\Z"
)
_MOST_DIGITS = 64
_LARGEST_INT = (1 << 63) - 1


def resolve(node: YAMLNode) -> Value:
    """The value of a scalar node. Raises YAMLError if its tag demands another type."""
    if node.is_string:
        return node.value
    if node.tag == "!!binary":
        try:
            data = decode_base64(node.value.encode(), STANDARD)
        except CorruptBase64:
            raise YAMLError("!!binary value contains invalid base64 data") from None
        return data.decode("utf-8", "surrogateescape")
    if node.tag not in _RESOLVABLE:
        return node.value
    tag, value = _plain(node.value, node.tag)
    if node.tag == "!!float" and tag == "!!int" and not isinstance(value, UInt):
        return float(value)
    if node.tag not in {"", tag}:
        raise YAMLError(f"cannot decode {tag} `{node.value}` as a {node.tag}")
    return value


def short_tag(node: YAMLNode) -> str:
    """The tag of a node; if it has none, the one its text resolves to."""
    if node.is_string:
        return "!!str"
    if node.is_merge:
        return "!!merge"
    if node.kind == "alias" and node.target is not None:
        return short_tag(node.target)
    if node.tag:
        return node.tag
    return {"sequence": "!!seq", "mapping": "!!map"}.get(node.kind) or _plain(node.value, "")[0]


def _plain(text: str, tag: str) -> tuple[str, Value]:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    first = text[0]
    if first == ".":
        number = parse_float(text)
        return ("!!str", text) if number is None else ("!!float", number)
    if first not in "+-0123456789":
        return "!!str", text
    if tag in {"", "!!timestamp"} and (moment := _timestamp(text)) is not None:
        return "!!timestamp", moment
    plain = text.replace("_", "")
    whole = _integer(plain)
    if whole is not None:
        return "!!int", whole
    if _FLOAT.match(plain) and (number := parse_float(plain)) is not None:
        return "!!float", number
    return "!!str", text


def _integer(text: str) -> int | None:
    match = _INTEGER.match(text)
    if match is None or match.lastgroup is None:
        return None
    sign, digits = match[1], match[match.lastgroup]
    if len(digits.lstrip("0")) > _MOST_DIGITS:
        return None
    number = int(digits, _BASES[match.lastgroup])
    if sign == "-":
        return -number if number <= _LARGEST_INT + 1 else None
    if number <= _LARGEST_INT:
        return number
    return UInt(number) if number < 1 << 64 and not sign else None


def _timestamp(text: str) -> str | None:
    """A timestamp in RFC 3339 form; None if the text is not one."""
    match = _TIMESTAMP.match(text)
    if match is None:
        return None
    joint, zone = match["joint"], match["zone"]
    if (joint in {"T", "t"}) != (zone is not None):
        return None  # the form with a T needs a zone, and no other form may have one
    numbers = [int(match[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")]
    try:
        moment = datetime(*numbers, tzinfo=_zone(zone))  # type: ignore[misc, arg-type]
    except ValueError:
        return None
    fraction = (match["fraction"] or "")[:9].rstrip("0")
    shown = "Z" if moment.utcoffset() == timedelta(0) else zone
    return f"{moment:%Y-%m-%dT%H:%M:%S}{'.' if fraction else ''}{fraction}{shown}".rjust(20, "0")


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[4:6])))
