"""SOCKS5 proxies, as Go's client speaks to them: httpx does the rest over the connections made here.

The proxy gets the host's name and looks it up. httpx's own support is not used: it needs another
package, rejects a reply that arrives in two pieces, and leaks sockets when it fails.
Source: docs/spec/PYROSCOPE.md, section 5.1; RFC 1928, RFC 1929.
"""

from __future__ import annotations

import ipaddress
import ssl
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import httpcore
import httpx

from alloypy.lang.go.url import URL
from alloypy.net.client.go_errors import broken_text, causing_error, dial_error
from alloypy.net.client.messages import Origin, SendError

if TYPE_CHECKING:
    from httpcore import SOCKET_OPTION

PORT = 1080

_VERSION = 5
_AUTHENTICATION_VERSION = 1
_NO_AUTHENTICATION = 0
_PASSWORD = 2
_NOTHING_ACCEPTABLE = 0xFF
_REPLIES = {
    1: "general SOCKS server failure",
    2: "connection not allowed by ruleset",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}


class SocksTransport(httpx.AsyncHTTPTransport):
    """httpx's transport, with connections through a SOCKS5 proxy."""

    def __init__(self, proxy: URL, context: ssl.SSLContext, limits: httpx.Limits, http2: bool) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            http2=http2,
            network_backend=_Backend(proxy),
        )


class _Backend(httpcore.AsyncNetworkBackend):
    """Opens connections through the proxy. Raises SendError, httpcore.ConnectTimeout."""

    def __init__(self, proxy: URL) -> None:
        self._proxy = _origin(proxy)
        self._login = None if proxy.user is None else _Login(proxy.user, proxy.password or "")
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- the interface is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        end = None if timeout is None else time.monotonic() + timeout
        proxy = self._proxy
        try:
            stream = await self._plain.connect_tcp(
                proxy.host, proxy.port, timeout, local_address, socket_options
            )
        except httpcore.ConnectError as error:
            raise SendError(
                f"proxyconnect tcp: {dial_error(proxy, causing_error(error) or error)}"
            ) from error
        try:
            await _Handshake(stream, end).reach(host, port, self._login)
        except BaseException as error:
            await stream.aclose()
            if isinstance(error, httpcore.TimeoutException):
                raise httpcore.ConnectTimeout from error
            if not isinstance(error, _SocksError | httpcore.NetworkError):
                raise
            reason = str(error) if isinstance(error, _SocksError) else broken_text(causing_error(error))
            way = f"{proxy.authority}->{_address(host, port)}"
            raise SendError(f"socks connect tcp {way}: {reason}") from None
        return stream

    async def sleep(self, seconds: float) -> None:
        await self._plain.sleep(seconds)


class _SocksError(Exception):
    """The proxy does not do what it is asked, or is not a SOCKS5 proxy."""


class _Login:
    """User and password, which never appear in a text."""

    def __init__(self, user: str, password: str) -> None:
        self._user = user.encode(errors="surrogateescape")
        self._password = password.encode(errors="surrogateescape")

    def request(self) -> bytes:
        if not 0 < len(self._user) < 256 or len(self._password) > 255:
            raise _SocksError("invalid username/password")
        user = bytes((_AUTHENTICATION_VERSION, len(self._user))) + self._user
        return user + bytes((len(self._password),)) + self._password


class _Handshake:
    """Talks to the proxy until the connection leads to the upstream. end: monotonic time, or None."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, end: float | None) -> None:
        self._stream = stream
        self._end = end

    async def reach(self, host: str, port: int, login: _Login | None) -> None:
        """Raises _SocksError, httpcore.NetworkError, httpcore.TimeoutException."""
        await self._agree(login)
        await self._write(bytes((_VERSION, 1, 0)) + _destination(host) + port.to_bytes(2, "big"))
        version, code, _, kind = await self._read(4)
        _check_version(version)
        if code:
            raise _SocksError(f"unknown error {_REPLIES.get(code, f'unknown code: {code}')}")
        if kind not in (1, 3, 4):
            raise _SocksError(f"unknown address type {kind}")
        size = (await self._read(1))[0] if kind == 3 else 4 * kind
        await self._read(size + 2)  # the proxy's own address is not needed

    async def _agree(self, login: _Login | None) -> None:
        offered = (_NO_AUTHENTICATION,) if login is None else (_NO_AUTHENTICATION, _PASSWORD)
        await self._write(bytes((_VERSION, len(offered), *offered)))
        version, chosen = await self._read(2)
        _check_version(version)
        if chosen == _NOTHING_ACCEPTABLE:
            raise _SocksError("no acceptable authentication methods")
        if chosen not in offered:
            raise _SocksError(f"unsupported authentication method {chosen}")
        if login is not None and chosen == _PASSWORD:
            await self._write(login.request())
            _, failed = await self._read(2)
            if failed:
                raise _SocksError("username/password authentication failed")

    async def _write(self, data: bytes) -> None:
        await self._stream.write(data, self._left())

    async def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = await self._stream.read(size - len(data), self._left())
            if not part:
                raise _SocksError("unexpected EOF" if data else "EOF")
            data += part
        return data

    def _left(self) -> float | None:
        return None if self._end is None else max(0.0, self._end - time.monotonic())


def _origin(proxy: URL) -> Origin:
    host, port = proxy.hostname or "localhost", int(proxy.port or PORT)
    return Origin(proxy.scheme, host, port, _address(host, port))


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _destination(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        if len(name) > 255:
            raise _SocksError("FQDN too long") from None
        return bytes((3, len(name))) + name
    if isinstance(address, ipaddress.IPv6Address):
        return b"\4" + address.packed if address.ipv4_mapped is None else b"\1" + address.ipv4_mapped.packed
    return b"\1" + address.packed


def _check_version(version: int) -> None:
    if version != _VERSION:
        raise _SocksError(f"unexpected protocol version {version}")
