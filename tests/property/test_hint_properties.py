"""A hint, if there is one, mends what it is about."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from alloypy.syntax.diagnoser import diagnose
from alloypy.syntax.diagnostics import Diagnostic, edited, moved
from alloypy.syntax.hints import hinted
from alloypy.syntax.lexer import scan
from alloypy.syntax.source import Source

GOLDEN = Path(__file__).parents[1] / "golden"


def broken_texts(name: str) -> Iterator[bytes]:
    for line in (GOLDEN / "syntax" / f"{name}.jsonl").read_text("utf-8").split("\n"):
        if line:
            case = json.loads(line)
            yield case["input"].encode() if "input" in case else base64.b64decode(case["input_b64"])


def syntax_faults(text: bytes) -> list[Diagnostic]:
    return diagnose(scan(Source("config.alloy", text)), "file")


def lines_about(text: bytes, offsets: Iterable[int]) -> range:
    lines = [text.count(b"\n", 0, offset) for offset in offsets]
    return range(min(lines), max(lines) + 1)


def assert_mended(text: bytes, fault: Diagnostic, before: list[Diagnostic], after: list[Diagnostic]) -> None:
    """The fault is gone, and in the lines that its fix is about there is nothing new."""
    assert fault.span is not None
    known = {(moved(d.span.start, fault.fix), d.message) for d in before if d.span is not None}
    left = [(d.span.start, d.message) for d in after if d.span is not None]
    assert (moved(fault.span.start, fault.fix), fault.message) not in left
    mended = edited(text, fault.fix)
    places = [fault.span.start, *(at for edit in fault.fix for at in (edit.start, edit.end))]
    about = lines_about(mended, (moved(at, fault.fix) for at in places))
    assert [each for each in left if each not in known and mended.count(b"\n", 0, each[0]) in about] == []


@pytest.mark.parametrize("name", ["diag", "diag_random"])
def test_the_hint_of_a_syntax_fault_mends_it(name: str) -> None:
    fixes = 0
    for text in broken_texts(name):
        found = syntax_faults(text)
        for fault in hinted(found):
            if fault.fix:
                fixes += 1
                assert_mended(text, fault, found, syntax_faults(edited(text, fault.fix)))
    assert fixes > 100
