"""Changes that findings suggest: made together where possible, never where they cause an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alloypy.check.units.fixing import fixed
from alloypy.syntax.diagnostics import Diagnostic, Edit, Severity
from alloypy.syntax.source import Source, Span


def finding(source: Source, at: int, *edits: Edit, message: str = "w") -> Diagnostic:
    return Diagnostic(Span(source, at, at), message, "ALY0999", Severity.WARNING, fix=edits)


def replacing(old: bytes, new: str, bad: bytes = b"\0") -> Callable[[Sequence[Source]], list[Diagnostic]]:
    """A check with a finding for each `old`, whose fix is `new`, and an error if `bad` is in a text."""
    calls: list[int] = []

    def check(sources: Sequence[Source]) -> list[Diagnostic]:
        calls.append(1)
        assert len(calls) < 100
        found = []
        for source in sources:
            at = source.data.find(old)
            while at >= 0:
                found.append(finding(source, at, Edit(at, at + len(old), new)))
                at = source.data.find(old, at + len(old))
            if bad in source.data:
                found.append(Diagnostic(Span(source, 0), "broken"))
        return found

    return check


def is_warning(each: Diagnostic) -> bool:
    return each.severity is Severity.WARNING


def test_all_texts_of_a_configuration_are_changed() -> None:
    a, b, c = Source("a", b"x x"), Source("b", b"x"), Source("c", b"-")
    made = fixed([a, b, c], replacing(b"x", "yy"), is_warning)
    assert [each.data for each in made.sources] == [b"yy yy", b"yy", b"-"]
    assert made.sources[2] is c
    assert (made.codes, made.left) == ({"ALY0999": 3}, [])


def test_a_change_that_causes_an_error_is_left_out_and_the_others_are_made() -> None:
    source = Source("a", b"x x 2x x x")
    made = fixed([source], replacing(b"x", "y", bad=b"2y"), is_warning)
    assert made.sources[0].data == b"y y 2x y y"
    assert made.codes == {"ALY0999": 4}
    assert len(made.left) == 1


def test_an_error_that_was_there_before_hinders_no_change() -> None:
    made = fixed([Source("a", b"! x")], replacing(b"x", "y", bad=b"!"), is_warning)
    assert made.sources[0].data == b"! y"


def test_changes_that_overlap_are_made_one_after_the_other() -> None:
    source = Source("a", b"aaa")

    def check(sources: Sequence[Source]) -> list[Diagnostic]:
        (own,) = sources
        edits = [(0, 2), (1, 3)] if own.data == b"aaa" else [(1, 2)] if own.data == b"ba" else []
        return [finding(own, start, Edit(start, end, "b")) for start, end in edits]

    assert fixed([source], check, is_warning).sources[0].data == b"bb"


def test_changes_that_never_end_are_made_a_limited_number_of_times() -> None:
    made = fixed([Source("a", b"x")], replacing(b"x", "xx"), lambda each: each.span is not None)
    assert 1 < len(made.sources[0].data) < 5000


def test_other_findings_and_imported_texts_stay() -> None:
    source, imported = Source("a", b"x"), Source("lib", b"x")

    def check(sources: Sequence[Source]) -> list[Diagnostic]:
        (own,) = sources
        return [
            finding(own, 0, Edit(0, 1, "y"), message="other"),
            finding(imported, 0, Edit(0, 1, "y")),
            finding(Source("a", b"another text of that name"), 0, Edit(0, 1, "y")),
        ]

    made = fixed([source], check, lambda each: each.message == "w")
    assert made.sources == [source]
    assert not made.codes
