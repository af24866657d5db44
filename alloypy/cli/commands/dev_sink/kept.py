"""The profiles that a sink received last, for its pages."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime

from alloypy.cli.commands.dev_sink.server import Arrived
from alloypy.services.web.profiles import Listed

_MOST = 64
_MOST_BYTES = 32 << 20
_LARGEST_BYTES = 8 << 20


class Kept:
    """A store of what arrived last: at most 64 profiles and 32 MB, newest first."""

    title = "Arrivals"
    empty = "Nothing has arrived yet; reload the page when something was sent."

    def __init__(self) -> None:
        self._all: deque[tuple[Listed, bytes]] = deque()
        self._bytes = 0
        self._count = 0

    def add(self, arrived: Arrived) -> None:
        """Keep a profile; older ones make room. One of more than 8 MB is listed without its content."""
        arrival, content, format_name = arrived
        self._count += 1
        kept = bytes(content) if arrival.size <= _LARGEST_BYTES else b""
        name = f"{datetime.now().astimezone():%H:%M:%S} {arrival.labels.get('service_name', arrival.api)}"
        self._all.appendleft(
            (Listed(str(self._count), name, arrival.size, arrival.labels, format_name), kept)
        )
        self._bytes += len(kept)
        while len(self._all) > _MOST or self._bytes > _MOST_BYTES:
            self._bytes -= len(self._all.pop()[1])

    def profiles(self) -> Sequence[Listed]:
        return [listed for listed, _ in self._all]

    async def body(self, profile: Listed) -> bytes:
        """Raises ValueError as the store's does."""
        content = next((content for listed, content in self._all if listed.id == profile.id), b"")
        if len(content) != profile.size:
            raise ValueError(f"The sink keeps no profiles of more than {_LARGEST_BYTES >> 20} MB.")
        return content
