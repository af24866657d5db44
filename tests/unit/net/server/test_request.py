"""The buffers of request bodies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alloypy.net.server.budget import ByteBudget
from alloypy.net.server.request import Request


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


class Idle:
    """A connection on which nothing happens."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="tells from /proc what memory is in use")
def test_room_for_a_large_body_takes_no_memory_before_it_arrives() -> None:
    request = Request(Idle(), ByteBudget(1 << 30), length=None, go_on=None)
    first = request.enlarge(1 << 20)
    first[:] = b"a" * len(first)
    request.received = len(first)
    before = resident_bytes()
    rest = request.enlarge(256 << 20)
    assert resident_bytes() - before < 32 << 20
    rest[:5] = b"bytes"
    request.received += 5
    assert request.shrink() == (256 << 20) - (1 << 20) - 5
    request.complete = True
    assert request.take_body(1 << 30) == b"a" * (1 << 20) + b"bytes"
