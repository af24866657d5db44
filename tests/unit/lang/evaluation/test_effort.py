"""The limits of an evaluation, and their messages."""

from __future__ import annotations

import pytest

from alloypy.lang.evaluation.effort import Effort, Exhausted, allowed, make, spend
from alloypy.lang.evaluation.evaluator import evaluate
from alloypy.lang.stdlib import Stdlib
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.parser import parse_expression
from alloypy.syntax.source import Source

GROWING = 'string.replace(string.replace("{text}", "a", "{text}"), "a", "{text}")'.format(text="a" * 1000)


def evaluated(text: str) -> object:
    source = Source("x", text.encode())
    return evaluate(parse_expression(source), source, Stdlib({}))


def test_nothing_is_counted_without_a_limit() -> None:
    spend(10**12)
    make(10**12)


def test_what_is_spent_is_spent() -> None:
    with allowed(Effort(10, 10)):
        spend(10)
        make(10)
        with pytest.raises(Exhausted, match="more than 10 steps"):
            spend()
        with pytest.raises(Exhausted, match="more than 10 bytes"):
            make(1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GROWING, "evaluation makes more than 33554432 bytes of text"),
        (f'string.join([{", ".join(["1"] * 500)}], "{"x" * 100_000}")', "evaluation makes more than"),
        (f'string.trim("{"x" * 100_000}", "{"".join(map(chr, range(0x4E00, 0x4E00 + 6000)))}")', "steps"),
        (f'json_path("{"[" * 100}{"]" * 100}", "${"..*" * 8}")', "evaluation takes more than 1000000 steps"),
    ],
)
def test_too_much_is_a_diagnostic_with_a_place(text: str, message: str) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        evaluated(text)
    (fault,) = caught.value.diagnostics
    assert message in fault.message
    assert fault.span is not None
    assert fault.span.start == 0


def test_ordinary_work_is_far_from_the_limits() -> None:
    items = ", ".join(f'{{name = "n{i}", port = {i}}}' for i in range(2000))
    assert isinstance(evaluated(f"array.concat([{items}], [{items}])"), list)
    assert isinstance(evaluated(f'string.replace("{"a" * 500_000}", "a", "bb")'), str)


def test_a_short_try_is_given_up_without_a_diagnostic() -> None:
    with allowed(Effort(3, 100, final=False)), pytest.raises(Exhausted):
        evaluated("[1, 2, 3, 4, 5]")
