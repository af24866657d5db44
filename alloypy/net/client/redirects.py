"""Following redirects by the rules of Go's client, except for what another server gets to see.

Source: docs/spec/PYROSCOPE.md, section 5.1, docs/compatibility.md.
"""

from __future__ import annotations

from urllib.parse import urljoin

from alloypy.lang.go.text import quote
from alloypy.lang.go.url import parse_url, redact_url
from alloypy.net.client.auth import basic
from alloypy.net.client.messages import Origin, Request, Response, SendError, origin_of, target_of

MOST = 10
_AS_GET = (301, 302, 303)
_AS_IS = (307, 308)
_FOR_ALL = frozenset(
    (
        "Accept",
        "Accept-Encoding",
        "Connect-Protocol-Version",
        "Connect-Timeout-Ms",
        "Content-Encoding",
        "Content-Language",
        "Content-Location",
        "Content-Type",
        "Traceparent",
        "Tracestate",
        "Uber-Trace-Id",
        "User-Agent",
        "X-Prometheus-Refresh-Interval-Seconds",
    )
)
"""The headers that another server gets: those it needs to read the request. Others may be credentials."""

_OF_BODY = frozenset(("Content-Type", "Content-Encoding", "Content-Language", "Content-Location"))


class RedirectChain:
    """The redirects of one request.

    left: whether they have led to another scheme, host or port than the request's; stays true even if they
    lead back. kept_back: whether headers were left out because of that.
    """

    def __init__(self, request: Request) -> None:
        self.left = False
        self.kept_back = False
        self._home = _server(request.origin)
        self._steps = 0

    def next_request(self, request: Request, response: Response, timeout: float) -> Request | None:
        """The request that a reply redirects to, or None if the reply is the last. Raises SendError."""
        location = response.header("location")
        if not location or response.status not in _AS_GET + _AS_IS:
            return None
        self._steps += 1
        if self._steps >= MOST:
            stopped = SendError(f"stopped after {MOST} redirects")
            stopped.at = location
            raise stopped
        here = f"{request.origin.scheme}://{request.origin.authority}{request.target}"
        try:
            parse_url(location)  # whose error says more than that of `urljoin`
            url = parse_url(urljoin(here, location))
            origin = origin_of(url)
        except ValueError as reason:
            shown = quote(redact_url(location))
            raise SendError(f"failed to parse Location header {shown}: {reason}") from None
        except SendError as error:
            error.at = redact_url(location)
            raise
        self.left = self.left or _server(origin) != self._home
        headers = [pair for pair in request.headers if pair[0] != "Referer"]
        if self.left:
            headers = self._for_others(headers)
        method, chunks = request.method, request.chunks
        if response.status in _AS_GET:
            if method not in ("GET", "HEAD"):
                method = "GET"
            chunks = ()
            headers = [pair for pair in headers if pair[0] not in _OF_BODY]
        if not (request.origin.scheme == "https" and origin.scheme == "http"):
            # The query is left out, too: it may contain a token.
            referer = here if _server(origin) == _server(request.origin) else here.partition("?")[0]
            headers.append(("Referer", referer))
        if url.user is not None and not any(name == "Authorization" for name, _ in headers):
            headers.append(("Authorization", basic(url.user, url.password or "")))
        return Request(method, origin, target_of(url), headers, chunks, timeout, taker=request.taker)

    def _for_others(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        public = [pair for pair in headers if pair[0] in _FOR_ALL]
        self.kept_back = self.kept_back or len(public) < len(headers)
        return public


def _server(origin: Origin) -> tuple[str, str, int]:
    return origin.scheme, origin.host.lower(), origin.port
