"""One request and its response, as an application sees them: ASGI's callables and our `Extension`.

Whatever protocol a connection speaks, it makes an `Exchange` of each request, and hands it what arrives. The
exchange asks the connection for more, and gives what the application answers to a writer that knows the
protocol. Source: docs/spec/PYROSCOPE.md, sections 3.3, 3.5, 3.9.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, MutableMapping, Sequence
from typing import Any, Protocol

from alloypy.net.server.body import EXTENSION, App, BodyError, Header
from alloypy.net.server.budget import ByteBudget
from alloypy.net.server.request import Request, Source

_MOST_DISCARDED_BYTES = 256 << 10  # of an unwanted body, read so that the connection can stay open


class Connection(Source, Protocol):
    """What an exchange asks of the connection that it came on."""

    def takes_more(self, exchange: Exchange) -> bool:
        """Whether an answer can be written now, without waiting, and before its write timeout."""

    async def writable(self, exchange: Exchange) -> bool:
        """Wait until more of an answer can be written; False when it cannot before its write timeout."""

    def response_done(self, exchange: Exchange) -> None:
        """The response has been written completely."""

    def drop(self, exchange: Exchange) -> None:
        """End the exchange without an answer, and the connection with it if it carries nothing else."""


class Writer(Protocol):
    """Writes one response in the protocol of its connection.

    started: something of it has been written. Parts must not be written once the client has left.
    """

    started: bool

    def go_on(self) -> None:
        """Tell the client to send the body it has announced."""

    def start(self, status: int, headers: Iterable[Header], *, trailers: bool, whole_request: bool) -> None:
        """Begin with the head. trailers: whether some will follow.

        whole_request: the body of the request has been read, or the rest is short and on its way.
        """

    def body(self, part: bytes, *, more: bool) -> bool:
        """Write a part of the body; whether that completes the response."""

    def trailers(self, headers: Iterable[Header]) -> None:
        """Write the trailers, which complete the response."""

    def whole(self, status: int, headers: Sequence[Header], body: bytes, whole_request: bool) -> bool:
        """Write a response in one piece; False, and nothing written, where it takes more than that."""


class Exchange(Request):
    """One request and its response on a connection; a `body.Extension`."""

    __slots__ = ("_connection", "_scope", "_task", "_tasks", "_writer")

    def __init__(
        self,
        connection: Connection,
        writer: Writer,
        budget: ByteBudget,
        scope: dict[str, Any],
        length: int | None,
        expects_continue: bool,
    ) -> None:
        Request.__init__(self, connection, budget, length, writer.go_on if expects_continue else None)
        self._connection = connection
        self._writer = writer
        self._scope: dict[str, Any] | None = scope
        self._task: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] | None = None
        scope["extensions"] = {EXTENSION: self, "http.response.trailers": {}}

    # The application's task

    def begin(
        self,
        loop: asyncio.AbstractEventLoop,
        app: App,
        logger: logging.Logger,
        tasks: set[asyncio.Task[None]],
    ) -> None:
        """Let the application answer, in a task that is one of `tasks` until it has."""
        self._tasks = tasks
        # With a name, because asyncio would make one up.
        self._task = loop.create_task(self._run(app, logger), name="request")
        tasks.add(self._task)

    async def _run(self, app: App, logger: logging.Logger) -> None:
        """Let the application answer; if it fails, that is a 500 and a log line."""
        # The scope holds us: were it held by us any longer, both would wait for the cycle collector.
        scope, self._scope = self._scope, None
        if scope is None:
            raise RuntimeError("a request is answered once")
        try:
            await app(scope, self.receive, self.send)
            if not self.over and not self.lost:
                raise RuntimeError("the application returned without an answer")
        except asyncio.CancelledError:
            if not self.over:
                self._connection.drop(self)
            raise
        except BodyError:
            await self._apologise()
        except Exception:
            await self._own_up(scope["path"], logger)
        finally:
            self._end()

    def _end(self) -> None:
        """The application has returned: nothing of the request is held any more."""
        self._body = b""
        self._budget.give_back(self.held)
        self.held = 0
        if self._tasks is not None and self._task is not None:
            self._tasks.discard(self._task)
            self._task = None

    async def _own_up(self, path: str, logger: logging.Logger) -> None:
        """Log the fault being handled, and answer with 500; drop the connection if either is impossible."""
        try:
            logger.exception("request handler failed", extra={"fields": {"path": path}})
            await self._apologise()
        except Exception:
            self._connection.drop(self)

    async def _apologise(self) -> None:
        if self._writer.started or self.lost:
            self._connection.drop(self)
            return
        headers = [(b"content-length", b"0"), (b"connection", b"close")]
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": b""})

    # What the application calls: the response

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """ASGI's send; the head is written together with the first part of the body."""
        kind = message["type"]
        if kind == "http.response.start":
            trailers = message.get("trailers", False)
            headers = message.get("headers", ())
            self._writer.start(
                message["status"], headers, trailers=trailers, whole_request=self._is_nearly_read()
            )
        elif kind == "http.response.body":
            await self._send_body(message.get("body", b""), message.get("more_body", False))
        elif kind == "http.response.trailers":
            if not self.over and not self.lost:
                self._writer.trailers(message.get("headers", ()))
                self._finish()
        else:
            raise RuntimeError(f"unexpected ASGI message {kind}")

    async def _send_body(self, body: bytes, more: bool) -> None:
        if self.over or self.lost:
            return
        in_time = await self._connection.writable(self)
        if not in_time or asyncio.get_running_loop().time() > self.write_by:
            # As in Go: the time to answer is over, whatever the answer is.
            self.abort()
        elif self._writer.body(body, more=more):
            self._finish()

    def answer(self, status: int, headers: Sequence[Header], body: bytes) -> bool:
        """Write a whole response at once, if that need not wait; see `Extension.answer`."""
        if self.over or self.lost or not self._connection.takes_more(self):
            return False
        whole_request = self.complete or self._is_nearly_read()
        if not self._writer.whole(status, headers, body, whole_request):
            return False
        self._finish()
        return True

    def abort(self) -> None:
        """Drop the connection; see `Extension.abort`."""
        self.lost = True
        self._connection.drop(self)

    def _finish(self) -> None:
        self.over = True
        self._connection.response_done(self)
        if self._waiter is not None:
            self._wake()

    def _is_nearly_read(self) -> bool:
        """Whether the body has been read, or its rest is short and on its way."""
        return self.complete or (
            self.length is not None
            and self.length - self.received <= _MOST_DISCARDED_BYTES
            and self._go_on is None
            and self._failure is None
        )
