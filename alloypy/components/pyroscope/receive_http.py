"""pyroscope.receive_http: receives profiles over HTTP and forwards them.

SDKs push to `/ingest` or to `push.v1.PusherService/Push`; a request is answered when every receiver
in `forward_to` has taken its profiles. Source: docs/spec/PYROSCOPE.md, section 3.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from alloypy.components.pyroscope.receiving.blocks import GRPC, HTTP, TLS
from alloypy.lang.go.duration import SECOND, Duration
from alloypy.profiles.receiver import ProfilesReceiver
from alloypy.rules import faults_of
from alloypy.runtime.contract.component import (
    NO_ACTIVITY,
    Activity,
    BuildError,
    Component,
    Flow,
    InFlight,
    Options,
    Registration,
    Stability,
    UpdateError,
)
from alloypy.runtime.contract.health import Health, healthy
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, block
from alloypy.schema.stability import refusal

if TYPE_CHECKING:
    from alloypy.components.pyroscope.receiving.application import Application
    from alloypy.components.pyroscope.receiving.reception import Reception, Settings
    from alloypy.net.server.listener import Server
    from alloypy.net.server.offers import Offers
    from alloypy.net.server.tls import ServerTLS, ServerTLSSettings


@arguments(rules="alloypy.receive_http")
class Arguments:
    """Arguments of pyroscope.receive_http."""

    http: HTTP = block(default_factory=HTTP, doc="The HTTP server.", shown=True)
    grpc: GRPC = block(default_factory=GRPC, doc="Accepted; nothing is served over this port.", shown=True)
    forward_to: tuple[ProfilesReceiver, ...] = attribute(
        doc="Receivers that get every profile, such as pyroscope.write.backend.receiver."
    )
    graceful_shutdown_timeout: Duration = attribute(
        default=Duration(30 * SECOND), doc="Time for requests in flight to finish when the server stops."
    )
    debug_info_upload_timeout: Duration = attribute(
        default=Duration(120 * SECOND), doc="Time for passing on a debug-info file."
    )
    max_body_size: int = attribute(
        default=64 << 20, doc="Largest request body in bytes, also when unpacked. Larger ones get status 413."
    )
    max_bytes_in_flight: int = attribute(
        default=0,
        doc="Bytes of all requests in flight to this receiver, beyond which clients get status 503. "
        "0 means the limit of the process, a quarter of its memory limit.",
    )
    forward_headers: tuple[str, ...] = attribute(
        default=(), doc="Request headers that are passed on to the destinations. Experimental."
    )

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


class _Serving(NamedTuple):
    """A server, the application it serves, and what it was made from."""

    server: Server
    application: Application
    http: HTTP
    tls: ServerTLS | None


class ReceiveHTTP(Component[Arguments, None]):
    """Receives profiles over HTTP."""

    def __init__(self, options: Options, arguments: Arguments) -> None:
        self._options = options
        self._arguments = arguments
        self._reception: Reception | None = None
        self._prepared: tuple[Arguments, ServerTLS | None, Sequence[socket.socket]] | None = None
        self._serving: _Serving | None = None
        self._stopping: dict[asyncio.Task[None], Server] = {}

    def in_flight(self) -> InFlight:
        """Requests, including those at earlier addresses."""
        servers = [*self._stopping.values(), *([self._serving.server] if self._serving else ())]
        return InFlight(requests=sum(server.requests for server in servers))

    def activity(self) -> Activity:
        """Requests with profiles, and profiles that were lost here."""
        return self._reception.metrics.activity() if self._reception is not None else NO_ACTIVITY

    def flow(self) -> Flow:
        """The requests with profiles."""
        done = self.activity()
        return Flow("requests", done.received + done.failed, done.received, done.failed)

    def listens_on(self) -> str:
        """Where clients reach it, or soon will."""
        if self._serving is not None:
            return self._serving.server.address
        from alloypy.net.server.listener import written_address

        return written_address(self._prepared[2]) if self._prepared is not None else ""

    async def prepare(self) -> None:
        await self._claim(self._arguments, BuildError)

    async def run(self) -> None:
        self._make_reception()
        self._note(self._arguments)
        self._serve()
        try:
            await self._keep_memory()
            await asyncio.get_running_loop().create_future()
        finally:
            if self._serving is not None:
                self._serving.server.refuse()
            self._options.logger.info("terminating due to context done")
            if self._serving is not None:
                # No other server will take over, so a client gains nothing by waiting.
                self._serving.application.draining = True
            self._retire()
            await _finish(self._stopping)

    async def prepare_update(self, arguments: Arguments) -> None:
        await self._claim(arguments, UpdateError)

    async def update(self, arguments: Arguments) -> None:
        before, self._arguments = self._arguments, arguments
        reception = self._reception
        if reception is None:
            return  # `run` has not begun and will take the new arguments
        if arguments.forward_to != before.forward_to or arguments.forward_headers != before.forward_headers:
            self._note(arguments)
        reception.settings = _settings(arguments)
        reception.fanout.children = arguments.forward_to
        if _server_arguments(arguments) != _server_arguments(before):
            self._retire()
            self._serve()
        else:
            self._drop_prepared()

    # Preparing

    async def _claim(self, arguments: Arguments, fault: Callable[[str], Exception]) -> None:
        """Claim the sockets and read the certificates of these arguments.

        Earlier claims stay until that is done: `run` may begin meanwhile, and serves with them.
        """
        if arguments.forward_headers:
            told = refusal("forward_headers", Stability.EXPERIMENTAL, self._options.minimum_stability)
            if told is not None:
                raise fault(told)
        http = arguments.http
        sockets = await self._options.sockets.claim(http.listen_address, http.listen_port)
        try:
            tls = await self._tls(http.tls, fault)
        except BaseException:
            _close(sockets)
            raise
        self._drop_prepared()
        self._prepared = (arguments, tls, sockets)

    async def _tls(self, given: TLS | None, fault: Callable[[str], Exception]) -> ServerTLS | None:
        """The provider of contexts for new connections; None without TLS. Raises what `fault` makes."""
        if given is None:
            return None
        from alloypy.net.server.offers import alpn_names
        from alloypy.net.server.tls import ServerTLS, TLSError

        settings = _tls_settings(given)
        try:
            settings.check()
            if not settings.enabled:
                return None
            present = self._serving.tls if self._serving is not None else None
            if present is not None and present.settings == settings:
                return present
            tls = ServerTLS(settings, self._tell_tls, alpn_names(_offers()))
            await tls.context()
        except TLSError as reason:
            raise fault(str(reason)) from None
        return tls

    def _tell_tls(self, problem: str) -> None:
        from alloypy.net.followed import tell_of_files

        tell_of_files(self._options.logger, problem, "the previous certificate stays")

    def health(self) -> Health | None:
        """Reports that an earlier certificate is still in use."""
        tls = self._serving.tls if self._serving is not None else None
        return (
            healthy(f"the previous certificate is still in use: {tls.problem}")
            if tls and tls.problem
            else None
        )

    def _drop_prepared(self) -> None:
        if self._prepared is not None:
            _close(self._prepared[2])
            self._prepared = None

    def _note(self, arguments: Arguments) -> None:
        """Warn about arguments that have no effect, or one that is not expected."""
        logger = self._options.logger
        if not arguments.forward_to:
            logger.warning("forward_to is empty: received profiles are lost")
        if arguments.http.http2.enabled:
            logger.warning("HTTP/2 is not served yet: clients are served over HTTP/1.1")
        if arguments.grpc != GRPC():
            logger.warning("the grpc block has no effect: no gRPC port is opened")
        if arguments.forward_headers:
            self._note_stored_headers(arguments)

    def _note_stored_headers(self, arguments: Arguments) -> None:
        """Warn if the headers that are passed on are stored, as they may be secret."""
        from alloypy.components.pyroscope.fanout import stores_of

        stores = stores_of(arguments.forward_to)
        if stores:
            message = "request headers are stored with each profile, and may be secret"
            fields = {"forward_headers": ", ".join(arguments.forward_headers), "stored_by": ", ".join(stores)}
            self._options.logger.warning(message, extra={"fields": fields})

    # Serving

    def _make_reception(self) -> None:
        from alloypy.components.pyroscope.fanout import Fanout
        from alloypy.components.pyroscope.receiving.metrics import Metrics
        from alloypy.components.pyroscope.receiving.reception import Reception

        metrics = Metrics(self._options.metrics())
        fanout = Fanout(self._arguments.forward_to, self._options.logger)
        settings = _settings(self._arguments)
        self._reception = Reception(settings, fanout, metrics, self._options)

    def _serve(self) -> None:
        """Start a server on the prepared sockets."""
        from alloypy.components.pyroscope.receiving.application import Application
        from alloypy.net.descriptors import for_clients
        from alloypy.net.server.budget import ByteBudget
        from alloypy.net.server.config import ServerConfig, Timeouts
        from alloypy.net.server.listener import Server

        if self._prepared is None or self._reception is None:
            raise UpdateError("the server was not prepared")
        arguments, tls, sockets = self._prepared
        self._prepared = None
        http, logger = arguments.http, self._options.logger
        timeouts = Timeouts(
            http.server_read_timeout.seconds,
            http.server_write_timeout.seconds,
            http.server_idle_timeout.seconds,
        )
        budget = ByteBudget(arguments.max_bytes_in_flight) if arguments.max_bytes_in_flight else None
        application = Application(self._reception)
        config = ServerConfig(application, logger=logger, timeouts=timeouts, budget=budget)
        server = Server(
            config,
            sockets,
            _offers(),
            tls=tls.context if tls is not None else None,
            conn_limit=max(http.conn_limit, 0),
            descriptors_below=for_clients(),
        )
        self._serving = _Serving(server, application, http, tls)
        self._reception.metrics.connections = lambda: server.connection_count
        self._reception.metrics.connection_limit = http.conn_limit
        logger.info("starting server")
        server.start()
        logger.info("server listening on addresses", extra={"fields": {"http": server.address}})

    async def _keep_memory(self) -> None:
        from alloypy.net.server.budget import process_budget
        from alloypy.net.server.malloc import keep_large_blocks

        await keep_large_blocks(process_budget())

    def _retire(self) -> None:
        """Stop the current server once its requests are done."""
        if self._serving is not None:
            task = asyncio.create_task(self._stop(self._serving))
            self._stopping[task] = self._serving.server
            task.add_done_callback(self._stopping.pop)
            self._serving = None

    async def _stop(self, serving: _Serving) -> None:
        grace = min(self._arguments.graceful_shutdown_timeout.seconds, self._options.shutdown_deadline)
        cut_off = await serving.server.stop(grace)
        if cut_off:
            fields = {"requests": cut_off, "graceful_shutdown_timeout": f"{grace:g}s"}
            self._options.logger.warning("requests cut off at shutdown", extra={"fields": fields})


def _offers() -> Offers:
    """The protocols that clients can speak."""
    from alloypy.net.server.http1.protocol import HTTP1

    return (HTTP1,)


def _settings(arguments: Arguments) -> Settings:
    from alloypy.components.pyroscope.receiving.reception import Settings

    return Settings(
        arguments.max_body_size,
        frozenset(name.lower().encode("ascii") for name in arguments.forward_headers),
        arguments.debug_info_upload_timeout.seconds,
    )


def _server_arguments(arguments: Arguments) -> tuple[HTTP, int]:
    """The arguments that only a new server can take."""
    return arguments.http, arguments.max_bytes_in_flight


def _tls_settings(given: TLS) -> ServerTLSSettings:
    from alloypy.net.server.tls import ServerTLSSettings

    return ServerTLSSettings(
        cert_pem=given.cert_pem,
        key_pem=given.key_pem,
        cert_file=given.cert_file,
        key_file=given.key_file,
        client_auth_type=given.client_auth_type,
        client_ca_file=given.client_ca_file,
        client_ca=given.client_ca,
        cipher_suites=given.cipher_suites,
        min_version=given.min_version,
    )


def _close(sockets: Sequence[socket.socket]) -> None:
    for each in sockets:
        each.close()


async def _finish(tasks: Mapping[asyncio.Task[None], object]) -> None:
    """Wait for all tasks; if we are cancelled again meanwhile, cancel them and wait for their end."""
    while tasks:
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:
            for task in list(tasks):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks, return_exceptions=True)
            raise


registration = Registration("pyroscope.receive_http", Stability.PUBLIC_PREVIEW, Arguments, None, ReceiveHTTP)
