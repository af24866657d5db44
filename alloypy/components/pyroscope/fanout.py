"""Handing profiles on to several receivers, as the components between receiving and sending do.

Source: docs/spec/PYROSCOPE.md, section 2.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from time import perf_counter

from alloypy.families import Family, counter, histograms
from alloypy.histogram import Histogram
from alloypy.profiles.model import (
    DebugInfoClient,
    DeliveryError,
    DeliveryErrors,
    IngestProfile,
    ProfilesReceiver,
    Push,
)


class Fanout:
    """Forwards to every child, waits for all, and tells what went wrong with any of them.

    children: may be replaced at any time; a call finishes with those it began with.
    """

    def __init__(self, children: Sequence[ProfilesReceiver], logger: logging.Logger) -> None:
        self.children = tuple(children)
        self.latency = Histogram()
        self.forwarded = 0
        self._logger = logger

    async def append(self, push: Push) -> None:
        """Forward a Push. Raises DeliveryError."""
        await self._forward(lambda child: child.append(push))
        self.forwarded += sum(len(one.samples) for one in push.series)

    async def append_ingest(self, profile: IngestProfile) -> None:
        """Forward an /ingest profile. Raises DeliveryError."""
        await self._forward(lambda child: child.append_ingest(profile))

    def debug_info_clients(self) -> list[DebugInfoClient]:
        """Those of all children."""
        return [client for child in self.children for client in child.debug_info_clients()]

    def families(self) -> Iterator[Family]:
        """The metrics of forwarding."""
        latency = ((), self.latency.buckets(), self.latency.total)
        yield histograms(
            "pyroscope_fanout_latency", "Seconds that forwarding a profile took.", (), (latency,)
        )
        yield counter(
            "pyroscope_forwarded_entries_total", "Samples that every receiver has taken.", self.forwarded
        )

    async def _forward(self, call: Callable[[ProfilesReceiver], Awaitable[None]]) -> None:
        began = perf_counter()
        children = self.children
        try:
            if len(children) == 1:
                failures = [await self._call(call, children[0])]
            else:
                failures = await asyncio.gather(*(self._call(call, child) for child in children))
        finally:
            self.latency.observe(perf_counter() - began)
        failed = [failure for failure in failures if failure is not None]
        if failed:
            raise _joined(failed)

    async def _call(
        self, call: Callable[[ProfilesReceiver], Awaitable[None]], child: ProfilesReceiver
    ) -> DeliveryError | None:
        try:
            await call(child)
        except DeliveryError as error:
            return error.kept()
        except Exception:
            # A fault of one receiver must not keep the profile from the others.
            self._logger.exception("a receiver failed")
            return DeliveryError("internal error")
        return None


def _joined(failures: Sequence[DeliveryError]) -> DeliveryError:
    """One error for each series they are about, in Alloy's form for several errors."""
    by_series: dict[int | None, list[DeliveryError]] = {}
    more = 0
    for failure in failures:
        errors: Sequence[DeliveryError] = (failure,)
        if isinstance(failure, DeliveryErrors):
            errors = failure.errors
            more = max(more, failure.more)  # about the same series, mostly
        for error in errors:
            by_series.setdefault(error.series, []).append(error)
    joined = []
    for series, found in by_series.items():
        lead = next((error for error in found if error.status is not None), found[0])
        heading = "1 error" if len(found) == 1 else f"{len(found)} errors"
        points = "\n\t".join(f"* {error}" for error in found)
        text = f"{heading} occurred:\n\t{points}\n\n"
        joined.append(DeliveryError(text, status=lead.status, code=lead.code, series=series))
    return joined[0] if len(joined) + more == 1 else DeliveryErrors(joined, more)
