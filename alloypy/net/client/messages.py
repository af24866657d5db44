"""The sending interface: a request with body chunks in, a response out.

Three senders implement it: `pool` (our own, HTTP/1.1, used for profiles), `over_httpx` (proxies, and whatever
else our own does not do), and `client`, which adds credentials, proxies and redirects to them.
Source: docs/spec/PYROSCOPE.md, section 5.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol, TypeAlias, overload

from alloypy.lang.go.text import quote
from alloypy.lang.go.url import URL, parse_url
from alloypy.profiles.model import Buffer

Headers: TypeAlias = Sequence[tuple[str, str]]

READ_LIMIT_BYTES: Final = 65536
MAX_HEAD_BYTES: Final = 100 * 1024
"""The most bytes of a reply's status line and headers; a reply with more is refused."""

MAX_IDLE: Final = 1000
"""How many idle connections to one server are kept open."""
IDLE_SECONDS: Final = 300.0
HANDSHAKE_SECONDS: Final = 10.0

_PORTS: Final = {"http": 80, "https": 443}
_METHODS_WITH_BODY: Final = ("POST", "PUT", "PATCH")


class WrittenHeaders(Sequence[tuple[str, str]]):
    """Headers whose text on the wire is known; most are never looked at one by one.

    text: `Name: value` lines, each with its line end. Made by `written`.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    @overload
    def __getitem__(self, index: int) -> tuple[str, str]: ...

    @overload
    def __getitem__(self, index: slice) -> list[tuple[str, str]]: ...

    def __getitem__(self, index: int | slice) -> tuple[str, str] | list[tuple[str, str]]:
        return self._pairs()[index]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs())

    def __len__(self) -> int:
        return self.text.count("\n")

    def _pairs(self) -> list[tuple[str, str]]:
        found = []
        for line in self.text.split("\r\n")[:-1]:
            name, _, value = line.partition(": ")
            found.append((name, value))
        return found


class Origin(NamedTuple):
    """The server to connect to. authority: the Host header, with host and port as in the URL."""

    scheme: str
    host: str
    port: int
    authority: str


class Taker(Protocol):
    """Takes the body of a reply with status 200 as it arrives. Only over httpx.

    idle_seconds: how long to wait for the next bytes of the body.
    """

    @property
    def idle_seconds(self) -> float: ...

    def begin(self) -> None:
        """The reply has status 200, and its body follows."""
        ...

    async def take(self, part: bytes) -> None:
        """The next bytes. What it raises ends the exchange, and is raised by the client."""
        ...


class Request:
    """One HTTP request. The body is `chunks`, sent one after the other and never joined.

    target: path and query, encoded.
    headers: in wire order; Host and Content-Length are added by the sender.
    timeout: seconds for the whole exchange; with a taker, until its body begins.
    host: the Host header if it is not the origin's.
    taker: takes the body of a reply with status 200 instead of the response.
    """

    __slots__ = ("chunks", "headers", "host", "method", "origin", "taker", "target", "timeout")

    def __init__(
        self,
        method: str,
        origin: Origin,
        target: str,
        headers: Headers,
        chunks: Sequence[Buffer],
        timeout: float,
        host: str = "",
        taker: Taker | None = None,
    ) -> None:
        self.method = method
        self.origin = origin
        self.target = target
        self.headers = headers
        self.chunks = chunks
        self.timeout = timeout
        self.host = host
        self.taker = taker

    def within(self, seconds: float) -> Request:
        """The same request with another timeout."""
        return self.with_headers(self.headers, seconds)

    def with_headers(self, headers: Headers, timeout: float) -> Request:
        """The same request with other headers and another timeout."""
        return Request(
            self.method, self.origin, self.target, headers, self.chunks, timeout, self.host, self.taker
        )


class Response:
    """A reply: headers in order, with lower-case names; of the body, as much as was asked for.

    broken: why the body ended early, in Go's words, or "".
    """

    __slots__ = ("body", "broken", "headers", "reason", "status")

    def __init__(self, status: int, reason: str, headers: Headers, body: bytes, broken: str = "") -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
        self.broken = broken

    def without_body(self) -> Response:
        """The same reply, without its body."""
        return Response(self.status, self.reason, self.headers, b"", self.broken)

    def header(self, name: str) -> str:
        """The first value of a header, by its lower-case name, or ""."""
        for key, value in self.headers:
            if key == name:
                return value
        return ""


class SendError(Exception):
    """No response was received; the text is Go's and shows no credentials.

    at: the URL that failed if it is not the request's, because redirects led to it; else "".

    SendError
    +- SendTimeout   the time ran out: `context deadline exceeded`
    +- NotSent       the request cannot be sent at all: its URL or a header is wrong, a secret cannot be read
    +- NoHTTP1       the server does not seem to speak HTTP/1.1
    +- Dropped       the connection ended before a byte of the reply arrived: the usual race on a reused one
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.at = ""


class SendTimeout(SendError):
    """The exchange took longer than its timeout."""

    def __init__(self) -> None:
        super().__init__("context deadline exceeded")


class NotSent(SendError):
    """The request cannot be sent as it is."""


class NoHTTP1(SendError):
    """TLS did not agree on HTTP/1.1, and a request that was sent anyway got no valid answer."""


class Dropped(SendError):
    """The connection ended before a byte of the reply arrived."""


Told: TypeAlias = Callable[[Response | SendError], None]
"""Called once with the outcome of a request, from the event loop; must not raise."""


class Exchange(Protocol):
    """A request in flight."""

    __slots__ = ()

    def abort(self) -> None:
        """End it: what waits for the reply immediately gets Dropped."""
        ...


class Sender(Protocol):
    """Sends requests to one kind of destination (one set of TLS, proxy and redirect settings)."""

    __slots__ = ()

    async def send(self, request: Request, read_limit: int = READ_LIMIT_BYTES) -> Response:
        """Send, and read at most `read_limit` bytes of the reply's body. Raises SendError."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


def origin_of(url: URL) -> Origin:
    """The server that a URL connects to. An empty host before a port means localhost. Raises NotSent."""
    if url.scheme not in _PORTS:
        raise NotSent(f"unsupported protocol scheme {quote(url.scheme)}")
    if not url.host:
        raise NotSent("http: no Host in request URL")
    host, port = url.hostname or "localhost", url.port
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            raise NotSent(f"invalid URL host {quote(host)}") from None
    if port and int(port) > 65535:
        raise NotSent(f"dial tcp: address {port}: invalid port")
    shown = f"[{host}]" if ":" in host else host
    return Origin(url.scheme, host, int(port or _PORTS[url.scheme]), f"{shown}:{port}" if port else shown)


def parsed(text: str) -> URL:
    """The parsed URL. Raises NotSent with Go's reason, which shows no credentials."""
    try:
        return parse_url(text)
    except ValueError as reason:
        raise NotSent(str(reason)) from None


def target_of(url: URL) -> str:
    """Path and query of a URL, as they appear on the request line."""
    path = url.escaped_path or "/"
    return f"{path}?{url.query}" if url.query else path


def headers_of(request: Request, *, body: bool = True) -> list[tuple[str, str]]:
    """All headers of a request, in the order Go writes them. body: False if its length is not known."""
    own = request.headers
    headers = [("Host", request.host or request.origin.authority)]
    if own and own[0][0] == "User-Agent":
        headers.append(own[0])
        own = own[1:]
    size = _content_length(request) if body else None
    if size is not None:
        headers.append(("Content-Length", str(size)))
    headers += own
    return headers


def head_of(request: Request) -> bytes:
    """The request line and headers of an HTTP/1.1 request.

    Raises NotSent for a header that would break the request.
    """
    headers, target, host = request.headers, request.target, request.host
    lines = headers.text if isinstance(headers, WrittenHeaders) else written(headers).text
    if _breaks(target) or (host and _breaks(host)):
        raise NotSent("net/http: invalid header field name")
    size = _content_length(request)
    length = "" if size is None else f"Content-Length: {size}\r\n"
    at = lines.index("\n") + 1 if lines.startswith("User-Agent: ") else 0
    text = (
        f"{request.method} {target} HTTP/1.1\r\nHost: {host or request.origin.authority}\r\n"
        f"{lines[:at]}{length}{lines[at:]}\r\n"
    )
    return text.encode(errors="surrogateescape")


def _content_length(request: Request) -> int | None:
    """The body's length in bytes; None for a request that mentions no body."""
    size = 0
    for chunk in request.chunks:
        size += len(chunk)
    return size if size or request.method in _METHODS_WITH_BODY else None


def written(headers: Headers) -> WrittenHeaders:
    """Headers as they are sent. Raises NotSent for one that would break the request."""
    if isinstance(headers, WrittenHeaders):
        return headers
    return WrittenHeaders("".join([line(name, value) for name, value in headers]))


def line(name: str, value: str) -> str:
    """A header with its line end, as it is sent. Raises NotSent if it would break the request."""
    if _breaks(value):
        raise NotSent(invalid_value(name))
    if _breaks(name):
        raise NotSent("net/http: invalid header field name")
    return f"{name}: {value}\r\n"


def _breaks(text: str) -> bool:
    return "\n" in text or "\r" in text or "\0" in text


def in_wire_order(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """User-Agent first, the others by name, as Go sends them; values of the same name keep their order."""
    return sorted(headers, key=_order)


def inserted(headers: Headers, name: str, value: str) -> list[tuple[str, str]]:
    """Headers in wire order with one more, in its proper place."""
    ordered = list(headers)
    insort(ordered, (name, value), key=_order)
    return ordered


def _order(header: tuple[str, str]) -> str:
    return "" if header[0] == "User-Agent" else header[0]


def invalid_name(name: str) -> str:
    """Go's text for a header whose name is none."""
    return f"net/http: invalid header field name {quote(name)}"


def invalid_value(name: str) -> str:
    """Go's text for a header whose value cannot be sent."""
    return f"net/http: invalid header field value for {quote(name)}"
