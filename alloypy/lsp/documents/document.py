"""One text, as it is at one moment: a value that an edit replaces with another."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from alloypy.lsp.documents.limits import LARGEST_BYTES
from alloypy.lsp.documents.positions import Encoding, Lines, Position
from alloypy.lsp.documents.sections import Section, Sections, sections_of
from alloypy.syntax.source import Source
from alloypy.syntax.tree import File

_PAIR = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")


class Change(NamedTuple):
    """One edit of a client. start, end: the range that is replaced; both None for the whole text."""

    start: Position | None
    end: Position | None
    text: str


class Document:
    """One text.

    path: of the file in the file system, or the URI of a text without one. version: as the client counts;
    None for a text that was read from the disk. A text that is too large has no statements.
    """

    def __init__(
        self, path: str, data: bytes, version: int | None = None, before: Document | None = None
    ) -> None:
        self.path = path
        self.source = Source(path, data)
        self.version = version
        looked_at = Source(path, b"") if self.is_too_large else self.source
        if before is None or before.is_too_large:
            self.split: Sections = sections_of(looked_at)
        else:
            self.split = sections_of(looked_at, before.data, before.split)

    @property
    def sections(self) -> tuple[Section, ...]:
        """The parts that are parsed separately, which together are the text."""
        return self.split.all

    @property
    def is_too_large(self) -> bool:
        """Whether features say nothing about it."""
        return len(self.data) > LARGEST_BYTES

    @property
    def data(self) -> bytes:
        """The text in UTF-8; a lone surrogate that a client sent is kept as invalid UTF-8."""
        return self.source.data

    @cached_property
    def lines(self) -> Lines:
        """For converting between offsets and positions."""
        return Lines(self.data)

    @cached_property
    def file(self) -> File:
        """The tree of the whole text, with holes; dear in a large file: `section_at` is cheaper."""
        from alloypy.syntax.holes.parsing import parse_with_holes

        return parse_with_holes(Source(self.path, b"") if self.is_too_large else self.source)

    def section_at(self, offset: int) -> Section:
        """The section at an offset, or just before it."""
        return self.split.at(offset)

    def changed(self, changes: Iterable[Change], version: int | None, encoding: Encoding) -> Document:
        """The text after the edits, each of which applies to the result of the one before."""
        data = self.data
        for change in changes:
            text = change.text.encode("utf-8", "surrogatepass")
            if change.start is None or change.end is None:
                data = _joined(text)
                continue
            data = _joined(data)
            lines = self.lines if data is self.data else Lines(data)
            start, end = (lines.offset(each, encoding) for each in (change.start, change.end))
            data = data[: min(start, end)] + text + data[max(start, end) :]
        return Document(self.path, _joined(data), version, self)


def _joined(data: bytes) -> bytes:
    """The text with surrogates that have come to be a pair as one character, which is what clients see."""
    return _PAIR.sub(_character, data) if b"\xed" in data else data


def _character(pair: re.Match[bytes]) -> bytes:
    halves = pair[0].decode("utf-8", "surrogatepass")
    return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le").encode()
