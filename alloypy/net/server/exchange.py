"""One request and its response, as an application sees them: ASGI's callables and our `Extension`.

A connection, whatever its protocol, makes an `Exchange` for each request and passes it what arrives. The
exchange asks the connection for more, and passes the application's answer to a writer that knows the
protocol. Source: docs/spec/PYROSCOPE.md, sections 3.3, 3.5, 3.9.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, MutableMapping, Sequence
from typing import Any, Final, Protocol

from alloypy.net.server.body import EXTENSION, App, BodyError, Header
from alloypy.net.server.budget import ByteBudget
from alloypy.net.server.request import Request, Source

_MOST_DISCARDED_BYTES: Final = 256 << 10  # of an unwanted body, read so that the connection can stay open


class Connection(Source, Protocol):
    """What an exchange asks of its connection."""

    __slots__ = ()

    def takes_more(self, exchange: Exchange) -> bool:
        """Whether an answer can be written now: without waiting, and before the write timeout."""

    async def writable(self, exchange: Exchange) -> bool:
        """Wait until more of an answer can be written; False if the write timeout comes first."""

    def response_done(self, exchange: Exchange) -> None:
        """The response has been written completely."""

    def drop(self, exchange: Exchange) -> None:
        """End the exchange without an answer, and also the connection if it carries nothing else."""


class Writer(Protocol):
    """Writes one response in its connection's protocol.

    started: some of it has been written. Nothing may be written once the client has left.
    """

    __slots__ = ()
    started: bool

    def go_on(self) -> None:
        """Tell the client to send the body it has announced."""

    def start(self, status: int, headers: Iterable[Header], *, trailers: bool, whole_request: bool) -> None:
        """Begin with the head. trailers: whether there will be trailers.

        whole_request: the request's body has been read, or its rest is short and on its way.
        """

    def body(self, part: bytes, *, more: bool) -> bool:
        """Write a part of the body; returns whether the response is now complete."""

    def trailers(self, headers: Iterable[Header]) -> None:
        """Write the trailers, which complete the response."""

    def whole(self, status: int, headers: Sequence[Header], body: bytes, whole_request: bool) -> bool:
        """Write a response in one piece; returns False, with nothing written, if that is not possible."""


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
        """Let the application answer, in a task that is in `tasks` until it is done."""
        self._tasks = tasks
        # Named, because otherwise asyncio would make up a name.
        self._task = loop.create_task(self._run(app, logger), name="request")
        tasks.add(self._task)

    async def _run(self, app: App, logger: logging.Logger) -> None:
        """Let the application answer; if it fails, log that and answer with 500."""
        # The scope refers to us: if we kept it any longer, both would wait for the cycle collector.
        scope, self._scope = self._scope, None
        if scope is None:
            raise RuntimeError("a request is answered once")
        failure: Exception | None = None
        try:
            try:
                await app(scope, self.receive, self.send)
                if not self.over and not self.lost:
                    raise RuntimeError("the application returned without an answer")
            except asyncio.CancelledError:
                if not self.over:
                    self._connection.drop(self)
                raise
            except Exception as error:
                failure = error
            if failure is not None:
                await self._answer_failure(failure, scope["path"], logger)
        finally:
            failure = None  # it refers to this call, as the call does to it
            self._end()

    def _end(self) -> None:
        """The application has returned: release everything held for the request."""
        self._body = b""
        self._budget.give_back(self.held)
        self.held = 0
        if self._tasks is not None and self._task is not None:
            self._tasks.discard(self._task)
            self._task = None

    async def _answer_failure(self, failure: Exception, path: str, logger: logging.Logger) -> None:
        """Answer with 500, and log what the body is not to blame for; drop the connection if that fails."""
        try:
            if not isinstance(failure, BodyError):
                fields = {"fields": {"path": path}}
                logger.exception("request handler failed", exc_info=failure, extra=fields)
            await self._send_error()
        except Exception:
            self._connection.drop(self)

    async def _send_error(self) -> None:
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
            # As in Go: the time to answer is up, whatever the answer is.
            self.abort()
        elif self._writer.body(body, more=more):
            self._finish()

    def answer(self, status: int, headers: Sequence[Header], body: bytes) -> bool:
        """Write a whole response in one call, if that need not wait; see `Extension.answer`."""
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
