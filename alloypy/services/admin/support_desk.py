"""Serves support bundles: one at a time, to clients that are still connected.

Source: docs/spec/RUNTIME.md, section 4.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

from alloypy.services.admin.messages import Answer, Asked, error, refusal, text
from alloypy.services.admin.web_guard import CROSS_ORIGIN, crosses_origins

_DISABLED = (
    "support bundle generation is disabled; it can be re-enabled by removing the "
    "--server.http.disable-support-bundle flag"
)
_HEADERS = (
    (b"content-type", b"application/zip"),
    (b"content-disposition", b'attachment; filename="alloy-support-bundle.zip"'),
)


class SupportDesk:
    """Answers /-/support.

    make: collects a bundle over the given seconds; None when that is switched off.
    """

    def __init__(self, make: Callable[[int], Awaitable[bytes]] | None) -> None:
        self._make = make
        self._busy_until: float | None = None  # on the loop's clock

    async def answer(self, asked: Asked) -> Answer:
        """The answer. The bundle is abandoned when its client leaves or closes its sending side."""
        if crosses_origins(asked):
            return refusal(CROSS_ORIGIN)
        if self._make is None:
            return text(403, _DISABLED)
        from alloypy.services.admin.support import bundle_seconds

        try:
            seconds = bundle_seconds(asked.parameter("duration"))
        except ValueError as reason:
            return error(400, str(reason))
        now = asyncio.get_running_loop().time()
        if self._busy_until is not None:
            wait = max(1, math.ceil(self._busy_until - now))
            return error(
                503,
                f"another support bundle is being made; try again in {wait} s",
                (b"retry-after", b"%d" % wait),
            )
        self._busy_until = now + seconds
        try:
            content = await _unless_left(asked, self._make(seconds))
        except TimeoutError:
            return error(503, "the process is too busy to make a support bundle", (b"retry-after", b"5"))
        finally:
            self._busy_until = None
        if content is None:
            return error(400, "the client has closed its side of the connection: no support bundle is made")
        return Answer(200, content, _HEADERS)


async def _unless_left(asked: Asked, work: Awaitable[bytes]) -> bytes | None:
    """The result of the work; None if the client leaves first, which cancels the work."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(asked.departure())
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)
