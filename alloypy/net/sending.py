"""The sending interface: a request with body chunks in, a response out.

Two implementations stand behind it: httpx, and later an own pooled HTTP/1.1 transport.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from alloypy.profiles.model import Buffer


class Request(NamedTuple):
    """One HTTP request. The body is `chunks`, sent one after the other and never joined.

    headers: in wire order; Host and Content-Length are added by the sender.
    timeout: seconds for the whole exchange.
    """

    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    chunks: Sequence[Buffer]
    timeout: float


class Response(NamedTuple):
    """Status, headers (lower-case names, in order) and as much of the body as was asked for."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


class SendError(Exception):
    """No response was had.

    SendError
    +- SendTimeout   the time ran out; the text is Go's `context deadline exceeded`
    """


class SendTimeout(SendError):
    """The exchange took longer than its timeout."""


class Sender(Protocol):
    """Sends requests to one kind of destination (one set of TLS, proxy and redirect settings)."""

    async def send(self, request: Request, read_limit: int = 65536) -> Response:
        """Send and read at most `read_limit` bytes of the reply's body. Raises SendError."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...
