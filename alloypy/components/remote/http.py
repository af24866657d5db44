"""remote.http: exports what an HTTP server answers, and its changes.

Source: the behaviour recorded in tests/golden/components.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from alloypy.components.http_client import HTTPClientArguments, client_settings, user_agent
from alloypy.components.remote.http_import import FREQUENCY_DOC, TIMEOUT_DOC, UNEXPECTED_STATUS
from alloypy.lang.go.duration import MINUTE, SECOND, Duration
from alloypy.lang.go.headers import canonical_name
from alloypy.lang.values import OptionalSecret
from alloypy.net.client.cold import LATER, BrokenAnswer, ColdClient, ColdError, Unsendable
from alloypy.rules import faults_of
from alloypy.runtime.contract.component import (
    BuildError,
    Component,
    Options,
    Registration,
    Stability,
    UpdateError,
)
from alloypy.runtime.contract.health import Health, healthy, unhealthy
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, block, export, exports

_BLANK = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""White space in Go, which knows fewer characters of it than Python."""

_FIRST_RETRY_SECONDS = 1.0


@arguments(rules="remote.http")
class Arguments:
    """Arguments of remote.http."""

    url: str = attribute(doc="URL of the content.")
    poll_frequency: Duration = attribute(default=Duration(MINUTE), doc=FREQUENCY_DOC)
    poll_timeout: Duration = attribute(default=Duration(10 * SECOND), doc=TIMEOUT_DOC)
    is_secret: bool = attribute(default=False, doc="Whether the content is a secret, never to be shown.")
    method: str = attribute(default="GET", doc="Method of the request.")
    headers: Mapping[str, str] = attribute(default_factory=dict, doc="Headers of the request.")
    body: str = attribute(default="", doc="Body of the request.")
    client: HTTPClientArguments = block(default=HTTPClientArguments(), doc="How the request is made.")

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


@exports
class Exports:
    """Exports of remote.http."""

    content: OptionalSecret = export(doc="The answer's body without surrounding white space.")


class PollError(Exception):
    """A poll failed; the text is Alloy's: `unexpected status code 404 Not Found`."""


class Poller:
    """Asks the server that the arguments name.

    exports: from the last poll that succeeded, or with an empty content. answered: whether one has.
    began: when the last poll began, on the clock of the options.
    """

    def __init__(self, options: Options, arguments: Arguments) -> None:
        self.frequency = arguments.poll_frequency.seconds
        self.exports = Exports(content=OptionalSecret("", arguments.is_secret))
        self.answered = False
        self.began = 0.0
        self.client = ColdClient(
            client_settings(arguments.client),
            environ=options.environ,
            user_agent=user_agent(options.environ),
            names_timeout=False,
        )
        self._options = options
        self._arguments = arguments
        self._headers = {
            canonical_name(name): value
            for name, value in arguments.headers.items()
            if name == "User-Agent" or canonical_name(name) != "User-Agent"  # Alloy replaces other spellings
        }

    async def poll(self) -> None:
        """Fetch the content. Raises PollError; BuildError for a request that can never be sent."""
        self.began = self._options.clock()
        text = await self._content()
        self.exports = Exports(content=OptionalSecret(text, self._arguments.is_secret))
        self.answered = True

    async def _content(self) -> str:
        given = self._arguments
        try:
            answer = await self.client.send(
                given.method or "GET",
                given.url,
                list(self._headers.items()),
                given.body.encode(errors="surrogateescape"),
                timeout=given.poll_timeout.seconds,
            )
        except BrokenAnswer as error:
            self._log("failed to read response", err=str(error))
            raise PollError(f"reading response: {error}") from None
        except Unsendable as error:
            raise BuildError(f"performing request: {error}") from None
        except ColdError as error:
            self._log("failed to perform request", err=str(error))
            raise PollError(f"performing request: {error}") from None
        if answer.status != 200:
            status = f"{answer.status} {answer.reason}".rstrip()
            self._log(UNEXPECTED_STATUS, status=status)
            raise PollError(f"unexpected status code {status}")
        return answer.body.decode("utf-8", "surrogateescape").strip(_BLANK)

    def _log(self, message: str, **fields: str) -> None:
        self._options.logger.error(message, extra={"fields": fields})


class HTTP(Component[Arguments, Exports]):
    """Polls a server; while that fails, the last content stays.

    Before there has been any, the content is empty, and polls follow each other more quickly.
    """

    def __init__(self, options: Options, arguments: Arguments) -> None:
        self._options = options
        self._poller = self._prepared = Poller(options, arguments)
        self._updated = asyncio.Event()
        self._health: Health | None = None

    async def prepare(self) -> None:
        """Poll for the first exports. Raises BuildError for what cannot succeed later either."""
        poller = self._poller
        try:
            await poller.client.check()
            await self._poll(poller)
        except ColdError as error:
            raise BuildError(str(error)) from None
        finally:
            await poller.client.aclose()
        self._options.set_exports(poller.exports)

    async def run(self) -> None:
        """Poll the server that the current arguments name."""
        while True:
            self._updated.clear()
            async with asyncio.TaskGroup() as group:
                following = group.create_task(self._follow(self._poller))
                await self._updated.wait()
                following.cancel()

    async def _follow(self, poller: Poller) -> None:
        retry = _FIRST_RETRY_SECONDS
        async with poller.client:
            while True:
                pause = poller.frequency
                if not poller.answered:
                    pause, retry = min(pause, retry), 2 * retry
                await asyncio.sleep(poller.began + pause - self._options.clock())
                await self._poll(poller)

    async def _poll(self, poller: Poller) -> None:
        try:
            await poller.poll()
        except PollError as error:
            self._health = unhealthy(f"polling failed: {error}")
        else:
            self._health = healthy("polled endpoint")
            self._options.set_exports(poller.exports)

    async def prepare_update(self, arguments: Arguments) -> Exports:
        """Poll with the new arguments; returns the new exports. Raises UpdateError."""
        poller = Poller(self._options, arguments)
        try:
            await poller.client.check()
            await poller.poll()
        except (ColdError, PollError, BuildError) as error:
            raise UpdateError(str(error)) from None
        finally:
            await poller.client.aclose()
        self._prepared = poller
        return poller.exports

    async def update(self, arguments: Arguments) -> None:
        """Poll as `prepare_update` has done."""
        self._poller = self._prepared
        self._health = healthy("polled endpoint")
        self._options.set_exports(self._poller.exports)
        self._updated.set()

    def health(self) -> Health | None:
        """Healthy if the last poll succeeded."""
        return self._health


registration = Registration(
    "remote.http", Stability.GENERALLY_AVAILABLE, Arguments, Exports, HTTP, later=LATER
)
