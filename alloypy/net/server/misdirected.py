"""Clients that connect to the wrong place: what is logged about them, and how often."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

EVERY_SECONDS = 60.0
"""Seconds until the log repeats a warning."""

TLS_HANDSHAKE = 0x16
"""The first byte that a TLS client sends."""

_IPV4_IN_IPV6 = "::ffff:"


def own_url(scheme: str, address: tuple[str, int] | None) -> str:
    """The URL of our server as the client should write it. address: where the client connected."""
    host, port = address or ("HOST", 0)
    host = host.removeprefix(_IPV4_IN_IPV6)
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class Seldom:
    """Decides when to report something that keeps happening."""

    __slots__ = ("_clock", "_next", "_times")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = 0.0
        self._times = 0

    def due(self) -> int:
        """Count one occurrence; returns how many there were since the last report, or 0 for no report now."""
        self._times += 1
        now = self._clock()
        if now < self._next:
            return 0
        self._next = now + EVERY_SECONDS
        times, self._times = self._times, 0
        return times


class Strangers:
    """Warns, once a minute, about clients that speak TLS to a plain port, or the other way round."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._seldom = {tls: Seldom() for tls in (False, True)}

    def tell(self, address: tuple[str, int] | None, *, tls: bool) -> None:
        """A client spoke the wrong protocol. tls: whether it spoke TLS. address: where it connected."""
        times = self._seldom[tls].due()
        if not times:
            return
        scheme, spoken, not_spoken = ("http", "TLS", "without") if tls else ("https", "no TLS", "with")
        message = f"a client speaks {spoken} to a port {not_spoken} TLS: its URL must begin with {scheme}://"
        fields = {"expected_url": own_url(scheme, address), "times": times}
        self._logger.warning(message, extra={"fields": fields})
