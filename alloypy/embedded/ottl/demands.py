"""What functions demand of constant arguments when a statement is loaded, beyond their types.

Not judged: XPath expressions, Grok patterns, globs, encodings, locations and locales.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from alloypy.embedded.ottl.tree import Calculation, Group, ListValue, Literal, Node
from alloypy.lang.text_error import TextError

Given: TypeAlias = "Mapping[str, Node | str]"
_Demand: TypeAlias = Callable[[Given], None]

_DIRECTIVES = set("YymoqbhBdegaAHlIpPMSLfsZzwijkDxFTXrRntc%")
_FRACTION = re.compile(r"[^.,]%[Lfs]")
_GO_GROUP = re.compile(r"%.")


def check_demands(function: str, given: Given) -> None:
    """Raises TextError for an argument that the function refuses. given: values by fields."""
    for demand in _DEMANDS.get(function, ()):
        demand(given)


def _text(given: Given, field: str) -> tuple[Literal, str] | None:
    value = given.get(field)
    while isinstance(value, Group):
        value = value.inner
    if isinstance(value, Literal) and value.type == "string":
        return value, str(value.value)
    return None


def _number(given: Given, field: str) -> tuple[Node, float] | None:
    value = given.get(field)
    sign = 1
    while isinstance(value, Group) or (isinstance(value, Calculation) and value.sign):
        if isinstance(value, Calculation):
            sign = -sign if value.sign == "-" else sign
            value = value.parts[0]
        else:
            value = value.inner
    if isinstance(value, Literal) and isinstance(value.value, int | float):
        return value, sign * value.value
    return None


def _fault(node: Node, message: str) -> TextError:
    return TextError(message, node.start, node.end)


def _pattern(field: str) -> _Demand:
    """A regular expression, as Go has them."""

    def demand(given: Given) -> None:
        found = _text(given, field)
        if found is None:
            return
        from alloypy.lang.go.regexp_syntax import check_syntax  # only for texts with patterns

        node, text = found
        try:
            check_syntax(text)
        except TextError as error:
            message = f"this is not a regular expression: {error}"
            if node.end - node.start - 2 != len(text):  # it has escapes
                raise _fault(node, message) from None
            start = node.start + 1
            raise TextError(message, start + error.start, start + error.end) from None

    return demand


def _one_of(field: str, *values: str) -> _Demand:
    def demand(given: Given) -> None:
        found = _text(given, field)
        if found is not None and found[1] not in values:
            written = ", ".join(f'"{value}"' for value in values)
            raise _fault(found[0], f"this must be one of {written}")

    return demand


def _not_empty(field: str) -> _Demand:
    def demand(given: Given) -> None:
        found = _text(given, field)
        if found is not None and not found[1]:
            raise _fault(found[0], "this must not be empty")

    return demand


def _one_character(field: str) -> _Demand:
    def demand(given: Given) -> None:
        found = _text(given, field)
        if found is not None and len(found[1]) != 1:
            raise _fault(found[0], "this must be a single character")

    return demand


def _different(field: str, default: str, other: str, other_default: str) -> _Demand:
    """Two texts differ."""

    def demand(given: Given) -> None:
        first, second = _text(given, field), _text(given, other)
        if (first[1] if first else default) == (second[1] if second else other_default):
            at = second or first
            if at is not None:
                raise _fault(at[0], "the delimiter between pairs must differ from that within a pair")

    return demand


def _time_format(given: Given) -> None:
    found = _text(given, "Format")
    if found is None:
        return
    node, text = found
    if not text:
        raise _fault(node, "a format of times must not be empty")
    if re.search("[0-9]", text):
        raise _fault(node, "a format of times has directives such as `%Y`, and no digits")
    fraction = _FRACTION.search(text)
    if fraction:
        raise _fault(node, f"`{fraction.group()[1:]}` must follow `.` or `,`")
    for directive in _GO_GROUP.findall(text):
        if directive[1] not in _DIRECTIVES:
            raise _fault(node, f"formats of times have no directive `{directive}`")


def _limit(given: Given) -> None:
    limit, keys = _number(given, "Limit"), given.get("PriorityKeys")
    if limit is not None and isinstance(keys, ListValue) and limit[1] < len(keys.items):
        raise _fault(
            limit[0], f"the limit must not be less than the number of keys to keep, {len(keys.items)}"
        )


def _marker(given: Given) -> None:
    limit, marker = _number(given, "Limit"), _text(given, "TruncationMarker")
    if limit is not None and marker is not None and len(marker[1].encode(errors="replace")) > limit[1]:
        raise _fault(marker[0], "the marker must not be longer than the limit")


def _depth(given: Given) -> None:
    found = _number(given, "Depth")
    if found is not None and found[1] < 1:
        raise _fault(found[0], "the depth must be greater than 0")


def _percentile(given: Given) -> None:
    found = _number(given, "Percentile")
    if found is not None and not 0 < found[1] < 100:
        raise _fault(found[0], "a percentile must be greater than 0 and less than 100")


def _some_items(field: str) -> _Demand:
    def demand(given: Given) -> None:
        value = given.get(field)
        if isinstance(value, ListValue) and not value.items:
            raise _fault(value, "this list must not be empty")

    return demand


def _identifier(size: int) -> _Demand:
    """So many bytes, or twice as many hexadecimal digits."""

    def demand(given: Given) -> None:
        value = given.get("Target")
        if not isinstance(value, Literal) or value.type not in {"string", "bytes"}:
            return
        raw = (
            value.value
            if isinstance(value.value, bytes)
            else str(value.value).encode(errors="surrogateescape")
        )
        if len(raw) not in {size, 2 * size}:
            raise _fault(value, f"an identifier has {2 * size} hexadecimal digits here")
        if len(raw) == 2 * size and not all(byte in b"0123456789abcdefABCDEF" for byte in raw):
            raise _fault(value, "an identifier has only hexadecimal digits")

    return demand


def _networks(given: Given) -> None:
    value = given.get("Networks")
    for item in value.items if isinstance(value, ListValue) else ():
        if isinstance(item, Literal) and item.type == "string" and not _is_network(str(item.value)):
            raise _fault(item, "a network is written as 10.0.0.0/8")


def _is_network(text: str) -> bool:
    from ipaddress import ip_network  # only for texts with networks

    if not re.search(r"/[0-9]{1,3}\Z", text):
        return False
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _conventions(given: Given) -> None:
    """A version of OpenTelemetry's semantic conventions that the function knows."""
    found = _text(given, "SemconvVersion")
    if found is None:
        return
    numbers = re.fullmatch(r"v?([0-9]{1,6})(?:\.([0-9]{1,6}))?(?:\.([0-9]{1,6}))?", found[1])
    version = tuple(int(each or 0) for each in numbers.groups()) if numbers else ()
    if not re.search("[0-9]", found[1]) or (version and not (1, 37, 0) <= version <= (1, 40, 0)):
        raise _fault(found[0], "the version must be from 1.37.0 to 1.40.0")


def _value_or_values(given: Given) -> None:
    target = given.get("Target")
    if "Value" not in given and "Values" not in given and target is not None and not isinstance(target, str):
        raise _fault(target, "what to append is missing: `value` or `values`")


def _grok(given: Given) -> None:
    """Definitions are written as NAME=pattern."""
    value = given.get("PatternDefinitions")
    for item in value.items if isinstance(value, ListValue) else ():
        name, equal, _ = str(item.value if isinstance(item, Literal) else "=").partition("=")
        if not equal:
            raise _fault(item, "a definition of a pattern is written as NAME=pattern")
        if ":" in name:
            raise _fault(item, "the name of a pattern must not contain `:`")


def _bucket_limit(given: Given) -> None:
    target, method = _number(given, "TargetValue"), _text(given, "Method")
    whole = target is None or (target[1] >= 1 and float(target[1]).is_integer())
    if target is not None and method is not None and method[1] == "limit_buckets" and not whole:
        raise _fault(target[0], "a limit of buckets must be a positive integer")


_AGGREGATIONS = _one_of("AggregationFunction", "sum", "mean", "min", "max", "median", "count")
_TEMPORALITIES = _one_of("StringAggTemp", "delta", "cumulative")
_PAIRS = (
    _not_empty("Delimiter"),
    _not_empty("PairDelimiter"),
    _different("Delimiter", "=", "PairDelimiter", " "),
)
_REGEX = (_pattern("RegexPattern"),)
_PATTERN = (_pattern("Pattern"),)
_DEMANDS: Mapping[str, tuple[_Demand, ...]] = {
    "Coalesce": (_some_items("Values"),),
    "ConvertCase": (_one_of("ToCase", "lower", "upper", "snake", "camel"),),
    "ExtractGrokPatterns": (_grok,),
    "ExtractPatterns": _PATTERN,
    "FormatTime": (_time_format,),
    "IsInCIDR": (_networks,),
    "IsMatch": _PATTERN,
    "ParseCLF": (_one_of("Format", "clf", "combined"),),
    "ParseCSV": (
        _one_character("Delimiter"),
        _one_character("HeaderDelimiter"),
        _one_of("Mode", "strict", "lazyQuotes", "ignoreQuotes"),
    ),
    "ParseKeyValue": _PAIRS,
    "ProfileID": (_identifier(16),),
    "Sort": (_one_of("Order", "asc", "desc"),),
    "SpanID": (_identifier(8),),
    "Time": (_time_format,),
    "ToKeyValueString": _PAIRS,
    "TraceID": (_identifier(16),),
    "aggregate_on_attribute_value": (_AGGREGATIONS,),
    "aggregate_on_attributes": (_AGGREGATIONS,),
    "append": (_value_or_values,),
    "convert_exponential_histogram_to_histogram": (
        _one_of("DistributionFn", "upper", "midpoint", "random", "uniform"),
        _some_items("ExplicitBounds"),
    ),
    "convert_gauge_to_sum": (_TEMPORALITIES,),
    "convert_summary_count_val_to_sum": (_TEMPORALITIES,),
    "convert_summary_sum_val_to_sum": (_TEMPORALITIES,),
    "delete_matching_keys": _PATTERN,
    "extract_percentile_metric": (_percentile,),
    "flatten": (_depth,),
    "keep_matching_keys": _PATTERN,
    "limit": (_limit,),
    "merge_histogram_buckets": (_one_of("Method", "remove_explicit_bound", "limit_buckets"), _bucket_limit),
    "merge_maps": (_one_of("Strategy", "insert", "update", "upsert"),),
    "replace_all_patterns": (*_REGEX, _one_of("Mode", "key", "value")),
    "replace_pattern": _REGEX,
    "set_semconv_span_name": (_conventions, _not_empty("OriginalSpanNameAttribute")),
    "truncate_all": (_marker,),
}
