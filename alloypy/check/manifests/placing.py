"""A configuration text in YAML, and the places of its characters there."""

from __future__ import annotations

import re
from base64 import b64decode
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

from alloypy.check.manifests.configurations import Written
from alloypy.check.manifests.places import indexes
from alloypy.embedded.yaml.documents import Document
from alloypy.syntax.source import Source, Span


class Placed:
    """One configuration text.

    name: of the inner source; inner: the text by itself, None if it is not base64 as it should be.
    """

    def __init__(self, source: Source, document: Document, written: Written) -> None:
        self.written = written
        self.name = f"{source.name}#{written.key}"
        data = _decoded(written)
        self.inner = None if data is None else Source(self.name, data)
        self._source = source
        self._document = document
        self._named = re.compile(rf"{re.escape(self.name)}(?::(\d+):(\d+))?")

    @property
    def start(self) -> Span:
        """Where the scalar begins."""
        at = self._document.offset(self.written.node.start)
        return Span(Source(self._source.name, self._before() + self._source.data[at : at + 1]), at)

    def span_of(self, start: int, end: int | None, shown: Source | None = None) -> Span:
        """The range in the YAML of a range of the text; the start of the scalar if that is unclear.

        shown: the text with its secrets hidden; only this is part of the span's source.
        """
        offsets = self._offsets
        if offsets is None:
            return self.start
        first = self._at(offsets, start)
        last = None if end is None else max(self._at(offsets, end), first)
        return Span(self._shown(offsets, shown), first, last)

    def in_yaml(self, message: str) -> str:
        """A message with the places in the text replaced by those in the YAML."""
        return self._named.sub(self._place, message) if self.name in message else message

    def _place(self, found: re.Match[str]) -> str:
        if found[1] is None or self.inner is None:
            return f"{self.written.key} in {self._source.name}"
        line = min(int(found[1]), len(self.inner.line_starts))
        at = self.inner.line_starts[line - 1] + int(found[2]) - 1
        return str(self.span_of(at, None))

    @cached_property
    def _starts(self) -> list[int]:
        """The offset in the text of each character, in bytes, and the length of the text."""
        return list(accumulate((len(char.encode()) for char in self.written.node.value), initial=0))

    @cached_property
    def _offsets(self) -> list[int] | None:
        """For each character of the text its offset in the YAML, in bytes; None if that is unclear."""
        node, document = self.written.node, self._document
        if self.written.base64:
            return None
        found = indexes(document.text, node.start, node.end, node.style, node.value)
        if found is None or document.text.isascii():
            return [document.base + each for each in found] if found is not None else None
        sizes = list(accumulate((len(char.encode()) for char in document.text), initial=document.base))
        return [sizes[each] for each in found]

    def _at(self, offsets: list[int], offset: int) -> int:
        index = bisect_right(self._starts, offset) - 1
        if index < len(offsets):
            return offsets[index]
        return self._document.offset(max(self.written.node.end - 1, self.written.node.start))

    def _before(self) -> bytes:
        """What precedes the scalar, with nothing but its key left: the file may hold secrets."""
        key, start = (self._document.offset(each.start) for each in (self.written.name, self.written.node))
        data = self._source.data
        key = min(key, start)  # an alias follows the text that it names
        return re.sub(rb"[^\n]", b" ", data[:key]) + data[key:start]

    def _shown(self, offsets: list[int], shown: Source | None) -> Source:
        """The YAML up to the end of the scalar, with the secrets hidden that are hidden in `shown`."""
        start, end = (self._document.offset(at) for at in (self.written.node.start, self.written.node.end))
        data = bytearray(self._before() + self._source.data[start:end].rstrip())
        if shown is not None and self.inner is not None and shown.data != self.inner.data:
            for index, at in enumerate(self._starts[:-1]):
                if shown.data[at] != self.inner.data[at]:
                    data[offsets[index]] = ord("*")
        return Source(self._source.name, bytes(data))


def _decoded(written: Written) -> bytes | None:
    if not written.base64:
        return written.node.value.encode()
    try:
        return b64decode("".join(written.node.value.split()), validate=True)
    except ValueError:
        return None
