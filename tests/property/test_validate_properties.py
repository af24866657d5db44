"""`validate` finds one mistake at its place, reports nothing else, and survives everything."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.catalog.catalog import load_catalog
from alloypy.check.configuration import check_files
from alloypy.graph.admission import Gate
from alloypy.schema.stability import Stability
from alloypy.syntax.config_files import ConfigReadError, parse_config
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.source import Source
from tests.support.alloy_texts import alloy_text
from tests.support.mutations import Mutation, mutations
from tests.support.watchdog import briefly

GATE = Gate(Stability.EXPERIMENTAL, True)
GOLDEN = Path(__file__).parents[1] / "golden" / "validate"


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (GOLDEN / name).read_text("utf-8").splitlines()]


TEXTS = [
    *(row["input"].encode() for row in rows("validate.jsonl")),
    *(
        row["files"]["config.alloy"].encode()
        for row in rows("commands.jsonl")
        if list(row["files"]) == ["config.alloy"]
    ),
]


def errors(text: bytes) -> list[Diagnostic]:
    try:
        checked = check_files(parse_config([Source("config.alloy", text)]), load_catalog(), GATE)
    except DiagnosticsError as error:
        return list(error.diagnostics)
    except ConfigReadError:
        return []
    return [d for d in (*checked.as_alloy, *checked.further) if d.severity is Severity.ERROR]


GOOD = [text for text in TEXTS if not errors(text)]
MUTATIONS = [mutation for text in GOOD for mutation in mutations(text)]
KINDS = sorted({mutation.kind for mutation in MUTATIONS})


def touches(diagnostic: Diagnostic, mutation: Mutation) -> bool:
    span = diagnostic.span
    assert span is not None
    end = span.start if span.end is None else span.end
    return span.start <= mutation.end and end >= mutation.start


def test_there_is_enough_to_mutate() -> None:
    assert len(GOOD) > 40
    assert KINDS == ["drop", "mislabel", "misplace", "rename", "repeat", "retype"]
    assert len(MUTATIONS) > 1000


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=120)
def test_a_mistake_is_found_at_its_place(kind: str, data: st.DataObject) -> None:
    mutation = data.draw(st.sampled_from([m for m in MUTATIONS if m.kind == kind]))
    with briefly():
        found = errors(mutation.text)
    assert any(touches(diagnostic, mutation) for diagnostic in found), (mutation, found)


def judged(text: bytes) -> None:
    """Any text is checked in bounded time, and each error has a message and a position in it."""
    with briefly():
        found = errors(text)
    for each in found:
        assert each.message
        assert each.span is None or 0 <= each.span.start <= len(each.span.source.data)


@given(st.integers(min_value=0, max_value=2**32))
@settings(max_examples=150)
def test_no_valid_text_is_too_much(seed: int) -> None:
    judged(alloy_text(Random(seed)).encode())


@given(st.sampled_from(TEXTS), st.data())
@settings(max_examples=300)
def test_no_damage_is_too_much(text: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    put = data.draw(st.sampled_from(PIECES))
    judged(text[:start] + put + text[end:])


PIECES = [
    *(
        piece.encode()
        for piece in ("", "{", "}", '"', "[", "]", "(", ")", ".", "=", "\n", "a", "null", "true")
    ),
    *(
        piece.encode()
        for piece in ("1e999", "99999999999999999999", "-", "!", "[0]", '["x"]', "env", "sys.env()")
    ),
    *(
        piece.encode()
        for piece in ("string.format(1)", "array.concat(1)", "x.y", "module_path", "argument.a")
    ),
    *(
        piece.encode()
        for piece in ('declare "d" { }\n', 'd "x" { }\n', 'import.string "m" { content = "" }\n')
    ),
    b"\xff",
    b"\x00",
]
