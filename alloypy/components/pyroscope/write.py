"""pyroscope.write: sends profiles to Pyroscope servers.

Every profile goes to every endpoint, over Push or /ingest as it came, with retries. An update replaces
what the receiver delivers to; deliveries in progress finish with what they began with.
Source: docs/spec/PYROSCOPE.md, sections 4, 5.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from alloypy.components.http_client import (
    HTTPClientArguments,
    client_settings,
    earlier_contents,
    user_agent,
    with_authorization,
)
from alloypy.components.pyroscope.fanout import DROPPED_AT_SHUTDOWN
from alloypy.lang.go.duration import SECOND, Duration
from alloypy.lang.secrecy import hide
from alloypy.profiles.model import DeliveryError, IngestProfile, Push, Series
from alloypy.profiles.receiver import DebugInfoClient, ProfilesReceiver
from alloypy.runtime.contract.component import (
    NO_ACTIVITY,
    NOT_PREPARED,
    Activity,
    BuildError,
    Component,
    Flow,
    InFlight,
    Options,
    Registration,
    Stability,
    Table,
    UpdateError,
)
from alloypy.runtime.contract.health import Health, healthy
from alloypy.schema.fields import arguments, attribute, block, export, exports, squash
from alloypy.tracing import Tracer

if TYPE_CHECKING:
    from alloypy.components.pyroscope.sending.delivery import Acceptor, Background
    from alloypy.components.pyroscope.sending.endpoint import Endpoint
    from alloypy.components.pyroscope.sending.headers import Tracing
    from alloypy.components.pyroscope.sending.metrics import Metrics
    from alloypy.components.pyroscope.sending.publishing import Publisher

_PATIENCE_SECONDS = 30.0
"""Seconds, at shutdown, for what is left: the components that forward to us have already finished."""


@arguments
class EndpointArguments:
    """Arguments of `endpoint`."""

    name: str = attribute(default="", doc="Name of the endpoint.")
    url: str = attribute(doc="URL of the Pyroscope server, without /ingest, such as http://pyroscope:4040.")
    remote_timeout: Duration = attribute(default=Duration(10 * SECOND), doc="Time for one try.")
    debug_info_upload_timeout: Duration = attribute(
        default=Duration(120 * SECOND), doc="Time for sending a debug-info file."
    )
    headers: Mapping[str, str] = attribute(default_factory=dict, doc="Headers to send with every request.")
    http_client: HTTPClientArguments = squash(default=HTTPClientArguments())
    min_backoff_period: Duration = attribute(
        default=Duration(SECOND // 2), doc="Shortest pause before the first retry."
    )
    max_backoff_period: Duration = attribute(
        default=Duration(300 * SECOND), doc="Longest pause between retries."
    )
    max_backoff_retries: int = attribute(default=10, doc="Number of tries for one profile; 0 for no limit.")
    retry_on_http_429: bool = attribute(default=True, doc="Try again after status 429, too many requests.")


@arguments
class TracingArguments:
    """Arguments of `tracing`."""

    jaeger_propagator: bool = attribute(default=True, doc="Send Uber-Trace-Id headers.")
    trace_context_propagator: bool = attribute(default=True, doc="Send Traceparent headers.")


@arguments
class Arguments:
    """Arguments of pyroscope.write."""

    external_labels: Mapping[str, str] = attribute(
        default_factory=dict, doc="Labels to add to every profile; they replace labels of the same name."
    )
    endpoints: tuple[EndpointArguments, ...] = block(
        name="endpoint", default=(), doc="Servers that profiles are sent to."
    )
    tracing: TracingArguments = block(default=TracingArguments(), doc="Trace headers of requests.")


@exports
class Exports:
    """Exports of pyroscope.write."""

    receiver: ProfilesReceiver = export(doc="Receiver that sends profiles to the endpoints.")


class Receiver(ProfilesReceiver):
    """The exported receiver; what it delivers to changes with the arguments."""

    __slots__ = ("_events", "acceptor", "endpoints", "id")
    concrete = "write.fanOutClient"

    def __init__(self, options: Options) -> None:
        self.component = options.global_id
        self.id = options.id
        self._events = options.events
        self.acceptor: Acceptor | None = None
        self.endpoints: Sequence[Endpoint] = ()

    def append(self, push: Push) -> Coroutine[Any, Any, None]:
        """Deliver every series of a Push request. Raises DeliveryError, possibly before it is awaited."""
        acceptor = self.acceptor
        if acceptor is None:
            raise self._exited(push.series)
        return acceptor.append(push)

    def append_ingest(self, profile: IngestProfile) -> Coroutine[Any, Any, None]:
        """Deliver an /ingest profile. Raises DeliveryError, possibly before it is awaited."""
        acceptor = self.acceptor
        if acceptor is None:
            raise self._exited((profile,))
        return acceptor.append_ingest(profile)

    def debug_info_clients(self) -> Sequence[DebugInfoClient]:
        """One client for each endpoint."""
        return [endpoint.debug_info for endpoint in self.endpoints]

    def _exited(self, profiles: Sequence[Series | IngestProfile]) -> DeliveryError:
        reason = f"{self.id} has exited"
        if self._events.wanted:
            self._events.publish_failures(self.component, profiles, reason)
        return DeliveryError(reason, retry=True)


class Write(Component[Arguments, Exports]):
    """Sends profiles to the endpoints of its arguments."""

    def __init__(self, options: Options, arguments: Arguments) -> None:
        self._options = options
        self._arguments = arguments
        self._receiver = Receiver(options)
        self._metrics: Metrics | None = None
        self._background: Background | None = None
        self._built: list[Endpoint] = []
        self._retiring: dict[asyncio.Task[None], Endpoint] = {}
        self._former: WeakSet[Endpoint] = WeakSet()  # what began before an update may still come to them
        options.set_exports(Exports(receiver=self._receiver))

    def shown_arguments(self, arguments: Arguments) -> Arguments:
        """The arguments with the header that every request has."""
        return dataclasses.replace(
            arguments, endpoints=tuple(self._shown_endpoint(each) for each in arguments.endpoints)
        )

    def _shown_endpoint(self, endpoint: EndpointArguments) -> EndpointArguments:
        return dataclasses.replace(
            endpoint,
            headers={**endpoint.headers, "X-Alloy-Id": self._options.alloy_id},
            http_client=with_authorization(endpoint.http_client),
        )

    def in_flight(self) -> InFlight:
        """Deliveries, including those of earlier arguments."""
        endpoints = {*self._receiver.endpoints, *self._former}
        return InFlight(profiles=sum(endpoint.in_flight for endpoint in endpoints))

    def activity(self) -> Activity:
        """Profiles that endpoints took or did not take, including those of earlier arguments."""
        return self._metrics.activity() if self._metrics is not None else NO_ACTIVITY

    def flow(self) -> Flow:
        """Profiles that were to be sent; one for two endpoints leaves or gets lost twice."""
        done = self.activity()
        return Flow(
            "profiles", 0 if self._metrics is None else self._metrics.accepted(), done.sent, done.dropped
        )

    def tables(self) -> Sequence[Table]:
        """What has become of the profiles for each endpoint."""
        return () if self._metrics is None else (self._metrics.table(),)

    async def prepare(self) -> None:
        """Read certificates and make the clients, which open nothing yet. Raises BuildError."""
        from alloypy.components.pyroscope.sending.delivery import Background
        from alloypy.components.pyroscope.sending.metrics import Metrics
        from alloypy.net.client.messages import NotSent

        self._metrics = Metrics(self._options.metrics())
        self._background = Background(self._options.logger)
        try:
            self._built = await self._build(self._arguments)
        except NotSent as reason:
            raise BuildError(str(reason)) from None
        self._put_in_place(self._arguments)

    async def run(self) -> None:
        """Wait to be cancelled; then let deliveries in progress finish, as long as the deadline allows."""
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await self._finish()

    async def prepare_update(self, arguments: Arguments) -> None:
        """Make what the new arguments need, beside what is in use. Raises UpdateError."""
        from alloypy.net.client.messages import NotSent

        try:
            self._built = await self._build(arguments)
        except NotSent as reason:
            raise UpdateError(str(reason)) from None

    def health(self) -> Health | None:
        """Reports that earlier contents of files are still in use."""
        problems = [problem for each in self._receiver.endpoints for problem in each.problems]
        return healthy(earlier_contents(problems)) if problems else None

    async def update(self, arguments: Arguments) -> None:
        """Use what was prepared; old endpoints close when their deliveries have ended."""
        for endpoint in self._receiver.endpoints:
            if endpoint not in self._built:
                self._retire(endpoint)
        self._arguments = arguments
        self._put_in_place(arguments)

    async def _build(self, arguments: Arguments) -> list[Endpoint]:
        """Endpoints for the arguments; unchanged ones keep their connections."""
        old = list(zip(self._arguments.endpoints, self._receiver.endpoints, strict=False))
        built = []
        for given in arguments.endpoints:
            same = None
            if arguments.tracing == self._arguments.tracing:
                same = next((pair for pair in old if pair[0] == given), None)
            if same is not None:
                old.remove(same)
            if same is None:
                built.append(await self._build_endpoint(given, arguments.tracing))
            else:
                built.append(same[1])
        return built

    async def _build_endpoint(self, given: EndpointArguments, tracing: TracingArguments) -> Endpoint:
        from alloypy.components.pyroscope.sending.debuginfo import DebugInfo
        from alloypy.components.pyroscope.sending.endpoint import Endpoint, Schedule
        from alloypy.components.pyroscope.sending.requests import EndpointSettings, Wire
        from alloypy.net.client.client import Client

        options = self._options
        agent = user_agent(options.environ)
        client = Client(
            client_settings(given.http_client),
            environ=options.environ,
            user_agent=agent,
            clock=options.clock,
            name=given.name,
        )
        await client.check()
        client.expect(given.url)
        timeout = given.remote_timeout.seconds
        wire = Wire(
            EndpointSettings(given.url, given.headers, timeout, given.retry_on_http_429),
            client,
            tracing=_tracing(tracing, options.tracer),
            alloy_id=options.alloy_id,
            user_agent=agent,
        )
        schedule = Schedule(
            given.min_backoff_period.seconds,
            given.max_backoff_period.seconds,
            given.max_backoff_retries,
            options.random,
        )
        counts = self._counting().endpoint(wire.shown)
        debug_info = DebugInfo(given.url, client, agent, timeout, self._counting().uploaded)
        return Endpoint(wire, client, debug_info, schedule, counts, options.logger, self._publisher())

    def _put_in_place(self, arguments: Arguments) -> None:
        from alloypy.components.pyroscope.sending.delivery import Acceptor
        from alloypy.components.pyroscope.sending.outbox import DirectOutbox

        metrics, background, logger = self._counting(), self._running(), self._options.logger
        publisher = self._publisher()
        self._receiver.acceptor = Acceptor(
            arguments.external_labels,
            _tracing(arguments.tracing, self._options.tracer),
            DirectOutbox(self._built, metrics, publisher),
            background,
            metrics,
            logger,
            publisher,
        )
        self._receiver.endpoints = tuple(self._built)
        if not self._built:
            logger.warning("no endpoint is configured: profiles are counted as dropped")
        for given, endpoint in zip(arguments.endpoints, self._built, strict=True):
            _warn_of_url(given.url, endpoint.wire.shown, logger)

    def _publisher(self) -> Publisher:
        from alloypy.components.pyroscope.sending.publishing import Publisher

        return Publisher(self._options.events, self._options.global_id)

    def _retire(self, endpoint: Endpoint) -> None:
        task = asyncio.get_running_loop().create_task(endpoint.retire())
        self._retiring[task] = endpoint
        self._former.add(endpoint)
        task.add_done_callback(self._retiring.pop)

    async def _finish(self) -> None:
        """Finish deliveries in progress, then end; those left at the deadline are counted as dropped."""
        for endpoint in {*self._receiver.endpoints, *self._former}.difference(self._retiring.values()):
            self._retire(endpoint)
        endings = dict(self._retiring)
        try:
            if endings:
                patience = min(self._options.shutdown_deadline, _PATIENCE_SECONDS)
                await asyncio.wait(endings, timeout=patience)
        finally:
            self._receiver.acceptor = None
            left = sum(endpoint.in_flight for endpoint in endings.values())
            if left:
                fields = {"deliveries": left}
                self._options.logger.warning(DROPPED_AT_SHUTDOWN, extra={"fields": fields})
            for endpoint in endings.values():
                await endpoint.stop()
            if self._retiring:
                await asyncio.wait(self._retiring)

    def _counting(self) -> Metrics:
        if self._metrics is None:
            raise RuntimeError(NOT_PREPARED)
        return self._metrics

    def _running(self) -> Background:
        if self._background is None:
            raise RuntimeError(NOT_PREPARED)
        return self._background


def _warn_of_url(url: str, shown: str, logger: logging.Logger) -> None:
    """Warn about a URL that cannot work but that Alloy accepts silently."""
    from alloypy.lang.server_urls import appended_path, url_fault

    fault, appended = url_fault(url), appended_path(url)
    if fault:
        fields = {"endpoint": shown, "err": hide(fault)}
        logger.warning("the URL of an endpoint cannot be used", extra={"fields": fields})
    elif appended:
        message = f"the URL of an endpoint ends in {appended}, which is added to it anyway"
        logger.warning(message, extra={"fields": {"endpoint": shown}})


def _tracing(given: TracingArguments, tracer: Tracer) -> Tracing:
    from alloypy.components.pyroscope.sending.headers import Tracing

    return Tracing(given.jaeger_propagator, given.trace_context_propagator, tracer)


registration = Registration("pyroscope.write", Stability.GENERALLY_AVAILABLE, Arguments, Exports, Write)
