"""Receiving request bodies: what can go wrong, and how many bytes may be held.

Source: PYROSCOPE spec sections 3.4, 3.9; the bounds are alloypy's own (docs/compatibility.md).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from alloypy.profiles.model import Buffer

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

READ_BODY = "alloypy.read_body"
"""The ASGI extension that gives a whole body as one buffer: `async (limit in bytes, deadline) -> Buffer`.

deadline: loop time until which it has to arrive, else TimeoutError is raised; None for no such bound.
"""

TAKE_BODY = "alloypy.take_body"
"""The ASGI extension that gives a whole body if it is there: `(limit in bytes) -> Buffer | None`.

Most bodies have arrived before the application is asked, and need not be awaited. None also for one that
is larger than the limit.
"""

EXTEND_DEADLINES = "alloypy.extend_deadlines"
"""The ASGI extension that gives a request more time to be read and answered: `(seconds) -> None`."""

HOLD_BYTES = "alloypy.hold_bytes"
"""The ASGI extension that counts bytes the request holds beyond its body: `(count) -> None`.

Raises OverBudget. They are given back when the request is done.
"""

ANSWER = "alloypy.answer"
"""The ASGI extension that writes a whole response in one call: `(status, headers, body) -> bool`.

False: nothing was written, the response has to be sent in messages, which can wait.
"""

ABORT = "alloypy.abort"
"""The ASGI extension that drops the connection without an answer: `() -> None`."""

_LEAST_BUDGET = 256 << 20
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class BodyError(Exception):
    """A request body could not be received.

    BodyError
    +- BodyTooLarge  it is larger than allowed
    +- BodyStalled   it did not arrive in time
    +- BodyBroken    its framing is broken, or it ends early
    +- OverBudget    too many bytes are held for other requests
    +- ClientLeft    the connection is gone
    """


class BodyTooLarge(BodyError):
    """The body is larger than allowed."""


class BodyStalled(BodyError):
    """The body did not arrive within the server's read timeout."""


class BodyBroken(BodyError):
    """The body's framing is broken, or it ends early."""


class OverBudget(BodyError):
    """Too many bytes are held for requests in flight; the client should come back later."""


class ClientLeft(BodyError):
    """The connection was lost before the body was complete."""


class ByteBudget:
    """A bound on the bytes held for requests in flight, shared by everybody who holds some."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self.taken = 0  # ever

    def take(self, count: int) -> bool:
        """Count `count` more bytes as held, if there is room for them."""
        if self.held + count > self.limit:
            return False
        self.held += count
        self.taken += count
        return True

    def give_back(self, count: int) -> None:
        """Count `count` bytes as no longer held."""
        self.held -= count


@cache
def process_budget() -> ByteBudget:
    """The budget of this process: a quarter of its memory limit, at least 256 MiB."""
    return ByteBudget(max(_LEAST_BUDGET, memory_limit() // 4))


def memory_limit() -> int:
    """The bytes of memory this process may use: its control group's limit or the machine's memory.

    0 where the system tells neither.
    """
    try:
        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0
    for name in _CGROUP_LIMITS:
        try:
            text = Path(name).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            return min(int(text), physical)
    return physical


def arrived_body(scope: Scope, limit: int) -> Buffer | None:
    """The whole body of an ASGI request if it is there, in `limit` bytes; else `read_body` is to be asked."""
    extension = scope["extensions"].get(TAKE_BODY) if "extensions" in scope else None
    if extension is None:
        return None
    body: Buffer | None = extension(limit)
    return body


def read_body(scope: Scope, receive: Receive, limit: int, deadline: float | None = None) -> Awaitable[Buffer]:
    """The whole body of an ASGI request, at most `limit` bytes. Raises BodyError.

    deadline: loop time until which it has to arrive, else TimeoutError is raised.
    """
    extension = scope["extensions"].get(READ_BODY) if "extensions" in scope else None
    if extension is not None:
        body: Awaitable[Buffer] = extension(limit, deadline)
        return body
    return _collect_body(receive, limit, deadline)


async def _collect_body(receive: Receive, limit: int, deadline: float | None) -> Buffer:
    collected = bytearray()
    async with asyncio.timeout_at(deadline):
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientLeft("client disconnected")
            collected += message.get("body", b"")
            if len(collected) > limit:
                raise BodyTooLarge(f"request body is larger than {limit} bytes")
            if not message.get("more_body", False):
                return collected
