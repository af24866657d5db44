"""Chunked bodies, read strictly: what two readers might read differently is refused.

Source: RFC 9112 section 7.1; the limits on framing bytes are Go's.
"""

from __future__ import annotations

import re
from functools import cache

from alloypy.net.http_status import TOO_MUCH_AROUND

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_SIZE_LINE = re.compile(
    rb"([0-9A-Fa-f]{1,16})(?:;" + _TOKEN + rb"(?:=(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?)*\r\n"
)
_SIZE_BEGUN = re.compile(rb"[0-9A-Fa-f]{1,16}(?:;[^\r\n]*)?\r?")
_FIELD_LINE = re.compile(rb"(" + _TOKEN + rb"):[\t -~\x80-\xff]*\r\n")
_FORBIDDEN = frozenset((b"content-length", b"host", b"trailer", b"transfer-encoding"))
_MOST_LINE_BYTES = 4096
_MOST_TRAILER_BYTES = 4096
_MOST_EXCESS_BYTES = 16 << 10
_FREE_BYTES = 16  # of framing that every chunk may have

_STEPS = 8  # of `Turns`, for a chunk
_STEPS_OF_RUN = 4
_RUN_CHUNKS_IN_STEP = 32

_SIZE, _CONTENT, _END, _TRAILERS = range(4)


_TINY = bytes(int(chr(byte), 16) if chr(byte) in "123456789abcdefABCDEF" else 0 for byte in range(256))
_TINY_LINE_BYTES = 3  # a digit and the line end
_TINY_FRAME_BYTES = 5
_TINY_WORTH_WHILE = 32  # more than one of them takes


class Malformed(Exception):
    """The framing is broken."""


class Chunks:
    """One chunked body.

    announced: bytes of content, including those of the last chunk as soon as its size is known.
    done: the body and its trailers have arrived. steps: what the last `feed` took, see `Turns`.
    """

    __slots__ = ("_excess", "_left", "_line", "_part", "_pieces", "_trailers", "announced", "done", "steps")

    def __init__(self) -> None:
        self._part = _SIZE
        self._line = b""  # the beginning of a line whose end has not arrived
        self._left = 0  # bytes of the current chunk
        self._excess = 0
        self._trailers = 0
        self._pieces: list[bytes | memoryview] = []
        self.announced = 0
        self.done = False
        self.steps = 0

    def content(self) -> bytes | memoryview:
        """The content that the last `feed` found; valid only until its buffer is reused."""
        pieces, self._pieces = self._pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def may_end(self, rest: bytes) -> bool:
        """Whether `rest` may complete the body if nothing comes after it."""
        return bool(self._line) or self._part == _TRAILERS or b"\r\n\r\n" in rest

    def feed(self, data: bytes | bytearray, at: int, end: int, steps: int) -> int:
        """Parse `data[at:end]` in at most `steps` steps; returns where it stopped. Raises Malformed."""
        view = memoryview(data)
        self.steps = 0
        while self.steps < steps:
            if self._part == _SIZE:
                if end - at > _TINY_WORTH_WHILE and not self._line and _TINY[data[at]]:
                    if not isinstance(data, bytes):
                        data = bytes(view[:end])
                        view = memoryview(data)
                    at = self._take_tiny(data, at, end, steps)
                    if self.steps >= steps:
                        break
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
            self.steps += _STEPS
            if at == end or self.done:
                break
        return at

    def _take_tiny(self, data: bytes, at: int, end: int, steps: int) -> int:
        """Take chunks of less than 16 bytes in their usual form; returns where something else begins."""
        before = 0
        count = content = 0
        pieces = self._pieces
        last = end - _TINY_WORTH_WHILE
        while self.steps < steps and at < last:
            size = _TINY[data[at]]
            if not size:
                break
            if size == before:
                run = _run(size).match(data, at, end)
                if run is None:
                    break
                pieces.append(_content(run[0], size))
                chunks = (run.end() - at) // (size + _TINY_FRAME_BYTES)
                self.steps += _STEPS_OF_RUN + chunks // _RUN_CHUNKS_IN_STEP
                at = run.end()
                before = 0
            else:
                start = at + 3
                stop = start + size
                if data[at + 1 : start] != b"\r\n" or data[stop : stop + 2] != b"\r\n":
                    break
                pieces.append(data[start:stop])
                at = stop + 2
                before = size
                chunks = 1
                self.steps += 1
            count += chunks
            content += chunks * size
        self._excess = max(self._excess + count * (_TINY_LINE_BYTES - _FREE_BYTES) - 2 * content, 0)
        self.announced += content
        return at

    def _begin(self, size: int, line: int) -> None:
        self._excess = max(self._excess + line - _FREE_BYTES - 2 * size, 0)
        if self._excess > _MOST_EXCESS_BYTES:
            raise Malformed(TOO_MUCH_AROUND)
        self._left = size
        self.announced += size
        self._part = _CONTENT if size else _TRAILERS

    def _end(self, data: bytes | bytearray, at: int, end: int) -> int:
        """Take the line end after the content of a chunk; returns the offset after it."""
        more = bytes(data[at : min(at + 2 - len(self._line), end)])
        self._line += more
        if not b"\r\n".startswith(self._line):
            raise Malformed("malformed chunked encoding")
        if len(self._line) == 2:
            self._line = b""
            self._part = _SIZE
        return at + len(more)

    def _take_trailers(self, data: bytes | bytearray, at: int, end: int) -> int:
        """Skip the fields after the last chunk and the empty line after them; returns where it stopped."""
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
                if line[1].lower() in _FORBIDDEN or self._trailers > _MOST_TRAILER_BYTES:
                    raise Malformed("malformed trailer")
        return at

    def _line_at(
        self, data: bytes | bytearray, at: int, end: int, form: re.Pattern[bytes]
    ) -> tuple[re.Match[bytes], int] | None:
        """The line that begins at `at`, and where it ends; None if its end has not arrived."""
        if not self._line and (match := form.match(data, at, end)) is not None:
            return match, match.end()
        stop = data.find(b"\n", at, end) + 1
        if not stop and len(self._line) + end - at > _MOST_LINE_BYTES:
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


@cache
def _run(size: int) -> re.Pattern[bytes]:
    """Matches a run of chunks of this size, which is below 16."""
    digit = b"[%x%X]" % (size, size)
    return re.compile(rb"(?:%b\r\n.{%d}\r\n)++" % (digit, size), re.DOTALL)


def _content(run: bytes, size: int) -> bytes:
    """The content of a run of chunks of one size."""
    period = size + _TINY_FRAME_BYTES
    if size == 1:
        return run[_TINY_LINE_BYTES::period]
    content = bytearray(len(run) // period * size)
    for place in range(size):
        content[place::size] = run[_TINY_LINE_BYTES + place :: period]
    return bytes(content)
