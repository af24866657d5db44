"""Regular expressions are those of Go: syntax, error texts, expansion."""

import json
import sys
from pathlib import Path

import pytest

from alloypy.lang.go import regexp as go_regexp
from alloypy.lang.go.regexp import expand, parse_regexp

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[3] / "golden/lang/go_regexp.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['regex']} {case.get('template', '')}")
def test_as_go(case):
    if "error" in case:
        with pytest.raises(ValueError) as caught:
            parse_regexp(case["regex"])
        assert str(caught.value) == case["error"]
        return
    regexp = parse_regexp(case["regex"])
    if "template" in case:
        groups = regexp.groups(case["text"])
        assert (groups is not None) == regexp.matches(case["text"])
        assert (None if groups is None else expand(case["template"], groups)) == case["result"]


def test_no_pattern_stalls():
    regexp = parse_regexp("(a+)+(a+)+(a+)+b")
    assert not regexp.matches("a" * 20_000)


def test_bytes_that_are_not_utf8_are_carried():
    groups = parse_regexp("a(?s:.*)").groups("a")
    assert groups is not None
    assert not parse_regexp("b.*").matches("a\udcff")


@pytest.mark.parametrize("pattern", ["a(?=b)", "(?<!x)y", "(a)\\1", "(?P=n)", "a["])
def test_without_re2_the_syntax_is_still_checked(monkeypatch, pattern):
    monkeypatch.setitem(sys.modules, "re2", None)
    go_regexp._re2.cache_clear()
    parse_regexp.cache_clear()
    try:
        with pytest.raises(ValueError, match="error parsing regexp: "):
            parse_regexp(pattern)
        with pytest.raises(RuntimeError, match="no RE2"):
            parse_regexp("fine").matches("fine")
    finally:
        go_regexp._re2.cache_clear()
        parse_regexp.cache_clear()
