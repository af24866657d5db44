"""Requests to the admin server and its answers, in the form of Go's net/http.

Source: docs/spec/RUNTIME.md, section 4.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple, TypeAlias

from alloypy.lang.go.text import quote
from alloypy.net.server.http1.head import unescaped

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGI: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

PLAIN: Headers = ((b"content-type", b"text/plain; charset=utf-8"),)
_OF_ERRORS: Headers = (*PLAIN, (b"x-content-type-options", b"nosniff"))
_MOST_PARAMETERS = 10_000
_LONGEST_SHOWN = 8192
_BAD_ESCAPE = re.compile(b"%(?![0-9a-fA-F]{2})")


class Asked(NamedTuple):
    """A request.

    headers: with lower-case names. receive: ASGI's, which reports when the client has left.
    version: the version of HTTP, such as `1.1`.
    """

    method: str
    path: str
    query: bytes
    headers: list[tuple[bytes, bytes]]
    receive: Receive
    version: str = "1.1"

    def header(self, name: bytes) -> str | None:
        """The first value of a header; None when there is none."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), None)

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter; None when there is none.

        As in Go, parameters that cannot be unescaped are ignored, and so is a query with too many.
        """
        if self.query.count(b"&") >= _MOST_PARAMETERS:
            return None
        for part in self.query.split(b"&"):
            if b";" in part or _BAD_ESCAPE.search(part):
                continue
            key, _, value = part.partition(b"=")
            if _unescaped(key) == name:
                return _unescaped(value)
        return None

    async def departure(self) -> None:
        """Wait until the client has left, or has closed its sending side."""
        while (await self.receive())["type"] != "http.disconnect":
            pass


class Answer(NamedTuple):
    """An answer; `send` adds the length of the body."""

    status: int
    body: bytes = b""
    headers: Headers = ()

    async def send(self, send: Send) -> None:
        headers = [*self.headers, (b"content-length", b"%d" % len(self.body))]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def asked(scope: Scope, receive: Receive) -> Asked:
    """The request of an ASGI scope."""
    about = scope["method"], scope["path"], scope["query_string"], scope["headers"]
    return Asked(*about, receive, scope["http_version"])


def text(status: int, content: str) -> Answer:
    """A plain text answer."""
    return Answer(status, _encoded(content), PLAIN)


def error(status: int, content: str, *more: tuple[bytes, bytes]) -> Answer:
    """An error, in the form of Go's `http.Error`."""
    return Answer(status, _encoded(f"{content}\n"), (*_OF_ERRORS, *more))


def refusal(content: str) -> Answer:
    """The answer to a request that is not allowed."""
    return error(403, content)


def not_found(advice: str = "") -> Answer:
    """The answer for an unknown path. advice: what to request instead."""
    return error(404, "404 page not found" + (f"\n{advice}" if advice else ""))


def as_json(value: Any) -> Answer:
    """A value as JSON, labelled plain text as in Alloy; bytes that are not UTF-8 are replaced."""
    return json_text(encoded(value))


def json_text(content: bytes) -> Answer:
    """JSON as an answer, labelled plain text as in Alloy."""
    return Answer(200, content, PLAIN)


def encoded(value: Any) -> bytes:
    """A value as JSON; bytes that are not UTF-8 are replaced."""
    return as_utf8(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def as_utf8(content: str) -> bytes:
    """A text in UTF-8; bytes that were not UTF-8 when received are replaced."""
    return _encoded(content).decode("utf-8", "replace").encode()


def shown(given: str) -> str:
    """What a client sent, quoted for an answer; very long text is cut."""
    return quote(given if len(given) <= _LONGEST_SHOWN else f"{given[:_LONGEST_SHOWN]}...")


def _unescaped(part: bytes) -> str:
    return unescaped(part.replace(b"+", b" ")).decode("utf-8", "surrogateescape")


def _encoded(content: str) -> bytes:
    """The text as UTF-8; bytes that were not UTF-8 when received are restored unchanged."""
    try:
        return content.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return content.encode("utf-8", "replace")
