"""OTTL conditions that Alloy loads and then ignores, or does not start with."""

from __future__ import annotations

import pytest

from tests.support.linting import findings, places

CODE = "ALY0967"
SEND = """
otelcol.exporter.otlphttp "out" {
  client { endpoint = "http://otlp:4318" }
}
otelcol.receiver.otlp "in" {
  grpc { }
  output { traces = [%s.x.input] }
}
"""
IN_AND = 'and { and_sub_policy {\nname = "s"\ntype = "%s"\n%s\n} }'


def sampling(type_: str, policy: str) -> str:
    """A configuration with one policy."""
    name = "otelcol.processor.tail_sampling"
    policy = f'policy {{\nname = "p"\ntype = "{type_}"\n{policy}\n}}'
    output = "output { traces = [otelcol.exporter.otlphttp.out.input] }"
    return f'{name} "x" {{\n{policy}\n{output}\n}}\n{SEND % name}'


def condition(*lines: str) -> str:
    """The settings of conditions."""
    return 'ottl_condition {\nerror_mode = "ignore"\n' + "\n".join(lines) + "\n}"


def counting(*blocks: str) -> str:
    """A configuration that counts."""
    name, inner = "otelcol.connector.count", "\n".join(blocks)
    output = "output { metrics = [otelcol.exporter.otlphttp.out.input] }"
    return f'{name} "x" {{\n{inner}\n{output}\n}}\n{SEND % name}'


UNREADABLE = [
    sampling("ottl_condition", condition('span = ["attributes["]')),
    sampling("ottl_condition", condition("span = [`Nothing() == 1`]")),
    sampling("ottl_condition", condition('spanevent = ["true", `set(name, "a")`]')),
    sampling("ottl_condition", condition('spanevent = ["nme == nil"]')),
    sampling("and", IN_AND % ("ottl_condition", condition('span = ["nme == nil"]'))),
    sampling(
        "composite",
        "composite { \nmax_total_spans_per_second = 1\npolicy_order = [ ]\ncomposite_sub_policy {\n"
        f'name = "c"\ntype = "and"\n{IN_AND % ("ottl_condition", condition("span = [`nme`]"))}\n}}\n}}',
    ),
    counting('spans { conditions = ["nme == nil"] }'),
    counting('logs { conditions = [`IsMatch(body, "(")`] }', "spans { }"),
    counting('metrics { conditions = ["true", `span.name == "a"`] }'),
]
USABLE = [
    sampling("ottl_condition", condition('span = [`attributes["a"] == 1`, "IsRootSpan()"]')),
    sampling("ottl_condition", condition('span = [`span.name == "a"`]', 'spanevent = [`span.name == "a"`]')),
    sampling("always_sample", condition('span = ["nme == nil"]')),
    sampling("always_sample", condition()),
    sampling("and", IN_AND % ("always_sample", condition('span = ["nme == nil"]'))),
    sampling("always_sample", IN_AND % ("ottl_condition", condition('span = ["nme == nil"]'))),
    sampling("ottl_condition", condition('span = [sys.env("CONDITION")]')),
    counting("spans { }"),
    counting('datapoints { conditions = [`metric.name == "a"`] }'),
    counting('metrics { conditions = [`HasAttrKeyOnDatapoint("a")`, `resource.attributes["a"] == "b"`] }'),
]
EMPTY = [
    sampling("ottl_condition", condition()),
    sampling("ottl_condition", condition("span = []")),
    sampling("ottl_condition", ""),
    sampling("and", IN_AND % ("ottl_condition", "")),
]


@pytest.mark.parametrize("text", UNREADABLE)
def test_conditions_that_cannot_be_read_are_found_where_the_fault_is(text: str) -> None:
    (found,) = findings(CODE, text)
    assert "read this" in found.message
    lead = "does not start" if "tail_sampling" in text else "ignores the conditions"
    assert lead in found.message
    assert found.span is not None
    line = next(
        number for number, each in enumerate(text.splitlines(), 1) if "[" in each and "[ ]" not in each
    )
    assert places(CODE, text) == [line]


@pytest.mark.parametrize("text", USABLE)
def test_conditions_that_can_be_read_or_are_not_used_are_not_found(text: str) -> None:
    assert findings(CODE, text) == []


@pytest.mark.parametrize("text", EMPTY)
def test_a_policy_of_conditions_needs_one(text: str) -> None:
    (found,) = findings(CODE, text)
    assert found.message.endswith("has no conditions")


def test_what_an_earlier_version_offers_to_conditions_is_not_judged() -> None:
    text = sampling("ottl_condition", condition('span = ["nme == nil"]'))
    assert findings(CODE, text)
    assert findings(CODE, text, "1.10") == []
    assert findings(CODE, text.replace("nme == nil", "name =="), "1.10")
