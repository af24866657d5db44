"""The kinds of scalars in YAML texts, as the exporters' YAML library converts them.

Source: github.com/rfratto/go-yaml v0.0.0-20211119180816-77389c3526dc, which Alloy has for gopkg.in/yaml.v2.
Plain scalars are booleans and numbers of YAML 1.1; those in quotes are strings.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from alloypy.embedded.yaml.documents import Node
from alloypy.lang.text_error import TextError

Kind: TypeAlias = Callable[[Node], str]
"""Says what a scalar that is not null must be instead; "" if it is all right."""

_BOOLEANS = frozenset(
    name
    for word in ("y", "yes", "true", "on", "n", "no", "false", "off")
    for name in (word, word.capitalize(), word.upper())
)
_SPECIAL = frozenset(
    sign + name
    for name in (".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN")
    for sign in (("", "+", "-") if name.lower() == ".inf" else ("",))
)
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|[1-9][0-9]*|0)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_PROMETHEUS_DURATION = re.compile(
    "0|(?=.)" + "".join(f"(?:[0-9]+{unit})?" for unit in ("y", "w", "d", "h", "m", "s", "ms")), re.ASCII
)
_MOST_INTEGER = (1 << 63) - 1
_MOST_UNSIGNED = (1 << 64) - 1
_TLS_VERSIONS = ("TLS10", "TLS11", "TLS12", "TLS13")


def _number(node: Node) -> int | float | None:
    """The number that a scalar is; None for a string or a boolean."""
    text = node.value
    if node.style or text in _BOOLEANS:
        return None
    if text in _SPECIAL:
        return float(text.replace(".", ""))
    plain = text if text.startswith(".") else text.replace("_", "")
    if _INTEGER.fullmatch(plain):
        value = _integer(plain)
        if -_MOST_INTEGER - 1 <= value <= (_MOST_UNSIGNED if plain[0].isdigit() else _MOST_INTEGER):
            return value
    number = float(plain) if _FLOAT.fullmatch(plain) else math.inf
    return None if math.isinf(number) else number


def _integer(text: str) -> int:
    sign, digits = (text[:1], text[1:]) if text[0] in "+-" else ("", text)
    octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
    return int(sign + digits, 8 if octal else 0)


def _text(node: Node) -> str:
    return ""


def _boolean(node: Node) -> str:
    return "" if not node.style and node.value in _BOOLEANS else "`true` or `false`"


def _whole(node: Node) -> str:
    number = _number(node)
    return "" if number is not None and number <= _MOST_INTEGER else "an integer"


def _unsigned(node: Node) -> str:
    number = _number(node)
    if isinstance(number, float):
        return ""  # how it is rounded depends on the processor
    return "" if number is not None and 0 <= number < 1 << 32 else "an integer that is not negative"


def _decimal(node: Node) -> str:
    return "" if _number(node) is not None else "a number"


def _duration(node: Node) -> str:
    from alloypy.lang.go.duration import Duration

    number = _number(node)
    if number is not None and number <= _MOST_INTEGER:
        return ""
    if number is None and (node.style or node.value not in _BOOLEANS):
        try:
            Duration.parse(node.value)
        except ValueError:
            pass
        else:
            return ""
    return "a duration such as `10s`"


def _prometheus_duration(node: Node) -> str:
    return "" if _PROMETHEUS_DURATION.fullmatch(node.value) else "a duration such as `10s`"


def _size(node: Node) -> str:
    from alloypy.lang.go.units import parse_size

    try:
        parse_size(node.value)
    except ValueError:
        return "a size such as `10MB`"
    return ""


def _url(node: Node) -> str:
    from alloypy.lang.go.url import parse_url

    try:
        parse_url(node.value)
    except ValueError:
        return "a URL"
    return ""


def _tls_version(node: Node) -> str:
    return "" if node.value in _TLS_VERSIONS else f"one of {', '.join(_TLS_VERSIONS)}"


def _regex(node: Node) -> str:
    from alloypy.lang.go.regexp_syntax import check_syntax

    return _reason(lambda: check_syntax(node.value))


def _whole_regex(node: Node) -> str:
    from alloypy.lang.go.regexp_syntax import check_wrapped

    return _reason(lambda: check_wrapped("^(?:", node.value, ")$"))


def _reason(check: Callable[[], None]) -> str:
    try:
        check()
    except TextError as error:
        return f"a regular expression: {error}"
    return ""


KINDS: Mapping[str, Kind] = {
    "text": _text,
    "bool": _boolean,
    "int": _whole,
    "unsigned": _unsigned,
    "float": _decimal,
    "duration": _duration,
    "prometheus-duration": _prometheus_duration,
    "size": _size,
    "url": _url,
    "tls-version": _tls_version,
    "regex": _regex,
    "whole-regex": _whole_regex,
}
"""The kinds by name."""
