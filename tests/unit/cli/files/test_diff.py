"""Unified differences lead from one text to the other, and are as short as they should be."""

from __future__ import annotations

import io
import re
from difflib import unified_diff

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.cli.files.diff import unified
from alloypy.cli.report.colours import wants_colour

HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
TEXTS = st.lists(st.sampled_from(["a", "b", "c", "", "}", "once", "\tx"]), max_size=30).map("\n".join)


def applied(patch: str, text: str) -> str:
    """What a patch makes of a text; every line and number of the patch has to fit."""
    lines = text.split("\n")
    lines = [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    made: list[str] = []
    at = 0
    hunk = re.split(
        r"^(@@ .* @@)\n", patch.replace("\n\\ No newline at end of file\n", "\0"), flags=re.MULTILINE
    )
    for head, body in zip(hunk[1::2], hunk[2::2], strict=True):
        match = HUNK.fullmatch(head)
        assert match is not None
        start, length, new_start, new_length = (int(number or 1) for number in match.groups())
        start -= bool(length)
        made += lines[at:start]
        assert len(made) == new_start - bool(new_length)
        assert not any(line[0] not in " +-" for line in re.findall(r"[^\n\0]*[\n\0]", body))
        edits = [line.replace("\0", "") for line in re.findall(r"[^\n\0]*[\n\0]", body)]
        old = [line[1:] for line in edits if line[0] != "+"]
        new = [line[1:] for line in edits if line[0] != "-"]
        assert lines[start : start + length] == old
        assert len(new) == new_length
        made += new
        at = start + length
    return "".join(made + lines[at:])


@settings(max_examples=300)
@given(TEXTS, TEXTS)
def test_the_difference_leads_from_one_to_the_other(before: str, after: str) -> None:
    patch = unified(before.encode(), after.encode(), "x", colour=False).decode()
    assert applied(patch, before) == after


def test_as_difflib_has_it() -> None:
    before = "".join(f"line {number}\n" for number in range(60))
    after = (
        before.replace("line 7\n", "line seven\n")
        .replace("line 40\n", "")
        .replace("line 55\n", "line 55\nmore\n")
    )
    ours = unified(before.encode(), after.encode(), "x", colour=False).decode()
    theirs = unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), "x", "x")
    assert ours == "".join(theirs)


def test_a_large_text_changed_in_every_line() -> None:
    before = "".join(f'block "{number}" {{\n' + "  same = 1\n" * 20 + "}\n" for number in range(1500))
    after = before.replace("  same", "\tsame")
    patch = unified(before.encode(), after.encode(), "x", colour=False).decode()
    assert applied(patch, before) == after
    assert patch.count("\n-") == 30_000


@pytest.mark.parametrize(
    ("environment", "terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, True, True),
        ({"FORCE_COLOR": ""}, False, False),
    ],
)
def test_wants_colour(
    environment: dict[str, str], terminal: bool, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    assert wants_colour(stream) is expected
