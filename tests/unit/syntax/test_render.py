"""The text of diagnostics, beyond what the recorded cases show."""

from __future__ import annotations

from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.render import render
from alloypy.syntax.source import Source, Span

TEXT = Source("x.alloy", b"one\r\n\ttwo = {\n\t\tthree\n}\nfive\n")


def at(start: int, end: int | None = None, **more: object) -> Diagnostic:
    return Diagnostic(Span(TEXT, start, end), "wrong", **more)  # type: ignore[arg-type]


def test_without_a_place_there_is_no_excerpt() -> None:
    assert render([Diagnostic(None, "wrong")]) == "Error: -: wrong\n"


def test_diagnostics_are_separated_by_an_empty_line() -> None:
    both = [Diagnostic(None, "one"), Diagnostic(None, "two", severity=Severity.WARNING)]
    assert render(both) == "Error: -: one\n\nWarning: -: two\n"
    assert render([]) == ""


def test_tabs_are_four_blanks_and_carriage_returns_are_dropped() -> None:
    assert render([at(6, 8)]) == (
        "Error: x.alloy:2:2: wrong\n\n1 | one\n2 |     two = {\n  |     ^^^\n3 |         three\n"
    )


def test_a_range_over_lines_has_a_bar() -> None:
    assert render([at(12, 22)]) == (
        "Error: x.alloy:2:8: wrong\n\n"
        "1 |   one\n"
        "2 |       two = {\n"
        "  |  ___________^\n"
        "3 | |         three\n"
        "4 | | }\n"
        "  | |_^\n"
        "5 |   five\n"
    )


def test_line_numbers_are_as_wide_as_the_last() -> None:
    source = Source("x", b"a\n" * 12)
    lines = render([Diagnostic(Span(source, 16), "wrong")]).split("\n")
    assert lines[2:6] == [" 8 | a", " 9 | a", "   | ^", "10 | a"]


def test_color() -> None:
    assert render([at(0), Diagnostic(None, "mild", severity=Severity.WARNING)], color=True) == (
        "\x1b[31;1mError: \x1b[0m\x1b[1mx.alloy:1:1: wrong\n\x1b[0m\n1 | one\n  | ^\n2 |     two = {\n"
        "\n\x1b[33;1mWarning: \x1b[0m\x1b[1m-: mild\n\x1b[0m"
    )


def test_hints_are_shown_on_request() -> None:
    hinted = Diagnostic(None, "wrong", hint="do this")
    assert render([hinted]) == "Error: -: wrong\n"
    assert render([hinted], hints=True) == "Error: -: wrong\n  = hint: do this\n"


def test_one_line_form_of_several() -> None:
    assert str(DiagnosticsError([at(0), at(6)])) == "x.alloy:1:1: wrong (and 1 more diagnostics)"
    assert str(Diagnostic(Span(Source("", b"a"), 0), "nameless")) == "1:1: nameless"


def test_many_diagnostics_are_counted_after_the_first_hundred() -> None:
    source = Source("x", b"\0" * 10_000)
    many = [Diagnostic(Span(source, place), "illegal character NUL") for place in range(10_000)]
    text = render([*many, Diagnostic(None, "mild", severity=Severity.WARNING)])
    assert text.count("illegal character NUL") == 100
    assert text.endswith("\n... and 9900 more errors and 1 more warning\n")
    assert len(text) < 100_000


def test_of_a_long_line_only_what_surrounds_the_place_is_shown() -> None:
    source = Source("x", b"a" * 5000 + "\u00e4".encode() * 200 + b"!" + b"b" * 5000)
    line, marks = render([Diagnostic(Span(source, 5400, 5401), "wrong")]).split("\n")[2:4]
    assert line.startswith("1 | ...") and line.endswith("...")
    assert len(line) < 400
    assert [line[place] for place, mark in enumerate(marks) if mark == "^"] == ["!", "b"]


def test_a_place_at_either_end_of_a_long_line() -> None:
    source = Source("x", b"a" + b"b" * 5000 + b"c")
    for place, marked in ((0, "a"), (5001, "c")):
        line, marks = render([Diagnostic(Span(source, place, place), "wrong")]).split("\n")[2:4]
        assert line[marks.index("^")] == marked


def test_a_range_over_many_lines_is_cut_in_the_middle() -> None:
    source = Source("x", b"line\n" * 5000)
    lines = render([Diagnostic(Span(source, 0, 24_998), "wrong")]).split("\n")
    assert len(lines) < 80
    assert "     | | ..." in lines
    assert "5000 | | line" in lines


def test_a_long_message_is_cut() -> None:
    assert len(render([Diagnostic(None, "x" * 1_000_000)])) < 5000
