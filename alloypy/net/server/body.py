"""Receiving request bodies: how a server offers them, and what can go wrong.

Source: docs/spec/PYROSCOPE.md, sections 3.4, 3.9.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final, Protocol, TypeAlias

from alloypy.net.http_status import body_too_large
from alloypy.profiles.model import Buffer

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

EXTENSION: Final = "alloypy.request"
"""The name of the ASGI extension with which our servers offer an `Extension` for each request."""

ORIGIN: Final = "alloypy.origin"
"""The key in an ASGI scope for the `http://host` of a request with an absolute target."""

Header: TypeAlias = tuple[bytes, bytes]


class Extension(Protocol):
    """What an application can ask of one request beyond ASGI."""

    __slots__ = ()

    def take_body(self, limit: int) -> Buffer | None:
        """The whole body as one buffer if it has arrived and has at most `limit` bytes.

        Most bodies have arrived before the application is called, and need not be awaited.
        """

    def read_body(self, limit: int, deadline: float | None) -> Awaitable[Buffer]:
        """The whole body as one buffer of at most `limit` bytes. Raises BodyError.

        deadline: loop time by which it must arrive, otherwise TimeoutError is raised; None = no deadline.
        """

    def extend_deadlines(self, seconds: float) -> None:
        """Give the request `seconds` from now to be read and answered."""

    def hold_bytes(self, count: int) -> None:
        """Count bytes that the request holds beyond its body. Raises OverBudget.

        They are released when the request is done, or earlier by a negative count.
        """

    def answer(self, status: int, headers: Sequence[Header], body: bytes) -> bool:
        """Write a whole response in one call.

        Returns False if nothing was written: the response then has to be sent as messages, which can wait.
        """

    def abort(self) -> None:
        """Drop the connection without an answer."""


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


def extension(scope: Scope) -> Extension | None:
    """The `Extension` of a request, if the server is one of ours."""
    found: Extension | None = scope["extensions"].get(EXTENSION) if "extensions" in scope else None
    return found


def arrived_body(scope: Scope, limit: int) -> Buffer | None:
    """The whole body of a request if it has arrived and fits the limit; if None, call `read_body`."""
    if "extensions" in scope and (offered := scope["extensions"].get(EXTENSION)) is not None:
        body: Buffer | None = offered.take_body(limit)
        return body
    return None


def holder(scope: Scope) -> Callable[[int], None]:
    """The function that counts bytes that the request holds beyond its body; see `Extension.hold_bytes`."""
    offered = extension(scope)
    return _hold_nothing if offered is None else offered.hold_bytes


def _hold_nothing(_: int) -> None:
    """For servers that have no budget."""


def read_body(scope: Scope, receive: Receive, limit: int, deadline: float | None = None) -> Awaitable[Buffer]:
    """The whole body of a request, at most `limit` bytes; see `Extension.read_body`. Raises BodyError."""
    offered = extension(scope)
    if offered is not None:
        return offered.read_body(limit, deadline)
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
                raise BodyTooLarge(body_too_large(limit))
            if not message.get("more_body", False):
                return collected
