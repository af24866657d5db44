"""Places of characters of a string in the file that holds its literal."""

from __future__ import annotations

import pytest

from alloypy.check.string_places import place_in_value
from alloypy.schema.faults import Characters
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Attribute


def place(written: str, start: int | None, end: int = 0, *within: int | str) -> str:
    """The text of the file that the characters of the attribute's value are at."""
    source = Source("x", f"a = {written}\n".encode())
    attribute = parse_file(source).body[0]
    assert isinstance(attribute, Attribute)
    at = None if start is None else Characters(start, end)
    span = place_in_value(attribute.value, within, at, source)
    assert span.end is not None
    return source.data[span.start : span.end + 1].decode(errors="backslashreplace")


@pytest.mark.parametrize(
    ("written", "start", "end", "expected"),
    [
        ('"abc"', 0, 1, "a"),
        ('"abc"', 1, 3, "bc"),
        ('"abc"', 3, 3, '"'),
        ('"abc"', 1, 1, "b"),
        ('"abc"', 7, 9, '"'),
        (r'"a\\d(b"', 1, 3, r"\\d"),
        (r'"a\\d(b"', 3, 4, "("),
        (r'"\t\u00e9\x41\101z"', 1, 2, r"\u00e9"),
        (r'"\t\u00e9\x41\101z"', 2, 4, r"\x41\101"),
        (r'"\t\u00e9\x41\101z"', 4, 5, "z"),
        (r'"\U0001F600z"', 1, 2, "z"),
        (r'"\xc3\xa9z"', 0, 1, r"\xc3\xa9"),
        (r'"\xc3\xa9z"', 1, 2, "z"),
        (r'"\xffz"', 1, 2, "z"),
        (r'"\xc3z"', 1, 2, "z"),
        ('"\u00e9\U0001f600z"', 2, 3, "z"),
        ('"\u00e9\U0001f600z"', 1, 2, "\U0001f600"),
        ("`a\\db`", 1, 3, "\\d"),
        ("`a\r\nb`", 2, 3, "b"),
        ("`a\r\nb`", 1, 2, "\n"),
        ('("abc")', 1, 2, "b"),
        ('"ab" + "c"', 1, 2, '"ab" + "c"'),
        ("f()", 1, 2, "f()"),
        ('""', 0, 0, '"'),
    ],
)
def test_characters_are_found_in_the_literal(written: str, start: int, end: int, expected: str) -> None:
    assert place(written, start, end) == expected


def test_a_string_in_a_list_or_an_object_is_found() -> None:
    written = '["abc", {x = ["d\\n", "efg"], "y z" = f()}]'
    assert place(written, 1, 2, 0) == "b"
    assert place(written, 2, 3, 1, "x", 1) == "g"
    assert place(written, None, 0, 1, "x", 1) == '"efg"'
    assert place(written, 0, 1, 1, "y z") == "f()"
    assert place(written, 0, 1, 1, "y z", 3) == "f()"
    assert place(written, 0, 1, 1, "w") == '{x = ["d\\n", "efg"], "y z" = f()}'
    assert place(written, 0, 1, 5) == written
