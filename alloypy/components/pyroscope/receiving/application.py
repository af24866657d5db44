"""The HTTP application of pyroscope.receive_http: two hot routes in plain ASGI, the others in Starlette.

Source: docs/spec/PYROSCOPE.md, sections 3.3 to 3.9.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final

from alloypy.components.pyroscope.receiving.answers import (
    BROKEN,
    CLIENT_LEFT,
    NO_METHOD,
    OK,
    SHUTTING_DOWN,
)
from alloypy.components.pyroscope.receiving.astray import clean_path, moved
from alloypy.components.pyroscope.receiving.metrics import INGEST_ROUTE, PUSH_ROUTE
from alloypy.components.pyroscope.receiving.reception import Reception
from alloypy.components.pyroscope.receiving.record import Record
from alloypy.components.pyroscope.receiving.request import ProfileRequest
from alloypy.net.server.answer import Answer, send_answer, send_messages, written_at_once
from alloypy.net.server.body import App, ClientLeft, Receive, Scope, Send

INGEST: Final = "/ingest"
PUSH_SERVICE: Final = "/push.v1.PusherService/"
PUSH: Final = f"{PUSH_SERVICE}Push"


class Application:
    """Receives profiles over one server, and forwards them; an ASGI application.

    draining: whether that server is closing and refuses new requests.
    """

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._others: App | None = None
        self.draining = False

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer any request. Not itself a coroutine, since every extra one costs time for each request."""
        method: str = scope["method"]
        path: str = scope["path"]
        hot = path in (INGEST, PUSH)
        if self.draining:
            return self._refuse(scope, send, SHUTTING_DOWN)
        if hot and method == "POST":
            return self._answer_hot(scope, receive, send)
        astray = self._reception.astray
        if hot or path.startswith(PUSH_SERVICE):
            return self._refuse(scope, send, astray.answer(scope) if method == "POST" else NO_METHOD)
        if path == "*" and method == "OPTIONS":
            return send_answer(OK, scope, send)  # a question about the server, not about a path
        if (clean := clean_path(path)) != path:
            astray.note(scope)
            return self._refuse(scope, send, moved(scope, clean))
        return self._answer_other(scope, receive, send)

    async def _answer_hot(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        ingest = path == INGEST
        record = Record(self._reception, scope, INGEST_ROUTE if ingest else PUSH_ROUTE)
        request = ProfileRequest(self._reception, scope, receive, record.trace)
        cancelled: asyncio.CancelledError | None = None
        try:
            answer = await (request.ingest() if ingest else request.push())
            record.status, record.body = answer.status, answer.body
            record.quiet = answer is BROKEN
            if not written_at_once(answer, scope):
                await send_messages(answer, send)
        except ClientLeft:
            record.status = CLIENT_LEFT
            raise
        except asyncio.CancelledError as error:
            record.status = SHUTTING_DOWN.status
            self._reception.cut_off(request.profiles)
            cancelled = error
        finally:
            record.received = request.received
            record.close()
        if cancelled is not None:
            await send_answer(SHUTTING_DOWN, scope, send)
            raise cancelled

    async def _answer_other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._others is None:
            from alloypy.components.pyroscope.receiving.debuginfo import application

            self._others = application(self._reception)
        await self._others(scope, receive, send)

    async def _refuse(self, scope: Scope, send: Send, answer: Answer) -> None:
        record = Record(self._reception, scope, "other")
        record.status, record.body = answer.status, answer.body
        record.close()
        await send_answer(answer, scope, send)
