"""OTTL statements and conditions in arguments of components: `alloypy.embedded.ottl` reads and judges them.

Only what Alloy refuses on loading is a fault. `otelcol.connector.count` ignores conditions that it cannot
read, and `otelcol.processor.tail_sampling` reads its own when it starts. What earlier versions of Alloy offer
to texts is not known: for these only the syntax is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from alloypy.embedded.ottl import checking, parsing
from alloypy.embedded.ottl.contexts import Context, context_of
from alloypy.embedded.ottl.inference import infer
from alloypy.embedded.ottl.tokens import UnjudgedError
from alloypy.embedded.ottl.tree import Node, Statement
from alloypy.lang.text_error import TextError
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import IN_OTTL, Fault

_COMMON = ("resource", "scope")
_CONTEXTS = {
    "trace": (*_COMMON, "span", "spanevent"),
    "metric": (*_COMMON, "metric", "datapoint"),
    "log": (*_COMMON, "log"),
}
"""The contexts that a component can be told to use, by signal."""
_ALL = {context for contexts in _CONTEXTS.values() for context in contexts}
_INFERRED = {**_CONTEXTS, "metric": (*_CONTEXTS["metric"], "exemplar")}
_Parsed: TypeAlias = "tuple[int, Statement | Node]"


def transform_group(signal: str) -> Rule:
    """Statements with a context, and the conditions for all of them."""

    def rule(body: View) -> Iterator[Fault]:
        name = body.text("context").lower()
        statements, condition_texts = body.get("statements") or (), body.get("conditions") or ()
        if name not in _ALL:
            return  # its type refuses it
        if name not in _CONTEXTS[signal]:
            yield _wrong_context(signal, name)
            return
        parsed: list[_Parsed] = []
        yield from _parsed("statements", statements, parsing.parse_statement, parsed)
        yield from _checked(body, "statements", parsed, context_of(name, "transform"))
        yield from conditions(body, "conditions", condition_texts, context_of(name, "filter"))

    return rule


def transform_statements(body: View) -> Iterator[Fault]:
    """Statements without a context: all of a signal together have one."""
    for signal, names in _INFERRED.items():
        texts = body.get(signal)
        if texts is None or not body.given(signal):
            continue
        parsed: list[_Parsed] = []
        faults = list(_parsed(signal, texts, parsing.parse_statement, parsed))
        yield from faults
        if len(parsed) < len(texts) or body.older:
            continue
        contexts = {name: context_of(name, "transform", "needed") for name in names}
        try:
            context = infer([each for _, each in parsed], contexts)
        except TextError as error:
            yield Fault(signal, str(error), IN_OTTL)
            continue
        yield from _checked(body, signal, parsed, context)


def filter_group(signal: str) -> Rule:
    """Conditions with a context, or each with its own."""

    def rule(body: View) -> Iterator[Fault]:
        name, texts = body.text("context"), body.get("conditions") or ()
        if name:
            if name in _CONTEXTS[signal]:
                yield from conditions(body, "conditions", texts, context_of(name, "filter"))
            else:
                yield _wrong_context(signal, name)
            return
        parsed: list[_Parsed] = []
        yield from _parsed("conditions", texts, parsing.parse_condition, parsed)
        if body.older:
            return
        contexts = {each: context_of(each, "filter", "needed") for each in _CONTEXTS[signal]}
        for index, condition in parsed:
            try:
                context = infer([condition], contexts)
            except TextError as error:
                yield Fault.of_text("conditions", error, IN_OTTL, index)
                continue
            yield from _checked(body, "conditions", [(index, condition)], context)

    return rule


def filter_conditions(**contexts: str) -> Rule:
    """Conditions in attributes named for their contexts."""

    def rule(body: View) -> Iterator[Fault]:
        for attribute, context in contexts.items():
            yield from conditions(body, attribute, body.get(attribute) or (), context_of(context, "filter"))

    return rule


def filter_styles(body: View) -> Iterator[Fault]:
    """A signal has the older blocks of conditions or the newer ones."""
    for signal, (older, *attributes) in {
        "trace": ("traces", "span", "spanevent"),
        "metric": ("metrics", "metric", "datapoint"),
        "log": ("logs", "log_record"),
    }.items():
        newer = f"{signal}_conditions"
        if not body.blocks(newer):
            continue
        for block in body.blocks(older):
            if any(map(block.filled, attributes)):
                message = f"`{newer}` and the settings of `{older}` cannot be used at the same time"
                yield Fault(newer, message)


def conditions(body: View, name: str, texts: Sequence[str], context: Context) -> Iterator[Fault]:
    """The faults of the conditions in an attribute."""
    parsed: list[_Parsed] = []
    yield from _parsed(name, texts, parsing.parse_condition, parsed)
    yield from _checked(body, name, parsed, context)


def _wrong_context(signal: str, name: str) -> Fault:
    *others, last = [f'"{each}"' for each in _CONTEXTS[signal]]
    message = f'there is no context "{name}" for this signal: it has {", ".join(others)} and {last}'
    return Fault("context", message, IN_OTTL)


def _parsed(
    name: str, texts: Sequence[str], parse: Callable[[str], Statement | Node], parsed: list[_Parsed]
) -> Iterator[Fault]:
    """The texts that cannot be read; the others are put into `parsed`."""
    for index, text in enumerate(texts):
        try:
            parsed.append((index, parse(text)))
        except UnjudgedError:
            continue
        except TextError as error:
            yield Fault.of_text(name, error, IN_OTTL, index)


def _checked(body: View, name: str, parsed: Sequence[_Parsed], context: Context) -> Iterator[Fault]:
    for index, text in () if body.older else parsed:
        try:
            if isinstance(text, Statement):
                checking.check_statement(text, context)
            else:
                checking.check_node(text, context)
        except TextError as error:
            yield Fault.of_text(name, error, IN_OTTL, index)


BY_PATH: Mapping[str, tuple[Rule, ...]] = {
    "otelcol.processor.transform/statements": (transform_statements,),
    "otelcol.processor.transform/trace_statements": (transform_group("trace"),),
    "otelcol.processor.transform/metric_statements": (transform_group("metric"),),
    "otelcol.processor.transform/log_statements": (transform_group("log"),),
    "otelcol.processor.filter": (filter_styles,),
    "otelcol.processor.filter/traces": (filter_conditions(span="span", spanevent="spanevent"),),
    "otelcol.processor.filter/metrics": (filter_conditions(metric="metric", datapoint="datapoint"),),
    "otelcol.processor.filter/logs": (filter_conditions(log_record="log"),),
    "otelcol.processor.filter/trace_conditions": (filter_group("trace"),),
    "otelcol.processor.filter/metric_conditions": (filter_group("metric"),),
    "otelcol.processor.filter/log_conditions": (filter_group("log"),),
}
