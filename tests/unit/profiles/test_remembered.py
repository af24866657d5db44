"""The caches of label sets stay within their limits in bytes, whatever clients send."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator

import pytest

from alloypy.components.pyroscope import relabel as relabel_module
from alloypy.components.pyroscope.relabel import Cache
from alloypy.components.pyroscope.sending.ingest import IngestLabels
from alloypy.components.pyroscope.sending.push import PushLabels
from alloypy.lang.go.regexp import parse_regexp
from alloypy.profiles.ingest_name import ingest_labels
from alloypy.profiles.labels import with_service_name
from alloypy.profiles.model import Labels, Series
from alloypy.profiles.pb import push_pb2
from alloypy.profiles.push_wire import decode_push, encode_push
from alloypy.profiles.relabel import RelabelRules, Rule
from alloypy.profiles.remembered import LABELS, Memory, Room

KEEP = RelabelRules([Rule(parse_regexp(".*"), "keep", ("service_name",))])


def message(labels: Labels) -> bytes:
    series = push_pb2.RawProfileSeries(
        labels=[push_pb2.LabelPair(name=name, value=value) for name, value in labels.items()]
    )
    return push_pb2.PushRequest(series=[series]).SerializeToString()


def label_sets(count: int, size: int) -> Iterator[Labels]:
    return ({"service_name": "x", "big": f"{number:06}".ljust(size, "x")} for number in range(count))


def test_a_memory_forgets_what_it_took_first() -> None:
    room = Room(1000)
    memory: Memory[int, str] = Memory(room)
    for number in range(4):
        memory.put(number, "x", 20)
    assert (len(memory), memory.get(0), memory.get(1)) == (3, None, ("x", 320))
    assert room.held == memory.held == 3 * 320


def test_a_key_counts_once() -> None:
    room = Room(1000)
    memory: Memory[int, str] = Memory(room)
    for _ in range(10):
        memory.put(1, "x", 20)
    assert room.held == 320
    memory.clear()
    assert (room.held, len(memory)) == (0, 0)


def test_the_fullest_memory_of_a_room_makes_place() -> None:
    room = Room(1000)
    full: Memory[int, str] = Memory(room)
    small: Memory[int, str] = Memory(room)
    for number in range(3):
        full.put(number, "x", 0)
    small.put(0, "y", 0)
    assert (len(full), len(small)) == (2, 1)


def test_a_memory_that_is_dropped_leaves_its_room() -> None:
    room = Room(1000)
    memory: Memory[int, str] = Memory(room)
    memory.put(1, "x", 20)
    del memory
    gc.collect()
    assert room.held == 0


def test_what_is_large_is_not_remembered() -> None:
    memory: Memory[int, str] = Memory(Room(1 << 20))
    memory.put(1, "x", 16 << 10)
    assert len(memory) == 0


@pytest.mark.parametrize(("size", "count"), [(20, 4_000), (1_000, 3_000), (10_000, 1_500), (200_000, 100)])
def test_whatever_clients_send_takes_no_more_than_the_room(size: int, count: int) -> None:
    push, ingest = PushLabels({}), IngestLabels({})
    tracemalloc.start()
    for labels in label_sets(count, size):
        (series,) = decode_push(message(labels), with_service_name)
        encode_push([Series(push.apply(series.labels), ())])
        ingest.apply(ingest_labels(f"x{{big={labels['big']}}}".encode()))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert LABELS.held <= LABELS.size
    assert held < LABELS.size + (1 << 20)


@pytest.mark.parametrize(("size", "count"), [(1_000, 12_000), (6_000, 2_000)])
def test_relabelled_sets_take_no_more_than_their_room(size: int, count: int) -> None:
    cache = Cache(100_000, KEEP)
    tracemalloc.start()
    for labels in label_sets(count, size):
        assert cache.relabel(labels, KEEP) == labels
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 100 < len(cache) < count
    assert held < relabel_module._ROOM.size + (1 << 20)


def test_label_sets_of_usual_size_are_shared_between_requests() -> None:
    body = message({"service_name": "x", "pod": "y"})
    first, second = (decode_push(body, with_service_name)[0].labels for _ in range(2))
    assert first is second
    assert ingest_labels(b"x{pod=y}") is ingest_labels(b"x{pod=y}")
