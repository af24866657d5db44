"""Gets profiles from targets, over connections that stay open between scrapes.

Source: docs/spec/PYROSCOPE.md, section 8.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from alloypy.components.pyroscope.scraping.checks import MOST_BYTES, NoProfile, check
from alloypy.components.pyroscope.scraping.showing import shown_url, without_secrets
from alloypy.components.pyroscope.scraping.targets import Wanted
from alloypy.lang.go.text import quote
from alloypy.net.client.client import Client
from alloypy.net.client.messages import (
    NotSent,
    Request,
    SendError,
    SendTimeout,
    origin_of,
    parsed,
    target_of,
    written,
)


class Times(NamedTuple):
    """From one scrape to the next, and for one scrape; in seconds."""

    interval: float
    timeout: float

    def allowed(self, wanted: Wanted) -> float:
        """Time for one request: a target that collects for a while answers after that."""
        return self.timeout + (self.interval - 1 if wanted.collects else 0)


class Fetcher:
    """Fetches profiles with one set of HTTP settings; connections are closed after the last one."""

    def __init__(self, client: Client, agent: str, times: Times) -> None:
        self.times = times
        self._client = client
        self._headers = written(client.headers([("User-Agent", agent)]))
        self._fetching = 0
        self._retired: asyncio.Event | None = None

    @property
    def problems(self) -> list[str]:
        """Why earlier secrets or certificates are still in use."""
        return self._client.problems

    def request(self, wanted: Wanted) -> Request:
        """The request for a profile, which may be used any number of times. Raises NoProfile."""
        try:
            url = parsed(wanted.url)
        except NotSent as reason:
            raise NoProfile(without_secrets(str(reason), wanted)) from None
        try:
            return Request(
                "GET", origin_of(url), target_of(url), self._headers, (), self.times.allowed(wanted)
            )
        except NotSent as reason:
            raise NoProfile(_described(wanted, reason)) from None

    async def fetch(self, request: Request, wanted: Wanted) -> bytes:
        """A profile, as the target has sent it. Raises NoProfile."""
        self._fetching += 1
        try:
            response = await self._client.send(request, MOST_BYTES + 1)
        except SendTimeout as reason:
            raise NoProfile(str(reason)) from None
        except SendError as reason:
            raise NoProfile(_described(wanted, reason)) from None
        finally:
            self._fetching -= 1
            if self._retired is not None and not self._fetching:
                self._retired.set()
        check(response, wanted.name)
        return response.body

    async def retire(self) -> None:
        """Wait for the requests in flight, then close the connections."""
        self._retired = asyncio.Event()
        try:
            if self._fetching:
                await self._retired.wait()
        finally:
            await self._client.aclose()

    async def aclose(self) -> None:
        """Close the connections; requests in flight fail."""
        await self._client.aclose()


def _described(wanted: Wanted, reason: Exception) -> str:
    return f"Get {quote(shown_url(wanted))}: {reason}"
