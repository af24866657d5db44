"""Chunked bodies, taken apart strictly: what two readers could read in two ways is refused.

Source: RFC 9112 section 7.1; the bounds on what is no content are those of Go.
"""

from __future__ import annotations

import re

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_SIZE_LINE = re.compile(
    rb"([0-9A-Fa-f]{1,16})(?:;" + _TOKEN + rb"(?:=(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?)*\r\n"
)
_SIZE_BEGUN = re.compile(rb"[0-9A-Fa-f]{1,16}(?:;[^\r\n]*)?\r?")
_FIELD_LINE = re.compile(rb"(" + _TOKEN + rb"):[\t -~\x80-\xff]*\r\n")
_FORBIDDEN = frozenset((b"content-length", b"host", b"trailer", b"transfer-encoding"))
_MOST_LINE = 4096
_MOST_TRAILERS = 4096
_MOST_EXCESS = 16 << 10
_FREE = 16  # bytes of framing a chunk may have

_SIZE, _CONTENT, _END, _TRAILERS = range(4)


class Malformed(Exception):
    """The framing is broken."""


class Chunks:
    """One chunked body.

    announced: bytes of content, those of the last chunk included as soon as its size is known.
    done: the body and its trailers have come.
    """

    __slots__ = ("_excess", "_left", "_line", "_part", "_pieces", "_trailers", "announced", "done")

    def __init__(self) -> None:
        self._part = _SIZE
        self._line = b""  # the beginning of a line whose end has not come
        self._left = 0  # of the present chunk
        self._excess = 0
        self._trailers = 0
        self._pieces: list[memoryview] = []
        self.announced = 0
        self.done = False

    def content(self) -> bytes | memoryview:
        """What the last `feed` has found; only good until the buffer it was in is used again."""
        pieces, self._pieces = self._pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def feed(self, data: bytes | bytearray, at: int, end: int, most: int) -> int:
        """Take apart `data[at:end]`, up to `most` chunks; where it stopped. Raises Malformed."""
        view = memoryview(data)
        for _ in range(most):
            if self._part == _SIZE:
                line = self._line_at(data, at, end, _SIZE_LINE)
                if line is None:
                    return end
                at = line[1]
                self._begin(int(line[0][1], 16), len(line[0][0]))
            if self._part == _CONTENT and at < end:
                stop = min(at + self._left, end)
                self._pieces.append(view[at:stop])
                self._left -= stop - at
                at = stop
                if not self._left:
                    self._part = _END
            if self._part == _END:
                at = self._end(data, at, end)
            if self._part == _TRAILERS:
                at = self._take_trailers(data, at, end)
            if at == end or self.done:
                break
        return at

    def _begin(self, size: int, line: int) -> None:
        self._excess = max(self._excess + line - _FREE - 2 * size, 0)
        if self._excess > _MOST_EXCESS:
            raise Malformed("chunked encoding contains too much non-data")
        self._left = size
        self.announced += size
        self._part = _CONTENT if size else _TRAILERS

    def _end(self, data: bytes | bytearray, at: int, end: int) -> int:
        """The end of line that follows the content of a chunk."""
        more = bytes(data[at : min(at + 2 - len(self._line), end)])
        self._line += more
        if not b"\r\n".startswith(self._line):
            raise Malformed("malformed chunked encoding")
        if len(self._line) == 2:
            self._line = b""
            self._part = _SIZE
        return at + len(more)

    def _take_trailers(self, data: bytes | bytearray, at: int, end: int) -> int:
        """The fields after the last chunk, which nobody wants, and the empty line after them."""
        while at < end:
            if not self._line and data[at] == 13:  # the last line is an empty one
                self._line = b"\r"
                at += 1
            elif self._line == b"\r":
                if data[at] != 10:
                    raise Malformed("malformed trailer")
                self._line = b""
                self.done = True
                return at + 1
            else:
                found = self._line_at(data, at, end, _FIELD_LINE)
                if found is None:
                    return end
                line, at = found
                self._trailers += len(line[0])
                if line[1].lower() in _FORBIDDEN or self._trailers > _MOST_TRAILERS:
                    raise Malformed("malformed trailer")
        return at

    def _line_at(
        self, data: bytes | bytearray, at: int, end: int, form: re.Pattern[bytes]
    ) -> tuple[re.Match[bytes], int] | None:
        """The line that begins at `at`, and where it ends; None when its end has not come."""
        if not self._line and (match := form.match(data, at, end)) is not None:
            return match, match.end()
        stop = data.find(b"\n", at, end) + 1
        if not stop and len(self._line) + end - at > _MOST_LINE:
            raise Malformed("header line too long")
        line = self._line + bytes(data[at : stop or end])
        if stop:
            match = form.fullmatch(line)
            if match is None:
                raise Malformed(_reason(form))
            self._line = b""
            return match, stop
        if form is _SIZE_LINE and line and not _SIZE_BEGUN.fullmatch(line):
            raise Malformed(_reason(form))
        self._line = line
        return None


def _reason(form: re.Pattern[bytes]) -> str:
    return "invalid byte in chunk length" if form is _SIZE_LINE else "malformed trailer"
