"""The admin HTTP server: its socket, its access rules, and TLS; rules and TLS can change while it serves.

Source: docs/spec/RUNTIME.md, sections 4 and 5.3 (the `http` block).
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import logging
import socket
import ssl
from typing import TYPE_CHECKING, NamedTuple

from alloypy.net import descriptors
from alloypy.net.server.config import Timeouts
from alloypy.os_errors import open_fault
from alloypy.partial_import import parts_of
from alloypy.runtime.blocks.http import AuthArguments, HTTPArguments, TLSArguments
from alloypy.runtime.contract.component import BuildError
from alloypy.runtime.contract.options import ServiceError
from alloypy.runtime.running.sockets import listen, resolve
from alloypy.services.admin.messages import ASGI, Receive, Scope, Send
from alloypy.threads import read_file

if TYPE_CHECKING:
    from alloypy.net.server.tls import ServerTLS, ServerTLSSettings
    from alloypy.services.admin.uvicorn_server import AdminUvicorn

_STOP_GRACE = 1.0
# A reload or a support bundle may take long; limited is only how long a client may make us wait.
_TIMEOUTS = Timeouts(read=30.0, write=0, idle=120.0, stall=30.0)
_ALPN = ["http/1.1"]
_CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}

_UNUSED = ("configparser", "logging.config")  # for uvicorn's own way to configure the log
_SERVICE = {"service": "http"}

logger = logging.getLogger("alloypy.http")


class ListenError(Exception):
    """The admin server cannot listen."""


class Listener(NamedTuple):
    """The bound sockets of the admin server. address: the actual `host:port`."""

    sockets: list[socket.socket]
    address: str
    loopback: bool


async def bind(address: str) -> Listener:
    """Listen on `host:port`. Raises ListenError."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit():
        raise ListenError(f'failed to listen on "{address}": the address is not of the form host:port')
    try:
        resolved = await resolve(host.strip("[]"), int(port))
        sockets = listen(resolved)
    except BuildError as error:
        raise ListenError(f"failed to listen on {address}: {error}") from None
    bound = sockets[0].getsockname()[1]
    return Listener(sockets, f"{host}:{bound}", _is_loopback(resolved.ip))


def _is_loopback(ip: str) -> bool:
    return bool(ip) and ipaddress.ip_address(ip).is_loopback


class Policy:
    """Who may use the server, as the `auth` block says.

    It fails closed: a filter that names no path protects every path.
    """

    def __init__(self, auth: AuthArguments | None) -> None:
        self._credentials: bytes | None = None
        self._paths: tuple[str, ...] = ()
        self._protects_listed = False
        if auth is None or auth.basic is None:
            return
        self._credentials = _digest(auth.basic.username, auth.basic.password.reveal())
        if auth.filter is not None and auth.filter.paths:
            self._paths = auth.filter.paths
            self._protects_listed = auth.filter.authenticate_matching_paths

    @property
    def active(self) -> bool:
        """Whether anything is protected."""
        return self._credentials is not None

    def protects(self, path: str) -> bool:
        """Whether a path asks for credentials."""
        return self._credentials is not None and path.startswith(self._paths or ()) == self._protects_listed

    def admits(self, path: str, headers: list[tuple[bytes, bytes]]) -> bool:
        """Whether a request may pass."""
        if self._credentials is None or not self.protects(path):
            return True
        given = next((value for name, value in headers if name == b"authorization"), b"")
        scheme, _, encoded = given.partition(b" ")
        if scheme.lower() != b"basic":
            return False
        try:
            username, colon, password = base64.b64decode(encoded, validate=True).partition(b":")
        except binascii.Error:
            return False
        import hmac

        return bool(colon) and hmac.compare_digest(_digest(username, password), self._credentials)


def _digest(username: str | bytes, password: str | bytes) -> bytes:
    """Both as one digest, so that the time of a comparison reveals nothing about lengths."""
    import hashlib

    parts = (part if isinstance(part, bytes) else part.encode() for part in (username, password))
    return b"".join(hashlib.sha256(part).digest() for part in parts)


def _tls_settings(block: TLSArguments) -> ServerTLSSettings:
    """The block as settings of the server, which can take only one curve: the first."""
    from alloypy.net.server.tls import ServerTLSSettings

    curves = block.curve_preferences
    return ServerTLSSettings(
        cert_pem=block.cert_pem,
        cert_file=block.cert_file,
        key_pem=block.key_pem,
        key_file=block.key_file,
        client_ca=block.client_ca_pem,
        client_ca_file=block.client_ca_file,
        client_auth_type=block.client_auth_type,
        cipher_suites=",".join(block.cipher_suites),
        curve=_CURVES[curves[0]] if curves else "",
        min_version=block.min_version and f"Version{block.min_version}",
        max_version=block.max_version and f"Version{block.max_version}",
    )


async def _check_readable(name: str, path: str) -> None:
    try:
        await read_file(path)
    except (OSError, ValueError) as error:
        raise ServiceError(f"failed to read {name}: {open_fault(path, error)}") from None


def _server_class() -> type[AdminUvicorn]:
    """The server's class, importing only the parts of uvicorn that it needs, or all if that fails."""
    try:
        with parts_of("uvicorn", unused=_UNUSED, Config="uvicorn.config"):
            from alloypy.services.admin.uvicorn_server import AdminUvicorn
    except (ImportError, AttributeError, TypeError):
        from alloypy.services.admin.uvicorn_server import AdminUvicorn
    return AdminUvicorn


class AdminServer:
    """Serves the admin application; it is the service of the `http` block."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._policy = Policy(None)
        self._tls: ServerTLS | None = None
        self._others: tuple[
            ServerTLS | None, ...
        ] = ()  # the next settings or the previous ones, kept for reuse
        self._problem = ""
        self._server: AdminUvicorn | None = None
        self._application: ASGI | None = None

    @property
    def address(self) -> str:
        """`host:port`."""
        return self._listener.address

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self._listener.loopback

    def unprotected(self, path: str) -> bool:
        """Whether others than this machine can reach a path without credentials."""
        return not self._listener.loopback and not self._policy.protects(path)

    async def start(self, application: ASGI) -> None:
        """Start serving."""
        self._application = application
        self._server = _server_class()(
            self._guarded,
            self._listener.sockets,
            log=logger,
            timeouts=_TIMEOUTS,
            tls=self._context,
            most_idle=descriptors.for_operators(),
            grace=_STOP_GRACE,
        )
        await self._server.startup()
        fields = {**_SERVICE, "addr": self.address}
        logger.info("now listening for http traffic", extra={"fields": fields})

    async def stop(self) -> None:
        """Close everything."""
        if self._server is None:
            for one in self._listener.sockets:
                one.close()
            return
        await self._server.shutdown()
        fields = {**_SERVICE, "addr": self.address}
        logger.info("http server closed", extra={"fields": fields})

    async def prepare(self, arguments: HTTPArguments) -> None:
        """Refuse what can never work. Raises ServiceError."""
        tls = arguments.tls
        if tls is None:
            return
        if tls.windows_certificate_filter is not None:
            raise ServiceError("windows_certificate_filter is not part of alloypy")
        if tls.client_ca_file:
            await _check_readable("client_ca_file", tls.client_ca_file)
        await self._prepare_tls(_tls_settings(tls))

    async def update(self, arguments: HTTPArguments) -> None:
        """Apply new credentials and TLS settings; open connections keep their TLS."""
        kind = "non-TLS" if arguments.tls is None else "TLS"
        logger.info(f"applying {kind} config to HTTP server", extra={"fields": _SERVICE})
        self._policy = Policy(arguments.auth)
        before = self._tls
        self._tls = None if arguments.tls is None else self._tls_for(_tls_settings(arguments.tls))
        self._others = (before,)
        filter_ = arguments.auth.filter if arguments.auth is not None else None
        if self._policy.active and filter_ is not None and not filter_.paths:
            logger.warning(
                "the filter names no paths: every path asks for credentials", extra={"fields": _SERVICE}
            )
        if not self._listener.loopback and not self._policy.active:
            logger.warning(
                "the admin server listens on more than the loopback interface and asks for no credentials",
                extra={"fields": {**_SERVICE, "addr": self.address}},
            )

    async def _prepare_tls(self, settings: ServerTLSSettings) -> None:
        """Read the files before anything changes. Missing files are only logged, as they may come later."""
        from alloypy.net.server.tls import TLSError

        tls = self._tls_for(settings)
        if tls is self._tls:
            return
        self._others = (tls,)
        self._problem = ""
        try:
            await tls.context()
        except TLSError as error:
            self._tell_problem(str(error))

    def _tls_for(self, settings: ServerTLSSettings) -> ServerTLS:
        """The TLS object for these settings: one that has already read the files, or a new one."""
        from alloypy.net.server.tls import ServerTLS

        for known in (self._tls, *self._others):
            if known is not None and known.settings == settings:
                return known
        return ServerTLS(settings, self._tell_problem, _ALPN)

    async def _context(self) -> ssl.SSLContext | None:
        """The context for a new connection; None without TLS.

        Until the settings can be used, every handshake fails.
        """
        if self._tls is None:
            return None
        from alloypy.net.server.tls import TLSError

        tls = self._tls
        try:
            context = await tls.context()
        except TLSError as error:
            self._tell_problem(str(error))
            return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tell_problem(tls.problem)
        return context

    def _tell_problem(self, problem: str) -> None:
        """Log a problem once."""
        if problem and problem != self._problem:
            fields = {**_SERVICE, "err": problem}
            logger.error("the TLS settings of the HTTP server cannot be used", extra={"fields": fields})
        self._problem = problem

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        application = self._application
        if application is None:
            raise RuntimeError("the admin server has not been started")
        if self._policy.admits(scope["path"], scope["headers"]):
            await application(scope, receive, send)
            return
        fields = {**_SERVICE, "path": scope["path"], "err": "unauthorized"}
        logger.info("failed to authenticate request", extra={"fields": fields})
        headers = [(b"www-authenticate", b'Basic realm="Restricted"'), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
