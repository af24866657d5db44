"""discovery.http: targets from a list that an HTTP server offers.

Source: the behaviour recorded in tests/golden/components.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated

from alloypy.components.discovery.asking import AskingDiscoverer
from alloypy.components.discovery.refresh import RefreshError, RefreshMetrics, refresh_loop
from alloypy.components.discovery.shell import Discoverer, DiscoveryComponent, Exports, Findings, Group
from alloypy.components.discovery.target_groups import GroupsError, read_json
from alloypy.components.http_client import FOLLOW_DOC, HTTPClientArguments, client_settings, user_agent
from alloypy.families import Family, counter
from alloypy.lang.go.duration import MINUTE, Duration
from alloypy.lang.go.floats import SHORTEST, format_float
from alloypy.lang.go.text import quote
from alloypy.lang.go.url import URL
from alloypy.lang.secrecy import hide
from alloypy.lang.text_types import URL_TYPE
from alloypy.net.client.cold import LATER, BrokenAnswer, ColdClient, ColdError
from alloypy.net.client.messages import Response
from alloypy.rules import faults_of
from alloypy.runtime.contract.component import Options, Registration, Stability
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, squash
from alloypy.threads import WORK

_JSON = re.compile(r'application/json(;\s*charset=("utf-8"|utf-8))?', re.IGNORECASE)
_LARGE_BYTES = 32 << 10
_WORK_SECONDS = 30.0


@arguments(rules="config.HTTPClientConfig")
class ClientArguments(HTTPClientArguments):
    """The settings of the client; the API shows two of them even if they have their defaults."""

    follow_redirects: bool = attribute(default=True, shown=True, doc=FOLLOW_DOC)
    enable_http2: bool = attribute(
        default=True, shown=True, doc="Speak HTTP/2 over TLS; needs the extra alloypy[http2]."
    )


@arguments(rules="discovery.http")
class Arguments:
    """Arguments of discovery.http."""

    http_client: ClientArguments = squash(default=ClientArguments())
    refresh_interval: Duration = attribute(
        default=Duration(MINUTE),
        shown=True,
        doc="Time between two requests, and the longest time for one.",
    )
    url: Annotated[URL, URL_TYPE] = attribute(doc="URL of the list of targets.")

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


class HTTPDiscoverer(AskingDiscoverer):
    """Asks the server in every interval."""

    def __init__(self, options: Options, arguments: Arguments) -> None:
        super().__init__(
            ColdClient(
                client_settings(arguments.http_client),
                environ=options.environ,
                user_agent=user_agent(options.environ),
            )
        )
        self._options = options
        self._url = arguments.url
        self._interval = arguments.refresh_interval
        self._label = hide(str(arguments.url))
        self._metrics = RefreshMetrics("http")
        self._failures = 0
        self._count = 0

    async def run(self, found: Findings) -> None:
        async with self._client:
            await refresh_loop(self._interval, self._refresh, self._metrics, found, self._options)

    def collect(self) -> Iterator[Family]:
        yield counter(
            "prometheus_sd_http_failures_total",
            "Number of HTTP service discovery refresh failures.",
            self._failures,
        )
        yield from self._metrics.collect()

    async def _refresh(self) -> Sequence[Group]:
        try:
            answer = await self._ask()
            _check_head(answer)
            return await self._groups(answer.body)
        except (ColdError, GroupsError) as error:
            self._failures += 1
            raise RefreshError(str(error)) from None

    async def _ask(self) -> Response:
        """The answer. Raises ColdError."""
        seconds = self._interval.seconds
        headers = [
            ("Accept", "application/json"),
            ("X-Prometheus-Refresh-Interval-Seconds", format_float(seconds, "f", SHORTEST)),
        ]
        try:
            return await self._client.get(self._url, headers, timeout=seconds)
        except BrokenAnswer as broken:
            _check_head(broken.answer)  # what is wrong with the head is found before the body is read
            raise

    async def _groups(self, body: bytes) -> Sequence[Group]:
        """The groups in an answer, and empty ones for those that are gone. Raises GroupsError."""
        if len(body) <= _LARGE_BYTES:
            groups = self._read(body)
        else:
            try:
                groups = await WORK.run(lambda: self._read(body), _WORK_SECONDS)
            except TimeoutError:
                raise GroupsError(f"reading the answer takes longer than {_WORK_SECONDS:.0f} s") from None
        gone = [Group(self._source(number), ()) for number in range(len(groups), self._count)]
        self._count = len(groups)
        return [*groups, *gone]

    def _read(self, body: bytes) -> list[Group]:
        return [
            Group(
                self._source(number),
                [{"__address__": address} for address in group.addresses],
                {**group.labels, "__meta_url": self._label},
            )
            for number, group in enumerate(read_json(body))
        ]

    def _source(self, number: int) -> str:
        return f"{self._label}:{number}"


def _check_head(answer: Response) -> None:
    """Raises GroupsError for an answer that does not claim to be a list of targets."""
    if answer.status != 200:
        raise GroupsError(f"server returned HTTP status {answer.status} {answer.reason}".rstrip())
    content_type = answer.header("content-type").strip()
    if not _JSON.fullmatch(content_type):
        raise GroupsError(f"unsupported content type {quote(content_type)}")


class HTTP(DiscoveryComponent[Arguments]):
    """Exports the targets that a server lists."""

    def discoverer(self, arguments: Arguments) -> Discoverer:
        return HTTPDiscoverer(self.options, arguments)


registration = Registration(
    "discovery.http", Stability.GENERALLY_AVAILABLE, Arguments, Exports, HTTP, later=LATER
)
