"""The HTTP client for what happens seldom: discovery, remote content, the APIs of Docker and Kubernetes.

Everything goes over httpx, which costs milliseconds where our own transport costs microseconds, but speaks
HTTP/2 and reaches Unix sockets. Credentials, TLS files, proxies and redirects are those of `Client`; answers
are limited in size, and errors are worded as Go's.
Source: docs/spec/PYROSCOPE.md, sections 4, 5.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType

from alloypy.lang.go.headers import canonical_name, is_header_name
from alloypy.lang.go.text import quote
from alloypy.lang.go.url import URL, parse_url, redact_url
from alloypy.lang.secrecy import HIDDEN_PART
from alloypy.net.client.auth import basic
from alloypy.net.client.client import FOR_HTTPX, Client, ClientSettings
from alloypy.net.client.messages import (
    NotSent,
    Request,
    Response,
    SendError,
    SendTimeout,
    Taker,
    invalid_name,
    invalid_value,
    origin_of,
    target_of,
)

MOST_BYTES = 10 << 20
"""The largest answer that is accepted unless the caller says otherwise."""

LATER = FOR_HTTPX
"""What a component that uses this client imports later; for `Registration.later`."""

_NEVER_SENT = frozenset(("Host", "Content-Length", "Transfer-Encoding", "Trailer"))
"""The headers that Go's client leaves out of what it is given, because it writes its own."""


class ColdError(Exception):
    """No usable answer; the text is Go's and shows no password: `Get "http://h/": EOF`.

    ColdError
    +- Unsendable     the URL or a header is wrong: nothing has been sent
    +- BrokenAnswer   an answer began, but its body ended early or is too large
    """


class Unsendable(ColdError):
    """The request can never be sent: `Get "ftp://h/": unsupported protocol scheme "ftp"`."""


class BrokenAnswer(ColdError):
    """The body did not arrive: `unexpected EOF`. answer: what did, with the status and the headers."""

    def __init__(self, text: str, answer: Response) -> None:
        super().__init__(text)
        self.answer = answer


class ColdClient:
    """Sends requests according to `settings`; an async context manager that closes its connections.

    environ: the environment in which proxies are looked up.
    user_agent: sent with every request.
    socket_path: a Unix socket to send everything to, whatever host the URL names; "" for none.
    names_timeout: whether the error for a timeout names the client's, as where Go's client has it
        (discovery); otherwise it is that of a context (remote.http).
    """

    def __init__(
        self,
        settings: ClientSettings,
        *,
        environ: Mapping[str, str],
        user_agent: str,
        socket_path: str = "",
        names_timeout: bool = True,
    ) -> None:
        self._client = Client(
            settings, environ=environ, user_agent=user_agent, own_transport=False, socket_path=socket_path
        )
        self._user_agent = user_agent
        self._names_timeout = names_timeout

    async def __aenter__(self) -> ColdClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def check(self) -> None:
        """Read the files that the TLS settings name. Raises ColdError for settings that cannot be used."""
        try:
            await self._client.check()
        except SendError as error:
            raise ColdError(str(error)) from None

    @property
    def problems(self) -> list[str]:
        """Why earlier contents of files are still in use."""
        return self._client.problems

    async def get(
        self,
        url: str | URL,
        headers: Sequence[tuple[str, str]] = (),
        *,
        timeout: float,  # noqa: ASYNC109 -- as in Request
        most_bytes: int = MOST_BYTES,
    ) -> Response:
        """The answer to GET, whatever its status; `timeout` is in seconds, for the whole exchange.

        headers: besides those of the configuration; they may include a User-Agent. Raises ColdError.
        """
        return await self.send("GET", url, headers, timeout=timeout, most_bytes=most_bytes)

    async def send(
        self,
        method: str,
        url: str | URL,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        timeout: float,  # noqa: ASYNC109 -- as in Request
        most_bytes: int = MOST_BYTES,
    ) -> Response:
        """Like `get`, with any method, and with a body unless it is empty. Raises ColdError."""
        return await self._exchange(method, url, headers, body, timeout, most_bytes)

    async def stream(
        self,
        url: str | URL,
        headers: Sequence[tuple[str, str]] = (),
        *,
        timeout: float,  # noqa: ASYNC109 -- as in Request
        taker: Taker,
    ) -> Response:
        """Like `get`, but `taker` gets the body of an answer with status 200 as it arrives, of any size.

        timeout: seconds until the body begins. Raises ColdError, and what the taker raises.
        """
        return await self._exchange("GET", url, headers, b"", timeout, MOST_BYTES, taker)

    async def _exchange(
        self,
        method: str,
        url: str | URL,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        seconds: float,
        most_bytes: int,
        taker: Taker | None = None,
    ) -> Response:
        try:
            parsed = parse_url(url) if isinstance(url, str) else url
        except ValueError as reason:
            raise Unsendable(str(reason)) from None
        operation = f"{method[:1]}{method[1:].lower()}"
        try:
            request = self._request(method, parsed, headers, body, seconds, taker)
        except NotSent as error:
            raise Unsendable(f"{operation} {quote(_shown(parsed))}: {error}") from None
        try:
            answer = await self._client.send(request, most_bytes + 1)
        except SendError as error:
            text = self._awaiting(error)
            shown = redact_url(error.at) if error.at else _shown(parsed)
            raise ColdError(f"{operation} {quote(shown)}: {text}") from None
        if answer.broken:
            raise BrokenAnswer(self._reading(answer.broken), answer)
        if len(answer.body) > most_bytes:
            raise BrokenAnswer(f"the answer is larger than {most_bytes} bytes", answer.without_body())
        return answer

    def _request(
        self,
        method: str,
        url: URL,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        seconds: float,
        taker: Taker | None,
    ) -> Request:
        """Raises NotSent."""
        own = [(canonical_name(name), value) for name, value in headers]
        own = [pair for pair in own if pair[0] not in _NEVER_SENT]
        for name, value in own:
            _check_header(name, value)
        names = {name for name, _ in own}
        if "User-Agent" not in names:
            own.append(("User-Agent", self._user_agent))
        own = [pair for pair in own if pair != ("User-Agent", "")]  # which means none
        if url.user is not None and "Authorization" not in names:
            own.append(("Authorization", basic(url.user, url.password or "")))
        chunks = (body,) if body else ()
        return Request(
            method, origin_of(url), target_of(url), self._client.headers(own), chunks, seconds, taker=taker
        )

    def _awaiting(self, error: SendError) -> str:
        if self._names_timeout and isinstance(error, SendTimeout):
            return f"{error} (Client.Timeout exceeded while awaiting headers)"
        return str(error)

    def _reading(self, broken: str) -> str:
        if self._names_timeout and broken == str(SendTimeout()):
            return f"{broken} (Client.Timeout or context cancellation while reading body)"
        return broken


def _shown(url: URL) -> str:
    """The URL as Go's client shows it in errors, `http://user:***@host/`, but without values of its query."""
    text = url.redacted()
    return text if url.password is None else text.replace(f":{HIDDEN_PART}@", ":***@", 1)


def _check_header(name: str, value: str) -> None:
    """Raises NotSent for a header that Go's client refuses."""
    if not is_header_name(name):
        raise NotSent(invalid_name(name))
    if any((char < " " and char != "\t") or char == "\x7f" for char in value):
        raise NotSent(invalid_value(name))
