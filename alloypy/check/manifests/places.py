"""Where the characters of a YAML scalar's value are written.

Quotes, escapes, folding and indentation change blanks and add signs, but the other characters of a value
appear in the file in the same order. They are matched one by one; blanks are placed beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_PROPERTIES = re.compile(r"(?:[&!][^\s]*\s+)*")
_HEADER = re.compile(r"[|>][^\r\n]*")
_ESCAPE = re.compile(r"\\(?:x(..)|u(.{4})|U(.{8})|([^\r\n])|\s+)", re.DOTALL)
_NAMED = dict(zip("0abtnvfreN_LP", "\0\a\b\t\n\v\f\r\x1b\x85\xa0\u2028\u2029", strict=True))


def indexes(text: str, start: int, end: int, style: str, value: str) -> list[int] | None:
    """For each character of `value` the index in `text` at which it is written; None if that is unclear.

    start, end: the range of the scalar. style: its quotes or its block sign, "" for a plain one.
    """
    written = list(_written(text, start, end, style))
    result: list[int] = []
    at = 0
    for char in value:
        found = at
        if not char.isspace():
            while found < len(written) and written[found][1].isspace():
                found += 1
            if found == len(written) or written[found][1] != char:
                return None
            at = found + 1
        elif at < len(written) and written[at][1].isspace():
            at += 1
        result.append(written[found][0] if found < len(written) else max(end - 1, start))
    return _settled(result, value, text)


def _settled(result: list[int], value: str, text: str) -> list[int]:
    """The indexes; blanks before a character are right before it if the text has the same blanks there."""
    for at in range(len(value) - 2, -1, -1):
        before = result[at + 1] - 1
        if value[at] in " \t" and before >= 0 and text[before] == value[at]:
            result[at] = before
    return result


def _written(text: str, start: int, end: int, style: str) -> Iterator[tuple[int, str]]:
    """The characters that a scalar writes, each with its index; escapes are resolved."""
    properties = _PROPERTIES.match(text, start, end)
    at = properties.end() if properties is not None else start
    if style in {"|", ">"}:
        header = _HEADER.match(text, at, end)
        at = header.end() if header is not None else at
    elif style:
        at += 1
        end -= 1
    while at < end:
        char, length = text[at], 1
        if style == "'" and char == "'":
            length = 2
        elif style == '"' and char == "\\":
            char, length = _escaped(text, at, end)
        if char:
            yield at, char
        at += length


def _escaped(text: str, at: int, end: int) -> tuple[str, int]:
    """The character of the escape at `at`, "" for one that joins two lines, and the length of the escape."""
    found = _ESCAPE.match(text, at, end)
    if found is None:
        return "\\", 1
    digits = found[1] or found[2] or found[3]
    if digits:
        return chr(int(digits, 16)), len(found[0])
    named = found[4]
    return (_NAMED.get(named, named) if named else ""), len(found[0])
