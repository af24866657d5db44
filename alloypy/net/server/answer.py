"""Answers to HTTP requests, complete before anything is sent.

Source: docs/spec/PYROSCOPE.md, sections 3.3, 3.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from alloypy.net.server.body import EXTENSION, Header, Scope, Send

CLOSE: Header = (b"connection", b"close")


class Answer(NamedTuple):
    """One response; header names in lower case.

    trailers: None = there are none. Without a content-length header the body is sent chunked.
    """

    status: int
    headers: Sequence[Header]
    body: bytes = b""
    trailers: Sequence[Header] | None = None


def empty(status: int, *headers: Header) -> Answer:
    """An answer without a body."""
    return Answer(status, (*headers, (b"content-length", b"0")))


def plain_text(status: int, text: str, *headers: Header) -> Answer:
    """An error as one line of text, as Go's http.Error writes it."""
    body = text.encode("utf-8", "replace") + b"\n"
    return Answer(
        status,
        (
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"x-content-type-options", b"nosniff"),
            *headers,
            (b"content-length", b"%d" % len(body)),
        ),
        body,
    )


def written_at_once(answer: Answer, scope: Scope) -> bool:
    """Write the answer in one call, if the server offers that and need not wait; returns whether it did."""
    status, headers, body, trailers = answer
    if trailers is not None or "extensions" not in scope:
        return False
    offered = scope["extensions"].get(EXTENSION)
    return offered is not None and offered.answer(status, headers, body)


async def send_answer(answer: Answer, scope: Scope, send: Send) -> None:
    """Send the answer, in one call where the server offers that, otherwise as ASGI messages."""
    if not written_at_once(answer, scope):
        await send_messages(answer, send)


async def send_messages(answer: Answer, send: Send) -> None:
    """Send the answer as ASGI messages, which can wait."""
    status, headers, body, trailers = answer
    start = {"type": "http.response.start", "status": status, "headers": headers}
    if trailers is None:
        await send(start)
        await send({"type": "http.response.body", "body": body})
    else:
        await send({**start, "trailers": True})
        await send({"type": "http.response.body", "body": body})
        await send({"type": "http.response.trailers", "headers": trailers})
