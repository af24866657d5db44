"""Formatting any valid file keeps its tree and its comments, and formatting it again changes nothing."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.syntax.parser import parse_file
from alloypy.syntax.printer import printer
from alloypy.syntax.printer.compare import same_content
from alloypy.syntax.printer.printer import format_file, format_source, layout_of_alloy
from alloypy.syntax.printer.walk import Walk
from alloypy.syntax.source import Source
from alloypy.syntax.tree import File
from tests.support.alloy_texts import alloy_text
from tests.support.watchdog import briefly

# The parser raises the recursion limit permanently; hypothesis warns about that.
pytestmark = pytest.mark.filterwarnings("ignore:The recursion limit will not be reset")

FILES = st.integers(0, 2**32).map(lambda seed: Source("config.alloy", alloy_text(Random(seed)).encode()))


def keeps_everything(file: File, text: bytes) -> bool:
    return same_content(file, parse_file(Source("config.alloy", text)))


@settings(max_examples=300)
@given(FILES)
@briefly()
def test_tree_and_comments_stay(source: Source) -> None:
    file = parse_file(source)
    assert keeps_everything(file, format_file(file))


@settings(max_examples=300)
@given(FILES)
@briefly()
def test_a_second_pass_changes_nothing(source: Source) -> None:
    once = format_source(source)
    assert format_source(Source("config.alloy", once)) == once


@settings(max_examples=200)
@given(FILES)
@briefly()
def test_alloys_layout_is_taken_exactly_where_it_does_no_harm(source: Source) -> None:
    file = parse_file(source)
    theirs = layout_of_alloy(file)
    again = printer._parsed(file, theirs)
    harmless = again is not None and layout_of_alloy(again) == theirs
    assert not harmless or format_file(file) == theirs


def test_the_last_resort_is_never_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = printer._walk
    rounds = 0

    def counted(file: File, *, careful: bool) -> Walk:
        nonlocal rounds
        if careful:
            rounds += 1
            assert keeps_everything(file, printer._finished(walk(file, careful=True)))
        return walk(file, careful=careful)

    monkeypatch.setattr(printer, "_walk", counted)
    for seed in range(600):
        rounds = 0
        format_source(Source("config.alloy", alloy_text(Random(seed)).encode()))
        assert rounds <= 3
