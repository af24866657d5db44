"""What features answer with: ranges and edits in texts, in bytes."""

from __future__ import annotations

from typing import NamedTuple


class Range(NamedTuple):
    """A part of a text. path: of its document. start: offset of its first byte; stop: just after its last."""

    path: str
    start: int
    stop: int


class TextEdit(NamedTuple):
    """Replaces a part of a text, or inserts if the part is empty."""

    range: Range
    text: str
