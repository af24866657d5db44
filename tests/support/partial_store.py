"""A stand-in for a Pyroscope server that, like the real one, stores part of a Push that it refuses.

It checks the size of each series against the tenant's rate, stores those that pass, whatever happens to the
others, and names the first that did not in its answer. With one series in each request nothing is stored
twice and everything gets through eventually; with several, neither is true.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from urllib.parse import parse_qs, urlsplit

from alloypy.profiles.push_wire import decode_push
from tests.support.scripted import Peer, Seen
from tests.support.sending import INGEST_OK, PUSH_OK, answer

OUTDATED = "outdated"
"""A series with this label is refused for its age."""

_JSON = "Content-Type: application/json"
_REASONS = {
    400: "Bad Request",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
}


class PartialStore:
    """The server's data; `talk` is its script.

    rate: bytes per second. burst: bytes. stored: how often each profile is stored, by its sample's ID,
    or its name on /ingest. available: False while it starts or stops.
    """

    def __init__(self, rate: float = 4 << 20, burst: float = 2 << 20) -> None:
        self.stored: Counter[str] = Counter()
        self.available = True
        self._rate = rate
        self._burst = burst
        self._room = burst
        self._seen = 0.0

    async def talk(self, peer: Peer) -> None:
        """Answer requests until the client leaves."""
        while (request := await peer.request()) is not None:
            await peer.say(self._ingest(request) if "/ingest" in request.line else self._push(request))

    def _push(self, request: Seen) -> bytes:
        if not self.available:
            return _refusal(500, "unknown", "rpc error: code = Unavailable desc = service is unavailable")
        refusals = []
        for series in decode_push(request.body):
            samples = series.samples
            if OUTDATED in series.labels:
                refusals.append((400, "invalid_argument", "profile is outside of ingestion window"))
            elif not self._admits(sum(len(sample.profile) for sample in samples)):
                refusals.append((429, "resource_exhausted", "push rate limit exceeded"))
            else:
                self.stored.update(sample.id for sample in samples)
        return _refusal(*refusals[0]) if refusals else PUSH_OK

    def _ingest(self, request: Seen) -> bytes:
        name = parse_qs(urlsplit(request.line.split(" ")[1]).query)["name"][0]
        failed = "pushing IngestInput-pprof failed push series with index 0 and id  failed: "
        if not self.available:
            why = "unknown: rpc error: code = Unavailable desc = service is unavailable"
            return _refusal(422, "unknown", failed + why)
        if OUTDATED in name:
            why = "invalid_argument: profile is outside of ingestion window"
            return _refusal(422, "unknown", failed + why)
        self.stored[name] += 1
        return INGEST_OK

    def _admits(self, size: int) -> bool:
        now = asyncio.get_running_loop().time()
        self._room = min(self._burst, self._room + (now - self._seen) * self._rate)
        self._seen = now
        if size > self._room:
            return False
        self._room -= size
        return True


def _refusal(status: int, code: str, message: str) -> bytes:
    body = json.dumps({"code": code, "message": message}).encode()
    return answer(f"{status} {_REASONS[status]}", body, _JSON)
