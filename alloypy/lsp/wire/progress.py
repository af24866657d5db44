"""Progress of work that may take long: the client is told once it does."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from lsprotocol import types

from alloypy.lsp.wire.errors import WireError

if TYPE_CHECKING:
    from alloypy.lsp.wire.server import Server

_FIRST_SECONDS = 0.3
_PAUSE_SECONDS = 0.1


class Progress:
    """Tells the client how far some work is: a context manager, whose `report` any thread may call.

    token: the one that the client gave with its request. Without one the client is asked to take ours.
    """

    def __init__(self, server: Server, title: str, token: int | str | None) -> None:
        self._server = server
        self._title = title
        self._token = token
        self._begun = False
        self._asking: asyncio.Task[Any] | None = None
        self._next = time.monotonic() + _FIRST_SECONDS

    def __enter__(self) -> Progress:
        self._loop = asyncio.get_running_loop()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._next = float("inf")
        if self._asking is not None:
            self._asking.cancel()
        if self._begun:
            self._send(types.WorkDoneProgressEnd())

    def report(self, done: int, total: int) -> None:
        """Say that so much of the work is done."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _PAUSE_SECONDS
            self._loop.call_soon_threadsafe(self._show, done, total)

    def _show(self, done: int, total: int) -> None:
        if self._next == float("inf"):
            return
        if self._token is None:
            if self._asking is None and self._server.client.progress:
                self._asking = self._server.protocol.spawn(self._ask())
            return
        percentage = 100 * done // max(total, 1)
        message = f"{done} of {total} files"
        if self._begun:
            self._send(types.WorkDoneProgressReport(message=message, percentage=percentage))
            return
        self._begun = True
        self._send(
            types.WorkDoneProgressBegin(
                title=self._title, cancellable=False, message=message, percentage=percentage
            )
        )

    async def _ask(self) -> None:
        token = str(uuid4())
        params = types.WorkDoneProgressCreateParams(token=token)
        try:
            await self._server.protocol.ask(types.WINDOW_WORK_DONE_PROGRESS_CREATE, params)
        except WireError:
            return
        self._token = token

    def _send(self, value: object) -> None:
        if self._token is not None:
            params = types.ProgressParams(token=self._token, value=value)
            self._server.protocol.notify(types.PROGRESS, params)
