"""The reference of the standard library: examples give what they say, types are the functions'."""

from __future__ import annotations

import pytest

from alloypy.catalog.functions import function_names, function_reference
from alloypy.lang.evaluation.evaluator import evaluate
from alloypy.lang.evaluation.functions import Example, LibraryFunction, TypedFunction
from alloypy.lang.stdlib import DEPRECATED, Stdlib
from alloypy.lang.stdlib.constants import WORDS, Platform
from alloypy.lang.value_text import value_text
from alloypy.schema.describe import type_text
from alloypy.syntax.parser import parse_expression
from alloypy.syntax.source import Source


def functions() -> list[LibraryFunction]:
    members = [
        member
        for value in Stdlib(environ={}).variables.values()
        for member in (value.values() if isinstance(value, dict) else [value])
    ]
    return list({member.name: member for member in members if isinstance(member, LibraryFunction)}.values())


EXAMPLES = [
    pytest.param(example, id=f"{function.name}-{number}")
    for function in functions()
    for number, example in enumerate(function.manual.examples)
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_gives_what_it_says(example: Example) -> None:
    name, _, value = example.variable.partition("=")
    source = Source("example", example.expression.encode())
    scope = Stdlib(environ={name: value})
    assert value_text(evaluate(parse_expression(source), source, scope)) == example.value


@pytest.mark.parametrize("function", functions(), ids=lambda function: function.name)
def test_the_reference_has_the_types_of_the_function(function: LibraryFunction) -> None:
    manual = function.manual
    assert manual.words.endswith(".")
    assert manual.gives
    assert any(example.expression.count(function.name) for example in manual.examples)
    assert all(name.isidentifier() for name, _, _ in (taken.partition(":") for taken in manual.takes))
    if isinstance(function, TypedFunction):
        wanted = [type_text(parameter) for parameter in function.parameters]
        wanted += [] if function.rest is None else [f"{type_text(function.rest)}..."]
        assert [taken.partition(": ")[2] for taken in manual.takes] == wanted


def test_every_function_and_constant_is_found_by_its_names() -> None:
    assert set(WORDS) == set(Platform._fields)
    assert set(function_names()) == {
        *(function.name for function in functions()),
        *(f"constants.{name}" for name in WORDS),
    }
    for name in function_names():
        entry = function_reference(name)
        assert entry is not None
        assert entry["name"] == name
        assert entry["doc"]
    for old in DEPRECATED:
        entry = function_reference(old)
        assert entry is not None
        assert old in entry["old_names"]
    assert function_reference("string.nothing") is None
    assert function_reference("strin") is None
