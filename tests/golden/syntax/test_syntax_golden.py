"""Tokens, trees and diagnostics equal Alloy's on every recorded case."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alloypy.syntax.diagnoser import diagnose
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.dump import diagnostics_answer, tokens_answer, tree_answer
from alloypy.syntax.lexer import scan
from alloypy.syntax.parser import parse_file
from alloypy.syntax.scanner import scan_characters
from alloypy.syntax.source import Source

HERE = Path(__file__).parent
ANSWERS: dict[str, Callable[[Source], dict[str, Any]]] = {
    "lex": tokens_answer,
    "ast": tree_answer,
    "ast_random": tree_answer,
    "diag": diagnostics_answer,
    "diag_random": diagnostics_answer,
}


def cases(name: str) -> list[dict[str, Any]]:
    lines = (HERE / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


ALL = [pytest.param(name, case, id=case["id"]) for name in ANSWERS for case in cases(name)]


def source_of(case: dict[str, Any]) -> Source:
    data = case["input"].encode() if "input" in case else base64.b64decode(case["input_b64"])
    return Source("config.alloy", data)


@pytest.mark.parametrize(("name", "case"), ALL)
def test_answer_is_alloys(name: str, case: dict[str, Any]) -> None:
    expected = {key: value for key, value in case["expect"].items() if key != "fmt_stderr"}
    assert ANSWERS[name](source_of(case)) == expected


@pytest.mark.parametrize(("name", "case"), ALL)
def test_both_scanners_agree(name: str, case: dict[str, Any]) -> None:
    quick, thorough = scan(source_of(case)), scan_characters(source_of(case))
    assert [(t.type, t.text, t.start) for t in quick.tokens] == [
        (t.type, t.text, t.start) for t in thorough.tokens
    ]
    assert [[(c.start, c.end, c.text) for c in group] for group in quick.comments] == [
        [(c.start, c.end, c.text) for c in group] for group in thorough.comments
    ]
    assert len(quick.errors) == len(thorough.errors)


@pytest.mark.parametrize("name", ["diag", "diag_random"])
def test_one_line_form_is_what_fmt_prints(name: str) -> None:
    for case in cases(name):
        found = diagnose(scan(source_of(case)), "file")
        assert "".join(f"{each}\n" for each in found) == case["expect"].get("fmt_stderr", "")


def test_no_file_is_both_faulty_and_a_tree() -> None:
    for name in ANSWERS:
        for case in cases(name):
            source = source_of(case)
            found = diagnose(scan(source), "file")
            try:
                parse_file(source)
            except DiagnosticsError as error:
                assert list(error.diagnostics) == found
            else:
                assert not found
