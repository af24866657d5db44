"""Names in boxes: how much room they take, and how long ones are shortened."""

from __future__ import annotations

import unicodedata

MOST_COLUMNS = 36
"""Longer names are shortened."""

_KEPT_AT_END = 12


def columns(text: str) -> int:
    """The number of columns that a text takes in a monospaced font."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def shortened(text: str) -> str:
    """A text without its middle if it is too long: names often differ at the end."""
    if columns(text) <= MOST_COLUMNS:
        return text
    start, room = "", MOST_COLUMNS - _KEPT_AT_END - 1
    for each in text:
        if columns(start + each) > room:
            break
        start += each
    end = ""
    for each in reversed(text):
        if columns(each + end) > _KEPT_AT_END:
            break
        end = each + end
    return f"{start}…{end}"
