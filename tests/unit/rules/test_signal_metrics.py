"""What otelcol.connector.signaltometrics refuses on loading, and where in the file."""

from __future__ import annotations

import pytest

from tests.support.checking import check_text

METRIC = """\
otelcol.connector.signaltometrics "a" {{
  spans {{
    {}
  }}
  output {{ }}
}}
"""
SUM = 'name = "n"\n sum { value = "AdjustedCount()" }'


def found(text: str) -> list[tuple[str, str]]:
    """The load rules that a configuration breaks, and the text at fault."""
    checked = check_text(text)
    return [
        (each.message, text[each.span.start : (each.span.end or 0) + 1] if each.span else "")
        for each in (*checked.as_alloy, *checked.further)
        if each.code in {"ALY0501", "ALY0506"}
    ]


@pytest.mark.parametrize(
    ("body", "message", "place"),
    [
        ('name = ""\n sum { value = "1" }', "missing required metric name configuration", 'name = ""'),
        ('name = "n"', "exactly one of the metrics must be defined, 0 found", "spans {"),
        (
            f'{SUM}\n gauge {{ value = "1" }}',
            "exactly one of the metrics must be defined, 2 found",
            "spans {",
        ),
        (
            f'{SUM}\n attributes {{ key = "k" }}\n attributes {{ key = "k" }}',
            "duplicate key found in attributes config: k",
            "attributes {",
        ),
        (f'{SUM}\n attributes {{ key = "" }}', "key must not be empty", 'key = ""'),
        (
            f'{SUM}\n attributes {{\n key = "k"\n optional = true\n default_value = 1\n }}',
            "only one of default_value or optional should be set",
            "optional = true",
        ),
        ('name = "n"\n sum { value = "" }', "value must not be empty", 'value = ""'),
        (
            'name = "n"\n histogram {\n value = "1"\n buckets = []\n }',
            "histogram buckets missing",
            "buckets = []",
        ),
        (
            'name = "n"\n exponential_histogram {\n value = "1"\n max_size = 1\n }',
            "invalid histogram size: 1",
            "max_size = 1",
        ),
        (
            'name = "n"\n gauge { value = "ExtractGrokPatterns(name, \\"a\\")" }',
            "ExtractGrokPatterns: a single key selector[key] is required for signal to gauge",
            'value = "ExtractGrokPatterns(name, \\"a\\")"',
        ),
        (
            'name = "n"\n sum { value = "nam" }',
            "there is no path `nam` in the span context: did you mean `name`?",
            "nam",
        ),
        (
            f'{SUM}\n conditions = ["true", "kind = 1"]',
            "values are compared with `==`",
            "=",
        ),
    ],
)
def test_what_is_refused(body: str, message: str, place: str) -> None:
    ((reported, at),) = found(METRIC.format(body))
    assert reported == message
    assert at == place


def test_there_must_be_a_metric() -> None:
    ((message, _),) = found('otelcol.connector.signaltometrics "a" {\n  output { }\n}\n')
    assert message == "no configuration provided, at least one should be specified"


@pytest.mark.parametrize(
    "body",
    [
        SUM,
        'name = "n"\n histogram { value = "Milliseconds(end_time - start_time)" }',
        'name = "n"\n exponential_histogram { value = "1" }',
        'name = "n"\n gauge { value = "ExtractGrokPatterns(name, \\"%{INT:n:int}\\")[\\"n\\"]" }',
    ],
)
def test_what_is_accepted(body: str) -> None:
    assert found(METRIC.format(body)) == []
