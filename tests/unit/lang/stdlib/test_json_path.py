"""Filters and escapes of `json_path` that say something: what is chosen, and what is refused."""

from __future__ import annotations

import json

import pytest

from alloypy.lang.evaluation.evaluator import evaluate
from alloypy.lang.stdlib import Stdlib
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.parser import parse_expression
from alloypy.syntax.source import Source

DOCUMENT = '[{"n": 1, "s": "ab", "e": []}, {"n": 2.5, "s": "b", "e": [1]}, {"n": 4}, {"n": -7, "s": "xaby"}]'


def found(path: str, document: str = DOCUMENT) -> object:
    source = Source("x", f"json_path({json.dumps(document)}, {json.dumps(path)})".encode())
    return evaluate(parse_expression(source), source, Stdlib({}))


@pytest.mark.parametrize(
    ("condition", "numbers"),
    [
        ("@.n + 1 == 2", [1]),
        ("@.n - 1 > 2", [4]),
        ("@.n * 2 == 5", [2.5]),
        ("@.n / 2 == 2", [4]),
        ("@.n / 2 == -3", [-7]),
        ("@.n / 2 == 1.25", [2.5]),
        ("@.n / 0 == 1", []),
        ("@.s / 2 == 1", []),
        ("@.s * 2 == 1", []),
        ("@.s + 'c' == 'abc'", [1]),
        ("@.s < 'b'", [1]),
        ("@.s >= 'b'", [2.5, -7]),
        ("@.n < 'b'", []),
        ("@.n <= 1", [1, -7]),
        ("@.n == 1.0", [1]),
        ("@.n != 4", [1, 2.5, -7]),
        ("@.n in [1, 4]", [1, 4]),
        ("@.n in [1.0, 4.0]", []),
        ("@.e empty true", [1]),
        ("@.e empty false", [2.5]),
        ("@.s exists false", [4]),
        ("@.s =~ /^a/", [1]),
        ("@.s =~ '^b'", [2.5]),
        ("@.n =~ /1/", []),
        ("length(@.s) == 2", [1]),
        ("length(@.e) == 1", [2.5]),
        ("match(@.s, 'a.')", [1]),
        ("match(@.s, '^ab$')", [1]),
        ("search(@.s, 'b')", [1, 2.5, -7]),
        ("search(@.s, '(')", []),
        ("search(@.n, 'b')", []),
        ("@.n == 1 || @.n == 4", [1, 4]),
        ("@.n > 0 && @.n < 3", [1, 2.5]),
        ("!(@.n == 1)", [2.5, 4, -7]),
        ("@.n + 1 * 2 == 3", [1]),
        ("(@.n + 1) * 2 == 4", [1]),
        ("@.n == 25e-1", [2.5]),
    ],
)
def test_a_filter_chooses(condition: str, numbers: list[float]) -> None:
    assert found(f"$[?({condition})].n") == numbers


@pytest.mark.parametrize("name", [r"\u0061\x62", r"a\x62", r"\u0061b", r"ab"])
def test_a_quoted_key_may_be_escaped(name: str) -> None:
    assert found(f"$['{name}']", '{"ab": 5}') == [5]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (r"$['\xzz']", "0x7a (z) is not a valid hexadecimal character"),
        (r"$['\q']", "escape"),
        (r"$[?(@.n == 99999999999999999999)]", "value out of range"),
        (r"$[?(nope(@.n))]", "'nope' is not a value or function"),
        (r"$[?(length(@.n)]", "not terminated"),
        (r"$[?(@.s =~ /(/)]", "missing closing )"),
    ],
)
def test_what_is_no_path_is_refused_with_a_reason(path: str, reason: str) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        found(path)
    assert reason in str(caught.value)
