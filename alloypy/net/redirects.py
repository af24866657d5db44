"""Following redirects by the rules of Go's client. Source: PYROSCOPE spec section 5.1."""

from __future__ import annotations

from urllib.parse import urljoin

from alloypy.lang.go_url import parse_url
from alloypy.net.auth import basic
from alloypy.net.sending import Request, Response, SendError, origin_of, target_of

MOST = 10
_AS_GET = (301, 302, 303)
_AS_IS = (307, 308)
_SENSITIVE = frozenset(
    ("Authorization", "Www-Authenticate", "Cookie", "Cookie2", "Proxy-Authorization", "Proxy-Authenticate")
)
_OF_BODY = frozenset(("Content-Type", "Content-Encoding", "Content-Language", "Content-Location"))


class Trail:
    """The redirects of one request; `left` tells whether they have led away from its host."""

    def __init__(self, request: Request) -> None:
        self.left = False
        self._home = request.origin.host.lower()
        self._steps = 0

    def next_request(self, request: Request, response: Response, timeout: float) -> Request | None:
        """The request a reply redirects to, or None when the reply is the last. Raises SendError."""
        location = response.header("location")
        if not location or response.status not in _AS_GET + _AS_IS:
            return None
        self._steps += 1
        if self._steps >= MOST:
            raise SendError(f"stopped after {MOST} redirects")
        here = f"{request.origin.scheme}://{request.origin.authority}{request.target}"
        try:
            url = parse_url(urljoin(here, location))
            origin = origin_of(url)
        except (ValueError, SendError):
            raise SendError("failed to parse Location header") from None
        self.left = self.left or not _same_domain(origin.host.lower(), self._home)
        unwanted: frozenset[str] = _SENSITIVE if self.left else frozenset()
        method, chunks = request.method, request.chunks
        if response.status in _AS_GET:
            if method not in ("GET", "HEAD"):
                method = "GET"
            chunks = ()
            unwanted |= _OF_BODY
        headers = [pair for pair in request.headers if pair[0] not in unwanted and pair[0] != "Referer"]
        if not (request.origin.scheme == "https" and origin.scheme == "http"):
            headers.append(("Referer", here))
        if url.user is not None and not any(name == "Authorization" for name, _ in headers):
            headers.append(("Authorization", basic(url.user, url.password or "")))
        return Request(method, origin, target_of(url), headers, chunks, timeout)


def _same_domain(host: str, home: str) -> bool:
    if host == home:
        return True
    return ":" not in host and host.endswith(f".{home}")
