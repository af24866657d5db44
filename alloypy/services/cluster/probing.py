"""Asks replicas who they are, over their admin servers."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterable
from typing import NamedTuple

from alloypy import __version__
from alloypy.lang.go.address import join_host_port
from alloypy.lang.go.url import parse_url
from alloypy.net.client.client import Client, ClientSettings
from alloypy.net.client.messages import Request, SendError, SendTimeout, origin_of
from alloypy.services.cluster.members import Member, bounded
from alloypy.services.settings import CLUSTER_PATH

_SECONDS = 3.0
_MOST_BYTES = 4096
_MOST_AT_ONCE = 50


class Seen(NamedTuple):
    """The outcome of asking one address.

    member: who answered, if it takes part. fault: why nobody takes part there, "" for another cluster.
    gone: whether that is certain, so that nobody needs to ask again.
    """

    address: str
    member: Member | None
    fault: str = ""
    gone: bool = False


class Prober:
    """Resolves names and asks addresses; `close` ends its connections."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        agent = f"alloypy/{__version__}"
        self._client = Client(ClientSettings(follow_redirects=False), environ={}, user_agent=agent)
        self._headers = [("User-Agent", agent)]
        self._slots = asyncio.Semaphore(_MOST_AT_ONCE)

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses `ip:port` of a name. Raises OSError, also if no server of names answers."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(_SECONDS):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return sorted({join_host_port(str(entry[4][0]), port) for entry in found})

    async def ask(self, addresses: Iterable[str]) -> list[Seen]:
        """Ask all addresses at once."""
        return list(await asyncio.gather(*map(self._ask, addresses)))

    async def _ask(self, address: str) -> Seen:
        origin = origin_of(parse_url(f"http://{address}"))
        request = Request("GET", origin, CLUSTER_PATH, self._headers, [], _SECONDS)
        try:
            async with self._slots:
                response = await self._client.send(request, _MOST_BYTES)
        except SendTimeout as error:
            return Seen(address, None, str(error))
        except SendError as error:
            return Seen(address, None, str(error), gone=True)
        if response.status != 200 or response.broken:
            return Seen(address, None, f"unexpected status code {response.status} {response.reason}".rstrip())
        return self._read(address, response.body)

    def _read(self, address: str, body: bytes) -> Seen:
        try:
            told = json.loads(body)
            name, instance, cluster, state = (
                str(told[key]) for key in ("name", "instance", "cluster", "state")
            )
        except (ValueError, LookupError, TypeError):
            return Seen(address, None, "the answer is not that of a replica")
        if cluster != self._cluster:
            return Seen(address, None, gone=True)
        if state != "participant":
            return Seen(address, None, "it is terminating", gone=True)
        return Seen(address, Member(bounded(name), bounded(instance), address))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
