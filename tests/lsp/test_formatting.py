"""Formatting in an editor is formatting on the command line, in small changes."""

from __future__ import annotations

from hypothesis import given, settings

from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.ranges import TextEdit
from alloypy.lsp.features.differences import edits_between
from alloypy.lsp.features.formatting import format_document, format_range
from alloypy.syntax.diagnostics import DiagnosticsError, Edit, edited
from alloypy.syntax.printer.printer import format_source
from alloypy.syntax.source import Source
from tests.support.broken_texts import broken_texts, golden_texts
from tests.support.counts import FULL, repeated
from tests.support.watchdog import briefly


def applied(document: Document, edits: tuple[TextEdit, ...]) -> bytes:
    starts = [edit.range.start for edit in edits]
    stops = [edit.range.stop for edit in edits]
    assert all(stop <= start for stop, start in zip(stops, starts[1:], strict=False))
    return edited(document.data, [Edit(each.range.start, each.range.stop, each.text) for each in edits])


def formatted(data: bytes) -> bytes | None:
    try:
        return format_source(Source("config.alloy", data))
    except DiagnosticsError:
        return None


def test_the_changes_of_a_text_make_what_fmt_makes() -> None:
    for data in golden_texts()[:: 1 if FULL else 4]:
        document = Document("config.alloy", data)
        found, wanted = format_document(document), formatted(data)
        if wanted is None:
            assert found.edits == ()
            assert found.refusal.startswith("not formatted, because of a fault in line ")
        else:
            assert found.refusal == ""
            assert applied(document, found.edits) == wanted


@settings(deadline=None, max_examples=repeated(500))
@given(broken_texts())
def test_a_part_is_formatted_as_in_the_whole_and_nothing_else_is_changed(data: bytes) -> None:
    document = Document("config.alloy", data)
    with briefly(10):
        for start in range(0, len(data) + 1, 1 + len(data) // 5):
            stop = min(len(data), start + len(data) // 7)
            found = format_range(document, start, stop)
            after = applied(document, found.edits)
            wanted = formatted(data)
            if wanted is not None:
                whole = format_document(document).edits
                assert all(any(inside(edit, each) for each in whole) for edit in found.edits)
            assert content(after) == content(data)


def content(data: bytes) -> list[int]:
    return sorted(data.translate(None, b" \t\r\n,"))


def inside(edit: TextEdit, whole: TextEdit) -> bool:
    return whole.range.start <= edit.range.start and edit.range.stop <= whole.range.stop


def test_only_what_differs_is_changed() -> None:
    old = b'a "b" {\n  x = 1\n\n\ty=2\n  list = [\n\t\t1,\n\t]\n}\n'
    document = Document("config.alloy", old)
    changes = [
        (old[each.range.start : each.range.stop], each.text) for each in format_document(document).edits
    ]
    assert changes == [
        (b"  ", "\t"),
        (b"", "    "),
        (b"", " "),
        (b"  ", "\t"),
    ]
    assert applied(document, format_document(document).edits) == format_source(Source("", old))


def test_line_ends_and_the_mark_become_those_of_the_standard_layout() -> None:
    old = '\ufeffa "é𝒳" {\r\n\tx = `1\r\n2`\r\n}\r\n'.replace("é𝒳", "b").encode()
    document = Document("config.alloy", old)
    edits = format_document(document).edits
    assert applied(document, edits) == formatted(old)
    ends = [(each.range.start, each.range.stop) for each in edits]
    assert not any(old[start - 1 : start + 1] == b"\r\n" for start, _ in ends)
    assert not any(old[stop - 1 : stop + 1] == b"\r\n" for _, stop in ends)


def test_a_part_of_a_broken_text_is_formatted_alone() -> None:
    data = b'a "b" {\n  x = 1\n}\n\nc "d" {\n  y = = 2\n}\n'
    document = Document("config.alloy", data)
    start = data.index(b"y")
    assert format_range(document, start, start + 3).refusal == (
        "not formatted, because of a fault in line 6: expected expression, got ="
    )


def test_the_innermost_statements_of_a_range_are_formatted() -> None:
    data = b'a "b" {\n  x = 1\n  c {\n    y = 2\n    z = 3\n  }\n}\n'
    document = Document("config.alloy", data)
    at = data.index(b"y")
    assert applied(document, format_range(document, at, at).edits) == data.replace(b"    y", b"\t\ty")
    both = format_range(document, at, data.index(b"3")).edits
    assert applied(document, both) == data.replace(b"    y", b"\t\ty").replace(b"    z", b"\t\tz")
    block = format_range(document, data.index(b"x"), at).edits
    assert applied(document, block) == b'a "b" {\n\tx = 1\n\n\tc {\n\t\ty = 2\n\t\tz = 3\n\t}\n}\n'


def test_texts_that_have_nothing_in_common_are_replaced() -> None:
    old, new = b"a b c", b"x y z"
    assert edited(old, edits_between(old, new)) == new
