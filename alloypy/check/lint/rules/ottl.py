"""OTTL conditions that Alloy loads and then cannot use."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.check.lint.rule import Rule, finding
from alloypy.check.lint.view import Body, View
from alloypy.check.string_places import place_in_value
from alloypy.embedded.ottl.contexts import context_of
from alloypy.rules.ottl import conditions
from alloypy.rules.view import Undecided
from alloypy.syntax.diagnostics import Diagnostic

_COUNT = "otelcol.connector.count"
_SIGNALS = {
    "spans": "span",
    "spanevents": "spanevent",
    "metrics": "metric",
    "datapoints": "datapoint",
    "logs": "log",
}
_SAMPLING = "otelcol.processor.tail_sampling"
_CONDITION = "ottl_condition"
_ATTRIBUTES = ("span", "spanevent")
_NEVER_STARTS = "otelcol.processor.tail_sampling does not start, because"


def _conditions(view: View) -> Iterator[Diagnostic]:
    """Conditions that cannot be read, and policies of conditions that have none."""
    older = view.language.version is not None
    for body in view.bodies():
        name, _, inner = body.path.partition("/")
        if name not in {_COUNT, _SAMPLING} or not inner:
            continue
        body.older = older
        try:
            if name == _COUNT and inner in _SIGNALS:
                lead = "Alloy ignores the conditions of this block, because it cannot read this one"
                yield from _unreadable(body, "conditions", _SIGNALS[inner], lead)
            elif name == _SAMPLING and _is_used(body):
                yield from _of_policy(body)
        except Undecided:
            continue


def _is_used(body: Body) -> bool:
    """Whether the policies around a block of tail_sampling, itself included, are of the types in use."""
    outer = body.outer
    while outer is not None and outer.outer is not None:
        kind = body.path.rpartition("/")[2]
        if "type" in outer.spec.lookup and outer.text("type") != kind:
            return False
        body, outer = outer, outer.outer
    return True


def _of_policy(body: Body) -> Iterator[Diagnostic]:
    if body.path.endswith(f"/{_CONDITION}"):
        for attribute in _ATTRIBUTES:
            yield from _unreadable(
                body, attribute, attribute, f"{_NEVER_STARTS} it cannot read this condition"
            )
        empty = not any(map(body.filled, _ATTRIBUTES))
    else:
        empty = _CONDITION in body.spec.lookup and body.text("type") == _CONDITION
        empty = empty and not body.given(_CONDITION)
    if empty:
        message = f"{_NEVER_STARTS} this policy has no conditions"
        yield finding(body.head, message, f"set `span` or `spanevent` in the block `{_CONDITION}`")


def _unreadable(body: Body, attribute: str, context: str, lead: str) -> Iterator[Diagnostic]:
    written = body.written(attribute)
    if written is None:
        return
    texts = body.get(attribute) or ()
    for fault in conditions(body, attribute, texts, context_of(context, "filter")):
        span = place_in_value(written.value, fault.within, fault.at, body.source)
        yield finding(span, f"{lead}: {fault.message}", fault.hint)


_SAMPLE = """\
otelcol.receiver.otlp "a" {
  grpc { }
  output { traces = [otelcol.processor.tail_sampling.b.input] }
}
otelcol.processor.tail_sampling "b" {
  policy {
    name = "errors"
    type = "ottl_condition"
    ottl_condition {
      error_mode = "ignore"
      span       = [`%s`]
    }
  }
  output { traces = [otelcol.exporter.otlphttp.c.input] }
}
otelcol.exporter.otlphttp "c" {
  client { endpoint = "http://tempo:4318" }
}
"""

RULES = (
    Rule(
        "ALY0967",
        "OTTL condition that cannot be read",
        "Alloy loads such a configuration, and fails later: otelcol.processor.tail_sampling does not start, "
        "so no trace gets past it; otelcol.connector.count ignores the conditions of the block and counts "
        "everything. A policy of tail_sampling of the type ottl_condition without conditions fails, too.",
        wrong=_SAMPLE % 'attributes["http.status"] = 500',
        right=_SAMPLE % 'attributes["http.status"] == 500',
        default=True,
        check=_conditions,
    ),
)
