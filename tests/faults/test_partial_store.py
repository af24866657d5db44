"""A backend that stores part of what it refuses, or starts or stops: nothing is lost or duplicated."""

# ruff: noqa: SIM117 -- servers outside, the component inside reads better

from __future__ import annotations

import asyncio

import pytest

from alloypy.lang.go.duration import Duration
from alloypy.profiles.model import DeliveryError
from tests.support.partial_store import OUTDATED, PartialStore
from tests.support.scripted import scripted
from tests.support.sending import LABELS, arguments, endpoint, ingest, push, writing
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

PAUSES = {
    "min_backoff_period": Duration(50 * 10**6),
    "max_backoff_period": Duration(400 * 10**6),
    "max_backoff_retries": 10,
}
SERIES = [{**LABELS, "n": str(number)} for number in range(6)]


async def test_a_push_beyond_the_burst_comes_through_with_each_series_stored_once() -> None:
    store = PartialStore(rate=400_000, burst=200_000)
    async with scripted(store.talk) as backend:
        async with writing(arguments(endpoint(f"http://127.0.0.1:{backend.port}", **PAUSES))) as running:
            await running.receiver.append(push(*SERIES, profile=bytes(59_000)))
            assert running.metric("sent_profiles_total") == 6
            assert running.metric("dropped_profiles_total") is None
    assert store.stored == {f"id-{number}": 1 for number in range(6)}


async def test_the_neighbours_of_a_refused_series_are_stored_once() -> None:
    store = PartialStore()
    series = [SERIES[0], {**SERIES[1], OUTDATED: "yes"}, SERIES[2]]
    async with scripted(store.talk) as backend:
        async with writing(arguments(endpoint(f"http://127.0.0.1:{backend.port}", **PAUSES))) as running:
            with pytest.raises(DeliveryError, match="outside of ingestion window") as caught:
                await running.receiver.append(push(*series))
    assert (caught.value.series, caught.value.status) == (1, 400)
    assert store.stored == {"id-0": 1, "id-2": 1}


async def test_an_ingest_profile_waits_for_a_server_that_starts_or_stops() -> None:
    store = PartialStore()
    store.available = False
    async with scripted(store.talk) as backend:
        async with writing(arguments(endpoint(f"http://127.0.0.1:{backend.port}", **PAUSES))) as running:
            tasks = [asyncio.create_task(running.receiver.append_ingest(ingest()))]
            tasks.append(asyncio.create_task(running.receiver.append(push())))
            await until(lambda: len(backend.requests) >= 4)
            store.available = True
            await asyncio.gather(*tasks)
            assert running.metric("sent_profiles_total") == 2
    assert sorted(store.stored.values()) == [1, 1]


async def test_an_ingest_profile_that_is_refused_for_good_is_not_tried_again() -> None:
    store = PartialStore()
    async with scripted(store.talk) as backend:
        async with writing(arguments(endpoint(f"http://127.0.0.1:{backend.port}", **PAUSES))) as running:
            with pytest.raises(DeliveryError) as caught:
                await running.receiver.append_ingest(ingest(labels={**LABELS, OUTDATED: "yes"}))
    assert len(backend.requests) == 1
    assert caught.value.status == 422
    assert caught.value.reason == (
        "pushing IngestInput-pprof failed push series with index 0 and id failed: "
        "invalid_argument: profile is outside of ingestion window"
    )
