"""Passing profiles to several receivers: one way for all components that forward.

Source: docs/spec/PYROSCOPE.md, section 2.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from time import perf_counter
from typing import Any, Final, NamedTuple, TypeVar

from alloypy.families import Family, counter, histograms
from alloypy.histogram import Histogram
from alloypy.profiles.model import DeliveryError, DeliveryErrors, IngestProfile, Push, joined
from alloypy.profiles.push_wire import profile_count
from alloypy.profiles.receiver import DebugInfoClient, ProfilesReceiver
from alloypy.runtime.contract.component import Flow

DROPPED_AT_SHUTDOWN: Final = "profiles dropped at shutdown"
"""The log line of a component that still has profiles when the shutdown deadline has passed."""

T = TypeVar("T")


class Missed(NamedTuple):
    """A child that did not take a profile.

    child: its position. errors: what went wrong, the first ones if there are many; more: how many more
    there are.
    """

    child: int
    errors: Sequence[DeliveryError]
    more: int = 0


def stores_of(receivers: Sequence[ProfilesReceiver]) -> list[str]:
    """The ids of the components that store what the receivers are given, each once."""
    return list(dict.fromkeys(store for receiver in receivers for store in receiver.stores()))


class Fanout:
    """Passes profiles to all children concurrently, waits for all, and reports which did not take them.

    Receivers raise errors; here they become values, without the tracebacks that would keep the profile.
    children: may be replaced at any time; a call finishes with those it began with.
    """

    def __init__(self, children: Sequence[ProfilesReceiver], logger: logging.Logger) -> None:
        self.children = tuple(children)
        self._logger = logger

    def push(self, push: Push) -> Coroutine[Any, Any, Sequence[Missed]]:
        """Deliver a Push; returns which children did not take it, in the order in which they failed."""
        children = self.children
        if len(children) == 1:  # the usual case, which needs no task
            return self._one(children[0].append, push)
        return self._all([child.append for child in children], push)

    def ingest(self, profile: IngestProfile) -> Coroutine[Any, Any, Sequence[Missed]]:
        """Deliver an /ingest profile; returns which children did not take it, in order of failure."""
        children = self.children
        if len(children) == 1:
            return self._one(children[0].append_ingest, profile)
        return self._all([child.append_ingest for child in children], profile)

    def debug_info_clients(self) -> list[DebugInfoClient]:
        """The clients of all children."""
        return [client for child in self.children for client in child.debug_info_clients()]

    def stores(self) -> list[str]:
        """The components that store what the children are given."""
        return stores_of(self.children)

    async def _one(self, deliver: Callable[[T], Awaitable[None]], what: T) -> Sequence[Missed]:
        try:
            await deliver(what)
        except Exception as error:
            return (self._missed(0, error),)
        return ()

    async def _all(self, deliveries: Sequence[Callable[[T], Awaitable[None]]], what: T) -> Sequence[Missed]:
        missed: list[Missed] = []

        async def outcome(child: int, deliver: Callable[[T], Awaitable[None]]) -> None:
            try:
                await deliver(what)
            except Exception as error:
                missed.append(self._missed(child, error))

        await asyncio.gather(*(outcome(child, deliver) for child, deliver in enumerate(deliveries)))
        return missed

    def _missed(self, child: int, error: Exception) -> Missed:
        if isinstance(error, DeliveryErrors):
            return Missed(child, error.errors, error.more)
        if isinstance(error, DeliveryError):
            return Missed(child, (error.kept(),))
        # A bug in one receiver must not keep the profile from the others.
        self._logger.error("a receiver failed", exc_info=error)
        return Missed(child, (DeliveryError("internal error", retry=True),))


class Relay(Fanout):
    """The fan-out of a component between receiving and sending: it counts, and raises as a receiver does."""

    def __init__(self, children: Sequence[ProfilesReceiver], logger: logging.Logger) -> None:
        super().__init__(children, logger)
        self.latency = Histogram()
        self.forwarded = 0
        self.missed = 0

    async def append(self, push: Push) -> None:
        """Forward a Push. Raises DeliveryError."""
        began = perf_counter()
        try:
            missed = await self.push(push)
        finally:
            self.latency.observe(perf_counter() - began)
        if missed:
            self.missed += 1
            raise _together(missed)
        self.forwarded += profile_count(push.series)

    async def append_ingest(self, profile: IngestProfile) -> None:
        """Forward an /ingest profile. Raises DeliveryError."""
        began = perf_counter()
        try:
            missed = await self.ingest(profile)
        finally:
            self.latency.observe(perf_counter() - began)
        if missed:
            self.missed += 1
            raise _together(missed)

    def flow(self, of: str) -> Flow:
        """What was to be forwarded, and what every receiver has taken. of: what a call stands for."""
        entered = sum(self.latency.counts)
        return Flow(of, entered, entered - self.missed, self.missed)

    def families(self) -> Iterator[Family]:
        """The metrics of forwarding."""
        latency = ((), self.latency.buckets(), self.latency.total)
        yield histograms(
            "pyroscope_fanout_latency", "Seconds that forwarding a profile took.", (), (latency,)
        )
        yield counter(
            "pyroscope_forwarded_entries_total", "Samples that every receiver has taken.", self.forwarded
        )


def _together(missed: Sequence[Missed]) -> DeliveryError:
    """One error for each series concerned, in Alloy's form for several errors."""
    by_series: dict[int | None, list[DeliveryError]] = {}
    for one in sorted(missed, key=lambda each: each.child):
        for error in one.errors:
            by_series.setdefault(error.series, []).append(error)
    errors = []
    for found in by_series.values():
        heading = "1 error" if len(found) == 1 else f"{len(found)} errors"
        points = "\n\t".join(f"* {error}" for error in found)
        errors.append(joined(found, f"{heading} occurred:\n\t{points}\n\n"))
    more = max(one.more for one in missed)  # usually about the same series
    return errors[0] if len(errors) + more == 1 else DeliveryErrors(errors, more)
