"""Clients that have come to the wrong place: what is said of them, and how often."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY = 60.0
"""Seconds between two lines about the same."""


TLS_HANDSHAKE = 0x16
"""The first byte that a client sends who speaks TLS."""

_IPV4_IN_IPV6 = "::ffff:"


def own_url(scheme: str, address: tuple[str, int] | None) -> str:
    """The URL of a server of ours as a client should have it. address: where it connected."""
    host, port = address or ("HOST", 0)
    host = host.removeprefix(_IPV4_IN_IPV6)
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class Seldom:
    """Says when it is time to tell of something that happens again and again."""

    __slots__ = ("_clock", "_next", "_times")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = 0.0
        self._times = 0

    def due(self) -> int:
        """Note that it has happened: how often since it was told last, or 0 while it is too early to tell."""
        self._times += 1
        now = self._clock()
        if now < self._next:
            return 0
        self._next = now + EVERY
        times, self._times = self._times, 0
        return times
