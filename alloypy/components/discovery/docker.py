"""discovery.docker: the containers of a Docker engine as targets.

Source: the behaviour recorded in tests/golden/components/discovery.docker.jsonl.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alloypy.components.discovery.asking import AskingDiscoverer
from alloypy.components.discovery.docker_api import DockerError, Engine, Host, parse_host
from alloypy.components.discovery.docker_targets import Choices, MalformedError, targets
from alloypy.components.discovery.refresh import RefreshError, RefreshMetrics, refresh_loop
from alloypy.components.discovery.shell import Discoverer, DiscoveryComponent, Exports, Findings, Group
from alloypy.components.http_client import HTTPClientArguments, client_settings, user_agent
from alloypy.families import Family
from alloypy.lang.go.duration import MINUTE, Duration
from alloypy.net.client.cold import LATER, ColdClient
from alloypy.rules import faults_of
from alloypy.runtime.contract.component import BuildError, Options, Registration, Stability
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, block, squash
from alloypy.threads import WORK

_MANY = 200
_WORK_SECONDS = 30.0


@arguments
class Filter:
    """Arguments of `filter`."""

    name: str = attribute(doc="Name of the filter, as in Docker's API: `label`, `status`, `network`.")
    values: tuple[str, ...] = attribute(doc="Values, one of which must match.")


@arguments(rules="discovery.docker")
class Arguments:
    """Arguments of discovery.docker."""

    host: str = attribute(doc="Address of the engine: a `unix`, `tcp`, `http` or `https` URL.")
    port: int = attribute(default=80, doc="Port of containers that expose none.")
    host_networking_host: str = attribute(
        default="localhost", doc="Address of containers in the network of their host."
    )
    refresh_interval: Duration = attribute(
        default=Duration(MINUTE), doc="Time between two refreshes, and the longest time for an answer."
    )
    match_first_network: bool = attribute(
        default=True, doc="Take only the first network of a container, by name."
    )
    filters: tuple[Filter, ...] = block(name="filter", default=(), doc="Limits the containers.")
    http_client: HTTPClientArguments = squash(default=HTTPClientArguments())

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


class DockerDiscoverer(AskingDiscoverer):
    """Asks the engine in every interval."""

    def __init__(self, options: Options, given: Arguments, host: Host) -> None:
        super().__init__(
            ColdClient(
                client_settings(given.http_client),
                environ=options.environ,
                user_agent=user_agent(options.environ),
                socket_path=host.socket,
            )
        )
        self._options = options
        self._interval = given.refresh_interval
        self._choices = Choices(given.port, given.host_networking_host, given.match_first_network)
        self._filters: dict[str, list[str]] = {}
        for each in given.filters:
            self._filters.setdefault(each.name, []).extend(each.values)
        self._metrics = RefreshMetrics("docker")
        self._engine = Engine(host, self._client, given.refresh_interval.seconds)

    async def run(self, found: Findings) -> None:
        async with self._client:
            await refresh_loop(self._interval, self._refresh, self._metrics, found, self._options)

    async def _refresh(self) -> Sequence[Group]:
        try:
            containers = await self._engine.containers(self._filters)
        except DockerError as error:
            raise RefreshError(f"error while listing containers: {error}") from None
        try:
            networks = await self._engine.networks()
        except DockerError as error:
            raise RefreshError(f"error while computing network labels: {error}") from None
        try:
            if len(containers) <= _MANY:
                made = targets(containers, networks, self._choices)
            else:
                made = await WORK.run(lambda: targets(containers, networks, self._choices), _WORK_SECONDS)
        except MalformedError as error:
            raise RefreshError(f"the engine's answer has an unexpected value for {error}") from None
        except TimeoutError:
            raise RefreshError(f"the answer takes longer than {_WORK_SECONDS:g} seconds to read") from None
        return [Group("Docker", made)]

    def collect(self) -> Iterator[Family]:
        yield from self._metrics.collect()


class Docker(DiscoveryComponent[Arguments]):
    """Exports the containers of an engine."""

    def discoverer(self, arguments: Arguments) -> Discoverer:
        try:
            host = parse_host(arguments.host)
        except ValueError as error:
            raise BuildError(f"error setting up docker client: {error}") from None
        return DockerDiscoverer(self.options, arguments, host)


registration = Registration(
    "discovery.docker", Stability.GENERALLY_AVAILABLE, Arguments, Exports, Docker, later=LATER
)
