"""Messages in and out: what is a request, what answers it, and which error says why it cannot be answered.

The library's own dispatch answers nothing to what it cannot read, and sends tracebacks to clients; this one
gives each request exactly one answer. Source: Language Server Protocol 3.17; JSON-RPC 2.0.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from enum import Enum
from typing import Any

from cattrs import transform_error
from lsprotocol import types
from pygls.protocol.language_server import LanguageServerProtocol

from alloypy.lsp.wire.errors import (
    InvalidParams,
    InvalidRequest,
    MethodNotFound,
    NothingKnown,
    NotInitialized,
    ParseError,
    RequestCancelled,
    RequestFailed,
    WireError,
)

Id = int | str
_MOST_REQUESTS = 1000
"""How many requests may be in progress; what comes beyond them is refused."""
_LONGEST_NAME = 200
_CHANGES = frozenset({types.TEXT_DOCUMENT_RENAME, types.TEXT_DOCUMENT_FORMATTING})
"""What users ask for to change a text: they are told why nothing happens."""


class State(Enum):
    """What may be asked."""

    NEW = "before initialize"
    RUNNING = "after initialize"
    SHUT_DOWN = "after shutdown"


class Protocol(LanguageServerProtocol):
    """One conversation with a client. send: writes bytes to it; may raise OSError."""

    state = State.NEW
    raw: frozenset[str] = frozenset()
    """The methods whose handlers read the parameters as they come."""

    def begin(self, send: Callable[[bytes], None]) -> asyncio.Future[int]:
        """Begin a conversation; the future will have the exit code once the client ends it."""
        self._send = send
        self._running: dict[Id, asyncio.Task[Any]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        return self.ended

    async def close(self) -> None:
        """Cancel what is still in progress, and wait for it."""
        for future in list(self._request_futures.values()):
            future.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def end(self, code: int | None = None) -> None:
        """End the conversation; without a code as the protocol says: 1 without a shutdown before."""
        if not self.ended.done():
            self.ended.set_result(code if code is not None else int(self.state is not State.SHUT_DOWN))

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something beside the messages; it ends with the conversation at the latest."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._spawned)
        return task

    def _spawned(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.accident(error)

    # Messages in

    def receive(self, body: bytes) -> None:
        """Take one message; never raises."""
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            self.refuse(None, ParseError("the content of the message is not JSON in UTF-8"))
            return
        try:
            self._take(message)
        except WireError as error:
            self.refuse(_id_of(message), error)
        except Exception as error:
            self.refuse(_id_of(message), self.accident(error))

    def _take(self, message: object) -> None:
        if isinstance(message, list):
            raise InvalidRequest("the protocol has no batches: send each message alone")
        if not isinstance(message, dict) or message.get("jsonrpc") != self.VERSION:
            raise InvalidRequest('a message is an object with "jsonrpc": "2.0"')
        method = message.get("method")
        if method is None and ("result" in message or "error" in message):
            self._answered(message)
        elif not isinstance(method, str):
            raise InvalidRequest("a message has a method, or else a result or an error")
        elif "id" not in message:
            self._notified(method, message)
        elif _id_of(message) is None:
            raise InvalidRequest("the id of a request is a whole number or a string")
        else:
            self._asked(message["id"], method, message)

    def _asked(self, number: Id, method: str, message: dict[str, Any]) -> None:
        self._admit(method)
        if number in self._running:
            raise InvalidRequest("a request with this id is still in progress")
        if len(self._running) >= _MOST_REQUESTS:
            raise RequestFailed(f"{_MOST_REQUESTS} requests are in progress; no more are taken")
        handler = self._handler(method)
        if handler is None:
            raise MethodNotFound(f"there is no method {method[:_LONGEST_NAME]!r}")
        try:
            answer = handler(self._params(method, message))
        except WireError as error:
            self._fail(number, method, error)
            return
        if not asyncio.iscoroutine(answer):
            self._send_result(number, method, answer)
            return
        task = asyncio.ensure_future(answer)
        self._running[number] = task
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._finished(number, method, done))

    def _admit(self, method: str) -> None:
        if self.state is State.NEW and method != types.INITIALIZE:
            raise NotInitialized("the first request is initialize")
        if self.state is State.SHUT_DOWN:
            raise InvalidRequest("after shutdown there is only the notification exit")
        if self.state is State.RUNNING and method == types.INITIALIZE:
            raise InvalidRequest("the server is initialized already")

    def _notified(self, method: str, message: dict[str, Any]) -> None:
        if method != types.EXIT and self.state is not State.RUNNING:
            return
        handler = self._handler(method)
        if handler is None:
            return
        try:
            answer = handler(self._params(method, message))
        except WireError as error:
            self.log(f"ignored the notification {method}: {error.message}", types.MessageType.Warning)
            return
        except Exception as error:
            self.accident(error)
            return
        if asyncio.iscoroutine(answer):
            self.spawn(answer)

    def _handler(self, method: str) -> Callable[[Any], Any] | None:
        own: Callable[[Any], Any] | None = self.fm.builtin_features.get(method)
        return own if own is not None else self.fm.features.get(method)

    def _params(self, method: str, message: dict[str, Any]) -> Any:
        """What the handler is given: the parameters themselves for our own, else an object of the library."""
        params = message.get("params")
        if params is not None and not isinstance(params, dict | list):
            raise InvalidParams("the parameters of a message are an object")
        kind = self.get_message_type(method)
        if method in self.raw or kind is None:
            return params
        try:
            return self._converter.structure(message, kind).params
        except Exception as error:
            raise InvalidParams(_said(error)) from None

    def _answered(self, message: dict[str, Any]) -> None:
        """The client's answer to a request of ours."""
        number = _id_of(message)
        future: Future[Any] | None = self._request_futures.pop(number, None) if number is not None else None
        kind = self._result_types.pop(number, None) if number is not None else None
        if future is None or not future.set_running_or_notify_cancel():
            return
        if "error" in message:
            error = message["error"]
            text = error.get("message") if isinstance(error, dict) else None
            future.set_exception(RequestFailed(f"the client answered: {text}"))
            return
        try:
            future.set_result(self._converter.structure(message, kind).result if kind is not None else None)
        except Exception as error:
            future.set_exception(InvalidParams(_said(error)))

    def cancel(self, params: Any) -> None:
        """The notification that an answer is not needed any more."""
        number = _id_of(params)
        task = self._running.get(number) if number is not None else None
        if task is not None:
            task.cancel()

    # Messages out

    def _finished(self, number: Id, method: str, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if self._running.get(number) is task:
            del self._running[number]
        if task.cancelled():
            self.refuse(number, RequestCancelled("the request was cancelled"))
        elif (error := task.exception()) is None:
            self._send_result(number, method, task.result())
        else:
            self._fail(number, method, error if isinstance(error, WireError) else self.accident(error))

    def _fail(self, number: Id, method: str, error: WireError) -> None:
        if isinstance(error, NothingKnown) and method not in _CHANGES:
            self._send_result(number, method, None)
        else:
            self.refuse(number, error)

    def _send_result(self, number: Id, method: str, result: Any) -> None:
        kind = self.get_result_type(method)
        try:
            if kind is None:
                self._send_data({"jsonrpc": self.VERSION, "id": number, "result": result})
            else:
                self._send_data(kind(id=number, result=result, jsonrpc=self.VERSION))
        except (TypeError, ValueError, AttributeError, RecursionError) as error:
            self.refuse(number, self.accident(error))

    def refuse(self, number: Id | None, error: WireError) -> None:
        """Answer with an error."""
        said = {"code": error.code, "message": error.message}
        self._send_data({"jsonrpc": self.VERSION, "id": number, "error": said})

    def _send_data(self, data: Any) -> None:
        body = json.dumps(data, default=self._serialize_message, separators=(",", ":")).encode("ascii")
        try:
            self._send(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        except (OSError, ValueError):  # ValueError: the stream is closed
            self.end()

    async def ask(self, method: str, params: Any) -> Any:
        """Send a request and return the client's answer. Raises WireError for an error."""
        return await asyncio.wrap_future(self.send_request(method, params))

    def log(self, text: str, kind: types.MessageType = types.MessageType.Log) -> None:
        """Write to the log that the editor keeps for the server."""
        self.notify(types.WINDOW_LOG_MESSAGE, types.LogMessageParams(type=kind, message=text))

    def accident(self, error: BaseException) -> WireError:
        """Note a fault of ours on stderr, in one line; returns what to answer."""
        if os.environ.get("ALLOYPY_DEBUG") == "1":
            import traceback

            traceback.print_exception(error, file=sys.stderr)
        what = " ".join(f"{type(error).__name__}: {error}".split())
        sys.stderr.write(f"Error: internal error of the language server: {what}\n")
        sys.stderr.flush()
        return WireError(f"internal error: {what}", code=types.ErrorCodes.InternalError)


def _id_of(message: object) -> Id | None:
    """The id of a message; None if it has none that is valid."""
    number = message.get("id") if isinstance(message, dict) else None
    return number if isinstance(number, int | str) and not isinstance(number, bool) else None


def _said(error: Exception) -> str:
    """What is wrong with parameters, in one line."""
    try:
        found = transform_error(error, format_exception=_of_value)
    except Exception:
        found = [_of_value(error, None)]
    return "; ".join(found[:3])


def _of_value(error: BaseException, wanted: type | None) -> str:
    if isinstance(error, KeyError):
        return "a required member is missing"
    if wanted is not None:
        return f"{getattr(wanted, '__name__', 'another type')} expected"
    return "a value is not of its type"
