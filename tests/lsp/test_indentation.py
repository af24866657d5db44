"""Indenting what is being typed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.ranges import TextEdit
from alloypy.lsp.features.indentation import Style, indent_block, indent_line
from alloypy.syntax.diagnostics import Edit, edited
from tests.support.broken_texts import broken_texts
from tests.support.counts import repeated
from tests.support.watchdog import briefly


def applied(data: bytes, edits: tuple[TextEdit, ...]) -> str:
    return edited(data, [Edit(each.range.start, each.range.stop, each.text) for each in edits]).decode()


def cursor(text: str) -> tuple[bytes, int]:
    before, _, after = text.partition("|")
    return (before + after).encode(), len(before.encode())


LINES = {
    "in a block": ('a "b" {\n|\n}', 'a "b" {\n\t\n}'),
    "in a block that is not closed yet": ('a "b" {\n|', 'a "b" {\n\t'),
    "after a block that is not closed, before another": (
        'a "b" {\n\tx = 1\n|\nc "d" {\n}',
        'a "b" {\n\tx = 1\n\t\nc "d" {\n}',
    ),
    "in a block after one that is not closed": (
        'a "b" {\n\tx = 1\n\nc "d" {\n|\n}',
        'a "b" {\n\tx = 1\n\nc "d" {\n\t\n}',
    ),
    "before the brace that closes": ('a "b" {\n|}', 'a "b" {\n}'),
    "in an array of objects": ('a "b" {\n\tc = [{\n|}]\n}', 'a "b" {\n\tc = [{\n\t}]\n}'),
    "in an object of an array": ('a "b" {\n\tc = [{\n|\n\t}]\n}', 'a "b" {\n\tc = [{\n\t\t\n\t}]\n}'),
    "in a call": ("a = f(\n|\n)", "a = f(\n\t\n)"),
    "after an operator": ('a "b" {\n\tx = 1 +\n|\n}', 'a "b" {\n\tx = 1 +\n\t\t\n}'),
    "with the spaces of the editor": ('a "b" {\n    |\n}', 'a "b" {\n\t\n}'),
    "as the text is indented": ('a "b" {\n  x = 1\n|\n}', 'a "b" {\n  x = 1\n  \n}'),
    "of the top level": ('a "b" {\n}\n\t|', 'a "b" {\n}\n'),
    "in a raw string": ("a = `x\n  |\n`", "a = `x\n  \n`"),
    "in a comment": ("/* x\n  |\n*/", "/* x\n  \n*/"),
    "after a comment": ('a "b" {\n\t// x\n|\n}', 'a "b" {\n\t// x\n\t\n}'),
    "with CR LF": ('a "b" {\r\n|\r\n}', 'a "b" {\r\n\t\r\n}'),
    "in a text that is not Alloy": ("- x: {\n|\n  y", "- x: {\n  \n  y"),
}


@pytest.mark.parametrize("case", LINES)
def test_a_new_line_is_indented(case: str) -> None:
    before, after = LINES[case]
    data, at = cursor(before)
    assert applied(data, indent_line(Document("config.alloy", data), at)) == after


def test_a_text_without_indentation_gets_the_editors() -> None:
    data, at = cursor('a "b" {\n|\n}')
    assert applied(data, indent_line(Document("config.alloy", data), at, Style(2))) == 'a "b" {\n  \n}'


BLOCKS = {
    "all of its lines": (
        'a "b" {\n  x = 1\n\t\t\tc {\n y = 2\n}\n\tz = `\nfoo`\n  // d\n\n   }|\n',
        'a "b" {\n\tx = 1\n\tc {\n\t\ty = 2\n\t}\n\tz = `\nfoo`\n\t// d\n\n}\n',
    ),
    "only the block itself": (
        "  x=1\na {\n\tb {\ny = 1\n}|\n z=2\n}",
        "  x=1\na {\n\tb {\n\t\ty = 1\n\t}\n z=2\n}",
    ),
    "in one line": ("a {\n\tb { y = 1 }|\n}", "a {\n\tb { y = 1 }\n}"),
    "while its file is broken": ("x = = {\n\na {\ny = 1\n}|\n", "x = = {\n\na {\n\ty = 1\n}\n"),
    "in a string": ('a = "}|"\n', 'a = "}"\n'),
    "without a beginning": ("\t}|\n", "\t}\n"),
    "with a bracket missing inside": ("a {\n\tb = [1,\n  }|\n", "a {\n\tb = [1,\n}\n"),
}


@pytest.mark.parametrize("case", BLOCKS)
def test_a_block_that_is_closed_is_indented(case: str) -> None:
    before, after = BLOCKS[case]
    data, at = cursor(before)
    assert applied(data, indent_block(Document("config.alloy", data), at)) == after


@settings(deadline=None, max_examples=repeated(2000))
@given(broken_texts(), st.integers(0, 2**16))
def test_nothing_outside_of_the_line_or_block_is_changed(data: bytes, number: int) -> None:
    document = Document("config.alloy", data)
    at = number % (len(data) + 1)
    with briefly(10):
        for edit in indent_line(document, at):
            start = data.rfind(b"\n", 0, at) + 1
            assert edit.range.start == start
            assert not data[start : edit.range.stop].strip(b" \t")
        brace = data.find(b"}", at)
        for edit in indent_block(document, brace + 1) if brace >= 0 else ():
            assert edit.range.start <= brace
            assert not (data[edit.range.start : edit.range.stop] + edit.text.encode()).strip(b" \t")
            assert edit.range.start == 0 or data[edit.range.start - 1 : edit.range.start] == b"\n"
