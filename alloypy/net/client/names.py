"""Looking up the names of hosts, in threads for nothing else: names without an answer delay no other work."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from functools import partial

from alloypy.threads import Threads

_THREADS = Threads("alloypy-names", 8, 8)
_SECONDS = 30.0


class Names:
    """Looks up each name once at a time, for all who wait for it."""

    def __init__(self) -> None:
        self._coming: dict[str, asyncio.Future[Sequence[str]]] = {}

    async def addresses(self, host: str) -> Sequence[str]:
        """The addresses of a host in the system's order; an address is its own. Raises OSError, UnicodeError.

        TimeoutError after 30 s; socket.gaierror if there is none.
        """
        if _is_address(host):
            return (host,)
        coming = self._coming.get(host)
        if coming is None:
            coming = self._coming[host] = _THREADS.begin(partial(_looked_up, host), _SECONDS)
            coming.add_done_callback(partial(self._came, host))
        # Someone who gives up must not end it for the others.
        return await asyncio.shield(coming)

    def _came(self, host: str, answer: asyncio.Future[Sequence[str]]) -> None:
        del self._coming[host]
        if not answer.cancelled():
            answer.exception()  # perhaps nobody waits any more


def _looked_up(host: str) -> Sequence[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def _is_address(host: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    except (OSError, ValueError):
        return False
    return True
