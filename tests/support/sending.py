"""pyroscope.write alone in this process: tests pass profiles in, and it sends them over real sockets."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from alloypy.components.http_client import HTTPClientArguments
from alloypy.components.pyroscope.write import Arguments, EndpointArguments, Exports, Write
from alloypy.lang.go.duration import Duration
from alloypy.profiles.model import Buffer, IngestProfile, Push, RawSample, Series
from alloypy.profiles.receiver import ProfilesReceiver
from alloypy.runtime.contract.component import Metrics
from tests.support.metrics import metric
from tests.support.receiving import LogLines, component_options

MILLISECOND = 10**6
PUSH_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/proto\r\nContent-Length: 0\r\n\r\n"
INGEST_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
LABELS = {"__name__": "process_cpu", "env": "prod", "service_name": "svc"}


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """A reply's bytes."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def endpoint(url: str, **changes: Any) -> EndpointArguments:
    """An endpoint that tries three times with hardly any pause."""
    client = {
        key: changes.pop(key)
        for key in list(changes)
        if key in [each.name for each in dataclasses.fields(HTTPClientArguments)]
    }
    values: dict[str, Any] = {
        "url": url,
        "min_backoff_period": Duration(MILLISECOND),
        "max_backoff_period": Duration(MILLISECOND),
        "max_backoff_retries": 3,
        "http_client": HTTPClientArguments(**client),
    }
    return EndpointArguments(**(values | changes))


def arguments(*endpoints: EndpointArguments, **changes: Any) -> Arguments:
    """Arguments with these endpoints."""
    return Arguments(endpoints=endpoints, **changes)


def push(*labels: dict[str, str], profile: bytes = b"raw", **changes: Any) -> Push:
    """A Push with one sample for each label set."""
    series = [
        Series(each, (RawSample(profile + str(position).encode(), f"id-{position}"),), position)
        for position, each in enumerate(labels or (LABELS,))
    ]
    return Push(series, **changes)


def ingest(
    query: str = "name=x&from=1", body: Sequence[Buffer] = (b"body",), **changes: Any
) -> IngestProfile:
    """An /ingest profile."""
    values = {"body": body, "labels": LABELS, "path": "/ingest", "query": query, "content_type": ("a/b",)}
    return IngestProfile(**(values | changes))


class Writing:
    """A running pyroscope.write."""

    def __init__(self, component: Write, exports: list[Exports], registry: Metrics, log: LogLines):
        self.component = component
        self.exports = exports
        self.registry = registry
        self.log = log
        self.task = asyncio.create_task(component.run())

    @property
    def receiver(self) -> ProfilesReceiver:
        return self.exports[-1].receiver

    async def update(self, given: Arguments) -> None:
        """What a reload does."""
        await self.component.prepare_update(given)
        await self.component.update(given)

    async def stop(self) -> None:
        """What a shutdown does."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def metric(self, name: str, **labels: str) -> float | None:
        """The value of a sample, summed over the labels not given."""
        return metric(self.registry.collect(), f"pyroscope_write_{name}", **labels)

    def counts(self) -> dict[str, float | None]:
        """All counters, over all endpoints."""
        names = ("sent_bytes", "sent_profiles", "dropped_bytes", "dropped_profiles", "retries")
        return {name: value for name in names if (value := self.metric(f"{name}_total")) is not None}


@asynccontextmanager
async def writing(given: Arguments, **changes: Any) -> AsyncIterator[Writing]:
    """Run pyroscope.write while the block lasts."""
    registry = Metrics()
    log = LogLines()
    logger = logging.Logger("write", logging.DEBUG)
    logger.addHandler(log)
    exports: list[Exports] = []
    options = component_options(
        registry, logger, id="pyroscope.write.test", set_exports=exports.append, **changes
    )
    component = Write(options, given)
    await component.prepare()
    running = Writing(component, exports, registry, log)
    await asyncio.sleep(0)
    try:
        yield running
    finally:
        await running.stop()
