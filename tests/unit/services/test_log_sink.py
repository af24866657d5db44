"""Where log lines go: in order, immediately if possible, and without waiting."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from alloypy.services.log_sink import Sink

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes")


def note(count: int) -> bytes:
    return b"dropped %d\n" % count


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Both ends of a pipe, to read from and to write to."""
    reading, writing = os.pipe()
    yield reading, writing
    for each in (reading, writing):
        try:
            os.close(each)
        except OSError:
            continue


def test_a_line_is_written_immediately(pipe: tuple[int, int]) -> None:
    Sink(pipe[1], note).write(b"line\n")
    assert os.read(pipe[0], 100) == b"line\n"


def test_lines_stay_whole_and_in_order_while_they_wait(pipe: tuple[int, int]) -> None:
    sink = Sink(pipe[1], note)
    lines = [b"%d " % number + b"x" * 9_000 + b"\n" for number in range(50)]
    for line in lines:
        sink.write(line)
    assert read(pipe[0], sum(map(len, lines))) == b"".join(lines)
    sink.close(60)
    assert sink.dropped == 0


def test_what_does_not_fit_is_dropped_and_reported(pipe: tuple[int, int]) -> None:
    sink = Sink(pipe[1], note, most=100_000)
    lines = [b"%03d " % number + b"x" * 995 + b"\n" for number in range(400)]
    for line in lines:
        sink.write(line)
    assert sink.dropped > 100
    end = note(sink.dropped)
    told = read_until(pipe[0], end)
    assert told.endswith(end)
    kept = told.removesuffix(end).splitlines(keepends=True)
    assert len(kept) == 400 - sink.dropped
    assert kept == [line for line in lines if line in kept]  # whole, and in order
    sink.close(60)
    sink.write(b"again\n")
    assert os.read(pipe[0], 100) == b"again\n"


def test_a_reader_that_has_gone_causes_no_error(pipe: tuple[int, int]) -> None:
    sink = Sink(pipe[1], note)
    os.close(pipe[0])
    sink.write(b"line\n")
    sink.close(60)


def test_closing_waits_only_so_long(pipe: tuple[int, int]) -> None:
    sink = Sink(pipe[1], note)
    sink.write(b"x" * 200_000)
    sink.close(0.01)
    assert len(read(pipe[0], 200_000)) == 200_000


def read(descriptor: int, count: int) -> bytes:
    content = b""
    while len(content) < count:
        content += os.read(descriptor, 1 << 16)
    return content


def read_until(descriptor: int, end: bytes) -> bytes:
    content = b""
    while not content.endswith(end):
        content += os.read(descriptor, 1 << 16)
    return content
