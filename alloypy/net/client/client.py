"""An HTTP client as a configuration describes it: credentials, TLS, proxies, redirects.

It sends with our own transport where it can, and with httpx through proxies and to upstreams that speak only
HTTP/2. A client that sends seldom (see `cold`) uses httpx for everything.
Source: docs/spec/PYROSCOPE.md, sections 4, 5.1.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterable, Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, TypeGuard

from alloypy.lang.go.headers import canonical_name
from alloypy.net.client.auth import (
    Authorization,
    BasicAuth,
    Credentials,
    OAuth2,
    authorization_credentials,
    basic_credentials,
)
from alloypy.net.client.dials import Dials, dials_of
from alloypy.net.client.messages import (
    READ_LIMIT_BYTES,
    Dropped,
    Exchange,
    Headers,
    NoHTTP1,
    Origin,
    Request,
    Response,
    Sender,
    SendError,
    SendTimeout,
    Told,
    in_wire_order,
)
from alloypy.net.client.proxy import NO_PROXY, Proxies, ProxyRoute, ProxySettings
from alloypy.net.client.redirects import RedirectChain
from alloypy.net.client.tls import DEFAULT_TLS, TLS, TLSSettings
from alloypy.preloading import PRELOADING

if TYPE_CHECKING:
    from alloypy.net.client.http2 import OnlyHTTP2
    from alloypy.net.client.over_httpx import HttpxSender
    from alloypy.net.client.pool import Transport

logger = logging.getLogger("alloypy.client")

FOR_HTTPX: Final = (
    "alloypy.net.client.over_httpx",
    "alloypy.net.client.socks",
    "anyio._backends._asyncio",
    "h2.connection",
)
"""The modules that sending with httpx imports, some of them only for a proxy or for HTTP/2."""


class ClientSettings(NamedTuple):
    """How requests are made; with at most one of the three kinds of credentials.

    http_headers: added to every request, after its own headers of the same name.
    http2: whether HTTP/2 may be spoken over TLS.
    """

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    oauth2: OAuth2 | None = None
    tls: TLSSettings = DEFAULT_TLS
    proxy: ProxySettings = NO_PROXY
    follow_redirects: bool = True
    http_headers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    http2: bool = True


class Client:
    """Sends requests according to `settings`; opens nothing before the first.

    environ: the environment in which proxies are looked up.
    user_agent: sent with requests for tokens.
    own_transport: whether direct requests use our own transport; if not, everything goes over httpx.
    socket_path: a Unix socket to send everything to instead of the URL's host, or "". Only over httpx.
    name: whose connections these are in the metrics; None if they are not counted. Over httpx they never are.
    """

    def __init__(
        self,
        settings: ClientSettings,
        *,
        environ: Mapping[str, str],
        user_agent: str,
        clock: Callable[[], float] = time.monotonic,
        own_transport: bool = True,
        socket_path: str = "",
        name: str | None = None,
    ) -> None:
        self._settings = settings
        self._own_transport = own_transport
        self._dials = dials_of(name) if name is not None else None
        self._route = _Senders(
            settings.tls,
            settings.proxy,
            environ,
            http2=settings.http2,
            own_transport=own_transport,
            socket_path=socket_path,
            dials=self._dials,
        )
        self._tokens: _Senders | None = None
        self._credentials = self._make_credentials(environ, user_agent, clock)
        self._warned = False
        self._changing = (
            self._credentials if self._credentials is not None and self._credentials.fixed is None else None
        )

    def _make_credentials(
        self, environ: Mapping[str, str], user_agent: str, clock: Callable[[], float]
    ) -> Credentials | None:
        settings = self._settings
        if settings.basic_auth is not None:
            return basic_credentials(settings.basic_auth)
        if settings.authorization is not None:
            return authorization_credentials(settings.authorization)
        given = settings.oauth2
        if given is None:
            return None
        from alloypy.net.client.oauth2 import TokenSource

        self._tokens = _Senders(
            given.tls,
            given.proxy,
            environ,
            http2=settings.http2,
            own_transport=self._own_transport,
            dials=self._dials,
        )
        return TokenSource(given, _Forwarding(self._tokens), user_agent, clock)

    async def check(self) -> None:
        """Read the files that the TLS settings name. Raises NotSent for settings that cannot be used."""
        await self._route.check()
        if self._tokens is not None:
            await self._tokens.check()

    @property
    def problems(self) -> list[str]:
        """Why earlier contents of files are still in use."""
        senders = (self._route, self._tokens)
        found = [problem for each in senders if each is not None for problem in each.problems]
        if self._credentials is not None and self._credentials.problem:
            found.append(self._credentials.problem)
        return list(dict.fromkeys(found))

    def expect(self, url: str) -> None:
        """Announce where requests will go, so that the modules they may need are loaded beforehand."""
        self._route.expect(url)

    def headers(self, own: Headers) -> list[tuple[str, str]]:
        """All headers that are the same for every request, in wire order.

        own: the caller's, with canonical names. `send` expects the result, possibly with more inserted.
        """
        headers = [*own]
        for name, values in self._settings.http_headers:
            headers += [(canonical_name(name), value) for value in values]
        given = next((value for name, value in headers if name == "Authorization"), "")
        if self._credentials is not None and self._credentials.fixed is not None and not given:
            headers = [pair for pair in headers if pair[0] != "Authorization"]
            headers.append(("Authorization", self._credentials.fixed))
        return in_wire_order(headers)

    async def send(self, request: Request, read_limit: int = READ_LIMIT_BYTES) -> Response:
        """Send a request whose headers came from `headers`. Raises SendError."""
        deadline = time.monotonic() + request.timeout
        if self._changing is not None:
            request = await self._changing.apply(request)
        try:
            response: Response | NoHTTP1 = await self._route.to(request).send(request, read_limit)
        except NoHTTP1 as error:
            response = error
        if isinstance(response, NoHTTP1):
            response = await self._route.retry(request, response, read_limit, deadline)
        if 300 < response.status < 309 and self._settings.follow_redirects:
            return await self._follow(request, response, read_limit, deadline)
        return response

    def begin(self, request: Request, told: Told) -> Exchange | None:
        """Like `send`, if there is nothing to wait for except the reply.

        Returns None if a connection, credentials or a proxy would have to be waited for: then use `send`.
        told: called with the outcome, never before this returns. If that is not `final`, call `finish`.
        Raises SendError.
        """
        own = self._route.at_hand
        if own is None or self._changing is not None:
            return None
        return own.begin(request, READ_LIMIT_BYTES, told)

    def final(self, outcome: Response | SendError) -> TypeGuard[Response]:
        """Whether the outcome of `begin` is the reply that `send` would return."""
        return isinstance(outcome, Response) and not (
            300 < outcome.status < 309 and self._settings.follow_redirects
        )

    async def finish(self, request: Request, outcome: Response | SendError) -> Response:
        """Continue after `begin`: over another connection, or where a redirect leads. Raises SendError.

        request: the one passed to `begin`, with what is left of its timeout.
        """
        deadline = time.monotonic() + request.timeout
        if isinstance(outcome, Dropped):
            outcome = await self._route.replay(request, deadline)
        if isinstance(outcome, SendError):
            raise outcome
        if self.final(outcome):
            return outcome
        return await self._follow(request, outcome, READ_LIMIT_BYTES, deadline)

    async def stream(self, request: Request, body: AsyncIterable[bytes]) -> Response:
        """Send a body of unknown length instead of the request's chunks; redirects are not followed.

        Raises SendError, and what `body` raises.
        """
        if self._changing is not None:
            request = await self._changing.apply(request)
        return await self._route.streaming(request).stream(request, body)

    async def aclose(self) -> None:
        """Close every connection; requests in flight fail, later ones open new connections."""
        await self._route.aclose()
        if self._credentials is not None:
            await self._credentials.aclose()

    async def _follow(
        self, request: Request, response: Response, read_limit: int, deadline: float
    ) -> Response:
        chain = RedirectChain(request)
        while True:
            following = chain.next_request(request, response, _left(deadline))
            if following is None:
                return response
            if chain.kept_back and not self._warned:
                self._warn(request.origin, following.origin)
            request = following.with_headers(in_wire_order(following.headers), following.timeout)
            try:
                response = await self._route.send(request, read_limit)
            except SendError as error:
                error.at = f"{request.origin.scheme}://{request.origin.authority}{request.target}"
                raise

    def _warn(self, here: Origin, there: Origin) -> None:
        """Warn, once: the other server may refuse the request, because some headers are left out."""
        self._warned = True
        fields = {name: f"{each.scheme}://{each.authority}" for name, each in (("from", here), ("to", there))}
        logger.warning(
            "a redirect leads to another server, which gets neither the credentials nor the headers of the "
            "configuration; to send them there, configure that server's URL",
            extra={"fields": fields},
        )


class _Senders:
    """The senders of one client: one for direct requests, one for each proxy, one for HTTP/2."""

    def __init__(
        self,
        tls: TLSSettings,
        proxy: ProxySettings,
        environ: Mapping[str, str],
        *,
        http2: bool,
        own_transport: bool,
        socket_path: str = "",
        dials: Dials | None = None,
    ) -> None:
        self._dials = dials
        self._own_transport = own_transport
        self._socket_path = socket_path
        self._settings = tls
        self._tls = TLS(tls)
        self._proxies = Proxies(proxy, environ)
        self._http2 = http2
        self._only_http2: set[Origin] = set()
        self._upstreams: OnlyHTTP2 | None = None
        # False if every request goes over our own transport.
        self._detours = self._proxies.any or not own_transport
        self._direct: Transport | None = None  # made for the first request that goes directly
        self._over_httpx: dict[str, HttpxSender] = {}

    async def check(self) -> None:
        await self._tls.check()

    @property
    def problems(self) -> list[str]:
        found = [self._tls.problem, *(each.problem for each in self._over_httpx.values())]
        return [problem for problem in found if problem]

    @property
    def at_hand(self) -> Transport | None:
        """The direct sender if there is one, and every request goes directly."""
        return None if self._detours else self._direct

    def expect(self, url: str) -> None:
        from alloypy.net.client.http2 import installed

        if self._detours or (self._http2 and url.startswith("https:") and installed()):
            PRELOADING.want(*FOR_HTTPX)

    def to(self, request: Request) -> Sender:
        if self._detours:
            route = self._proxies.route(request.origin)
            if route is not None or not self._own_transport or request.origin in self._only_http2:
                return self._by_httpx(route)
        if self._direct is None:
            from alloypy.net.client.pool import Transport

            self._direct = Transport(self._tls, self._dials)
        return self._direct

    async def send(self, request: Request, read_limit: int) -> Response:
        """Send over the right sender; `Client.send` does this itself, to save a step for each profile."""
        deadline = time.monotonic() + request.timeout
        try:
            return await self.to(request).send(request, read_limit)
        except NoHTTP1 as error:
            refusal = error
        return await self.retry(request, refusal, read_limit, deadline)

    async def replay(self, request: Request, deadline: float) -> Response:
        if self._direct is None:
            return await self.send(request, READ_LIMIT_BYTES)
        try:
            return await self._direct.send(request, afresh=True)
        except NoHTTP1 as error:
            refusal = error
        return await self.retry(request, refusal, READ_LIMIT_BYTES, deadline)

    def streaming(self, request: Request) -> HttpxSender:
        return self._by_httpx(self._proxies.route(request.origin))

    async def retry(self, request: Request, error: NoHTTP1, read_limit: int, deadline: float) -> Response:
        """Send over HTTP/2 a request that got no answer over HTTP/1.1, if the upstream speaks HTTP/2.

        Raises SendError: `error` if it does not.
        """
        from alloypy.net.client.http2 import MISSING, OnlyHTTP2, installed

        if not self._http2 or not self._own_transport or self._proxies.route(request.origin) is not None:
            raise error  # httpx has offered HTTP/2 already
        if self._upstreams is None:
            self._upstreams = OnlyHTTP2(lambda: TLS(self._settings))
        try:
            found = await self._upstreams.learn(request.origin, _left(deadline))
        except TimeoutError:
            raise SendTimeout from None
        if not found:
            raise error
        if not installed():
            raise SendError(MISSING) from error
        self._only_http2.add(request.origin)
        self._detours = True
        return await self._by_httpx(None).send(request.within(_left(deadline)), read_limit)

    def _by_httpx(self, route: ProxyRoute | None) -> HttpxSender:
        from alloypy.net.client.over_httpx import HttpxSender

        key = "" if route is None else str(route.url)
        if key not in self._over_httpx:
            # Settings of its own: httpx changes the protocols that a context offers.
            self._over_httpx[key] = HttpxSender(
                TLS(self._settings), route, http2=self._http2, socket_path=self._socket_path
            )
        return self._over_httpx[key]

    async def aclose(self) -> None:
        direct, self._direct = self._direct, None
        if direct is not None:
            await direct.aclose()
        for sender in self._over_httpx.values():
            await sender.aclose()


class _Forwarding:
    """Sends to the token server, by the proxy that its URL requires."""

    def __init__(self, senders: _Senders) -> None:
        self._senders = senders

    async def send(self, request: Request, read_limit: int = READ_LIMIT_BYTES) -> Response:
        return await self._senders.send(request, read_limit)

    async def aclose(self) -> None:
        await self._senders.aclose()


def _left(deadline: float) -> float:
    return deadline - time.monotonic()
