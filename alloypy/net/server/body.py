"""Receiving request bodies: how a server offers them, and what can go wrong.

Source: docs/spec/PYROSCOPE.md, sections 3.4, 3.9.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
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

Raises OverBudget. They are given back when the request is done, or by a negative count.
"""

ANSWER = "alloypy.answer"
"""The ASGI extension that writes a whole response in one call: `(status, headers, body) -> bool`.

False: nothing was written, the response has to be sent in messages, which can wait.
"""

ABORT = "alloypy.abort"
"""The ASGI extension that drops the connection without an answer: `() -> None`."""


class BodyError(Exception):
    """A request body could not be received.

    BodyError
    +- BodyTooLarge  it is larger than allowed
    +- BodyStalled   it did not arrive in time
    +- BodyBroken    it ends early
    |  +- BodyMalformed  its framing is broken
    +- OverBudget    too many bytes are held for other requests
    +- ClientLeft    the connection is gone
    """


class BodyTooLarge(BodyError):
    """The body is larger than allowed."""


class BodyStalled(BodyError):
    """The body did not arrive within the server's read timeout."""


class BodyBroken(BodyError):
    """The body ends early, or its framing is broken."""


class BodyMalformed(BodyBroken):
    """The body's framing is broken: the client's mistake."""


class OverBudget(BodyError):
    """Too many bytes are held for requests in flight; the client should come back later."""


class ClientLeft(BodyError):
    """The connection was lost before the body was complete."""


def arrived_body(scope: Scope, limit: int) -> Buffer | None:
    """The whole body of an ASGI request if it is there, in `limit` bytes; else `read_body` is to be asked."""
    extension = scope["extensions"].get(TAKE_BODY) if "extensions" in scope else None
    if extension is None:
        return None
    body: Buffer | None = extension(limit)
    return body


def holder(scope: Scope) -> Callable[[int], None]:
    """What counts bytes that the request holds beyond its body; see `HOLD_BYTES`."""
    hold = scope["extensions"].get(HOLD_BYTES) if "extensions" in scope else None
    return hold or _hold_nothing


def _hold_nothing(_: int) -> None:
    """For servers that have no budget."""


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
