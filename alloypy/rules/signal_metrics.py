"""Rules of otelcol.connector.signaltometrics, whose metrics are defined by OTTL conditions and values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from alloypy.embedded.ottl.checking import check_node
from alloypy.embedded.ottl.contexts import context_of
from alloypy.embedded.ottl.parsing import parse_value
from alloypy.embedded.ottl.tokens import UnjudgedError
from alloypy.lang.text_error import TextError
from alloypy.rules.ottl import conditions
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import IN_OTTL, Fault

_COMPONENT = "otelcol.connector.signaltometrics"
_SIGNALS = {"spans": "span", "datapoints": "datapoint", "logs": "log"}
_KINDS = ("histogram", "exponential_histogram", "sum", "gauge")
_KEYS = ("include_resource_attributes", "attributes")
_SMALLEST, _LARGEST = 2, 16384
_GROK_WITH_KEY = re.compile(r"ExtractGrokPatterns\([^)]*\)[\t\n\f\r ]*\[[^\]]+\]")


def any_metric(body: View) -> Iterator[Fault]:
    """There is a metric."""
    if not any(map(body.blocks, _SIGNALS)):
        yield Fault("", "no configuration provided, at least one should be specified")


def metric(context: str) -> Rule:
    """A metric has a name, one kind, keys that differ, and conditions that can be read."""

    def rule(body: View) -> Iterator[Fault]:
        if not body.text("name"):
            yield Fault("name", "missing required metric name configuration")
        for group in _KEYS:
            keys = [block.text("key") for block in body.blocks(group)]
            for key in sorted({key for key in keys if keys.count(key) > 1}):
                yield Fault(group, f"duplicate key found in {group} config: {key}")
        kinds = sum(map(body.given, _KINDS))
        if kinds != 1:
            yield Fault("", f"exactly one of the metrics must be defined, {kinds} found")
        texts = body.get("conditions") or ()
        yield from conditions(body, "conditions", texts, context_of(context, "signaltometrics"))

    return rule


def key(body: View) -> Iterator[Fault]:
    """A key is not empty, and what stands in for a missing one is said once."""
    if not body.text("key"):
        yield Fault("key", "key must not be empty")
    if body.given("default_value") and body.get("optional"):
        yield Fault("optional", "only one of default_value or optional should be set")


def buckets(body: View) -> Iterator[Fault]:
    """A histogram has buckets."""
    if not body.filled("buckets") and body.given("buckets"):
        yield Fault("buckets", "histogram buckets missing")


def size(body: View) -> Iterator[Fault]:
    """The size of an exponential histogram is one that can be made."""
    largest = body.get("max_size")
    if largest and not _SMALLEST <= largest <= _LARGEST:
        yield Fault("max_size", f"invalid histogram size: {largest}")


def grok_key(body: View) -> Iterator[Fault]:
    """A gauge takes one of the values that a Grok pattern finds."""
    value = body.text("value")
    if "ExtractGrokPatterns" in value and not _GROK_WITH_KEY.search(value):
        yield Fault(
            "value", "ExtractGrokPatterns: a single key selector[key] is required for signal to gauge"
        )


def values(context: str, *attributes: str) -> Rule:
    """Values that can be read; `value` itself is not empty."""

    def rule(body: View) -> Iterator[Fault]:
        for attribute in attributes:
            text = body.text(attribute)
            if text:
                yield from _value(body, attribute, text, context)
            elif attribute == "value":
                yield Fault("value", "value must not be empty")

    return rule


def _value(body: View, name: str, text: str, context: str) -> Iterator[Fault]:
    try:
        value = parse_value(text)
        if not body.older:
            check_node(value, context_of(context, "signaltometrics"))
    except UnjudgedError:
        return
    except TextError as error:
        yield Fault.of_text(name, error, IN_OTTL)


def _by_path() -> Iterator[tuple[str, tuple[Rule, ...]]]:
    yield _COMPONENT, (any_metric,)
    for name, context in _SIGNALS.items():
        block = f"{_COMPONENT}/{name}"
        yield block, (metric(context),)
        for group in _KEYS:
            yield f"{block}/{group}", (key,)
        yield f"{block}/histogram", (buckets, values(context, "count", "value"))
        yield f"{block}/exponential_histogram", (size, values(context, "count", "value"))
        yield f"{block}/sum", (values(context, "value"),)
        yield f"{block}/gauge", (values(context, "value"), grok_key)


BY_PATH: Mapping[str, tuple[Rule, ...]] = dict(_by_path())
