"""What watches profiles for viewers: selection, samples, bounds, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import logging
import weakref
from collections.abc import Sequence

import pytest

from alloypy.lang.brief import brief
from alloypy.runtime.contract.events import (
    DeadLetter,
    Dropped,
    Event,
    Events,
    Failed,
    Noted,
    Queued,
    Received,
    Relabelled,
    Sent,
)
from alloypy.runtime.pace import Pace
from alloypy.services.web.live_bodies import LARGEST, MOST, MOST_BYTES, Bodies
from alloypy.services.web.live_hub import Hub
from alloypy.services.web.live_matching import VERDICTS, MatchError, Wanted, read_selector, read_verdicts
from alloypy.services.web.live_rows import Batch, line
from alloypy.services.web.live_viewers import MOST_LINES, MOST_ROWS, LineViewer, Rates, RowViewer, evenly
from tests.support.waiting import until

pytestmark = pytest.mark.anyio
ALL = Wanted(frozenset(VERDICTS.values()))


class Buffer(bytearray):
    """Can be watched."""


def hub(events: Events | None = None) -> Hub:
    return Hub(events or Events(), lambda component, position: f"rule {position}")


def batch(
    events: Sequence[Event], missed: int = 0, bodies: Bodies | None = None, explained: str = ""
) -> Batch:
    noted = [Noted(1.0, event, sum(map(len, event.body))) for event in events]
    return Batch(noted, 1, missed, bodies or Bodies(), lambda component, position: explained)


def received(count: int, body: bytes = b"p") -> list[Event]:
    return [Received("c", {"n": str(number)}, (body,)) for number in range(count)]


def message(viewer: RowViewer) -> dict[str, object]:
    content: dict[str, object] = json.loads(viewer._message().decode().removeprefix("data: "))
    return content


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ('{a="x"}', True),
        ('a="x"', True),
        (' { a = "x" , } ', True),
        ('{a="y"}', False),
        ('{a!="y"}', True),
        ('{b=""}', True),
        ('{b!=""}', False),
        ('{a=~"x|y"}', True),
        ('{a=~"X"}', False),
        ('{a!~"x.+"}', True),
        ("{a=~`x\\x00?`}", True),
        ('{a="\\u0078"}', True),
        ('{"odd name"="1"}', True),
        ('{a="x",c.d="2"}', True),
        ('{a="x",c.d="3"}', False),
    ],
)
def test_selectors(text: str, accepted: bool) -> None:
    selector = read_selector(text)
    assert selector is not None
    labels = {"a": "x", "odd name": "1", "c.d": "2"}
    assert selector.admits(Received("c", labels, ()), {}) is accepted
    assert selector.admits(Relabelled("c", {}, (), labels), {}) or not accepted


@pytest.mark.parametrize("text", ["", "  ", "{}", " { } "])
def test_an_empty_selector_selects_everything(text: str) -> None:
    assert read_selector(text) is None


@pytest.mark.parametrize("text", ['{a="x"', 'a="x"}', "a", 'a="x" b="y"', 'a=="x"', "a=x", 'a="x', "=", ","])
def test_a_selector_that_cannot_be_read(text: str) -> None:
    with pytest.raises(MatchError, match="expected"):
        read_selector(text)


def test_verdicts() -> None:
    assert read_verdicts(None) == frozenset(VERDICTS.values())
    assert read_verdicts("sent, failed,") == {VERDICTS["sent"], VERDICTS["failed"]}
    assert read_verdicts("none") == read_verdicts("") == frozenset()


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 99, 100, 1000, 4096])
def test_samples_are_even(count: int) -> None:
    chosen = evenly(range(count), MOST_ROWS)
    assert len(chosen) == min(count, MOST_ROWS)
    gaps = {after - before for before, after in itertools.pairwise(chosen)}
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_profiles_are_held_within_bounds() -> None:
    bodies = Bodies()
    large = [bytes(1 << 20) for _ in range(30)]
    names = [bodies.hold([each], {}, {})[0] for each in large]
    held = [name for name in names if bodies.get(name) is not None]
    assert held == names[-(MOST_BYTES >> 20) :]
    assert bodies.hold([large[-1]], {}, {}) == names[-1:]
    small = [bodies.hold([b"%d" % number], {}, {})[0] for number in range(100)]
    assert [name for name in (*names, *small) if bodies.get(name) is not None] == small[-MOST:]
    assert bodies.first == int(small[-MOST].partition("-")[2])
    assert bodies.hold([bytes(LARGEST + 1)], {}, {}) == bodies.hold([b"a", b""], {}, {}) == []
    assert bodies.hold([b"a"] * (MOST + 1), {}, {}) == []
    assert bodies.clear()
    assert not bodies.clear()
    assert bodies.get(small[-1]) is None


def test_a_small_part_of_a_large_request_is_copied() -> None:
    bodies = Bodies()
    request = Buffer(b"x" * 100_000)
    watch = weakref.ref(request)
    view = memoryview(request)[10:20]
    copies: dict[int, str] = {}
    (name,) = bodies.hold([view], copies, {"a": "b"})
    assert bodies.hold([view], copies, {"a": "b"}) == [name]
    del view, request
    gc.collect()
    assert watch() is None
    held = bodies.get(name)
    assert held is not None
    assert (bytes(held.content), held.labels) == (b"x" * 10, {"a": "b"})


async def test_components_publish_only_while_somebody_looks() -> None:
    events = Events()
    watching = hub(events)
    with watching.joined(RowViewer(watching, Wanted(frozenset()))):
        await asyncio.sleep(0)
        assert not events.wanted
    looking, resting = RowViewer(watching, ALL), RowViewer(watching, Wanted(frozenset()))
    with watching.joined(resting):
        with watching.joined(looking):
            await until(lambda: events.wanted)
            events.publish(received(1)[0])
            await until(lambda: looking._rows)
            (row,) = map(json.loads, looking._rows)
            assert watching.bodies.get(row["body"])
        await until(lambda: not events.wanted)
        assert watching.bodies.get(row["body"])
    assert watching.bodies.get(row["body"]) is None


async def test_bodies_are_not_kept_for_streams_of_text() -> None:
    events = Events()
    watching = hub(events)
    lines = LineViewer(watching, "c", 1)
    with watching.joined(lines):
        await until(lambda: events.wanted)
        body = Buffer(b"x" * 100)
        watch = weakref.ref(body)
        events.publish(Received("c", {}, (body,)))
        del body
        gc.collect()
        assert watch() is None
        await until(lambda: lines._lines)
    assert lines._lines == ["profile: labels={}, size=100"]


def test_what_a_queue_does_is_said_in_rows_and_lines() -> None:
    dead = DeadLetter("q", {"a": "b"}, (b"p",), "pyroscope.write.eu", "refused", "no stacks")
    seen = batch([Queued("q", {"a": "b"}, (b"p",)), dead])
    queued, buried = (json.loads(seen.row(index)) for index in (0, 1))
    assert (queued["verdict"], queued["size"]) == ("queued", 1)
    assert (buried["verdict"], buried["destination"], buried["reason"]) == (
        "dead_letter",
        "pyroscope.write.eu",
        "refused: no stacks",
    )
    assert [line(each) for each in seen.events] == [
        'profile: labels={a="b"}, size=1',
        'profile: {a="b"} => <dead letter for pyroscope.write.eu, refused: no stacks>',
    ]


def test_rows_are_json_whatever_texts_contain() -> None:
    odd = '\x00"\\\ud800é</script>\u2028'
    labels = {"a": odd, odd: "b"}
    ends = ("http://h/" + odd, 503, 0.1234567, 3)
    events: list[Event] = [
        Received("c" + odd, labels, (b"p", b"q")),
        Received("c", {}, ()),
        Relabelled("c", {}, (b"p",), labels),
        Dropped("c", labels, (b"p",), 2),
        Sent("c", labels, (b"p",), *ends),
        Failed("c", labels, (b"p",), odd * 1000, *ends),
        Failed("c", labels, (b"p",), "lost"),
        Received("c", {f"l{number:02}": "v" * 501 for number in range(65)}, (b"p",)),
    ]
    seen = batch(events, explained=odd)
    rows = [json.loads(seen.row(index)) for index in range(len(events))]
    assert [row["id"] for row in rows] == list(range(1, 9))
    assert [row["at"] for row in rows] == [1.0] * 8
    names = (rows[0]["component"], rows[0]["labels"], rows[0]["size"], rows[0]["body"])
    assert names == ("c" + odd, labels, 2, rows[0]["bodies"][0])
    assert (len(rows[0]["bodies"]), rows[1]["body"], "bodies" in rows[1]) == (2, None, False)
    assert rows[2]["before"] == labels
    assert (rows[3]["rule"], rows[3]["reason"]) == (2, odd)
    outcome = {"endpoint": ends[0], "status": 503, "seconds": 0.123457, "tries": 3}
    assert outcome.items() <= rows[4].items()
    assert outcome.items() <= rows[5].items()
    assert rows[5]["reason"] == brief(odd * 1000, 1000)
    assert (rows[6]["status"], rows[6]["seconds"], rows[6]["endpoint"]) == (None, 0.0, "")
    assert (len(rows[7]["labels"]), rows[7]["labels"]["..."]) == (65, "1 more labels")
    assert rows[7]["labels"]["l00"] == brief("v" * 501, 500)


async def test_a_selector_chooses_by_component_labels_and_what_happened() -> None:
    events = [*received(600), Received("d", {"n": "5"}, ()), Failed("c", {"n": "5"}, (), "lost")]
    seen = batch(events)
    wanted = Wanted(frozenset({Received}), read_selector('n=~"5|599"'), "c")
    assert await seen.wanted(wanted, Pace()) == [5, 599]
    assert await seen.wanted(wanted._replace(component=""), Pace()) == [5, 599, 600]
    assert await seen.wanted(Wanted(frozenset({Failed})), Pace()) == [601]


async def test_only_what_a_viewer_wants_is_kept_for_it() -> None:
    events = Events()
    watching = hub(events)
    failures, everything = (RowViewer(watching, each) for each in (Wanted(frozenset({Failed})), ALL))
    with watching.joined(failures):
        await until(lambda: events.wanted)
        body = Buffer(b"x")
        watch = weakref.ref(body)
        events.publish(Received("c", {}, (body,)))
        del body
        assert watch() is None
        with watching.joined(everything):
            events.publish(received(1)[0])
            await until(lambda: everything._seen)
        events.publish(Failed("c", {}, (), "lost"))
        await until(lambda: failures._seen)
    assert (failures._seen, everything._seen) == (1, 1)


async def test_switching_off_ends_views_and_lets_go() -> None:
    events = Events()
    watching = hub(events)
    viewer = RowViewer(watching, ALL)
    messages = viewer.messages()
    assert b'"rows":[]' in await anext(messages)
    await until(lambda: events.wanted)
    events.publish(received(1)[0])
    row = json.loads((await anext(messages)).decode().partition("data: ")[2])["rows"][0]
    watching.switch(False)
    assert watching.bodies.get(row["body"]) is None
    assert (await anext(messages)).startswith(b"event: off\n")
    with pytest.raises(StopAsyncIteration):
        await anext(messages)
    await until(lambda: not events.wanted)


async def test_a_viewer_that_is_not_read_keeps_one_sample_and_counts() -> None:
    viewer = RowViewer(hub(), ALL)
    bodies = Bodies()
    for _ in range(100):
        await viewer.see(batch(received(60), 5, bodies), Pace())
    first = message(viewer)
    assert (first["seen"], first["shown"], first["missed"]) == (6000, 50, 500)
    assert message(viewer)["rows"] == []


async def test_lines_that_nobody_reads_are_dropped_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    lines = LineViewer(hub(), "c", 1)
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            await lines.see(batch(received(900)), Pace())
    assert len(lines._lines) == MOST_LINES
    assert [record.message for record in caplog.records] == [
        "data throughput is very high, not all debugging data can be sent the live debugging stream"
    ]


async def test_a_share_of_lines() -> None:
    lines = LineViewer(hub(), "c", 0.5)
    await lines.see(batch(received(1000)), Pace())
    assert 300 < len(lines._lines) < 700


async def test_rates_of_a_module() -> None:
    root, module = Rates(""), Rates("m.x")
    events: list[Event] = [
        Received("a", {}, ()),
        Received("a", {}, ()),
        Failed("a", {}, (), "lost"),
        Received("m.x/a", {}, ()),
        Received("m.x/n.y/a", {}, ()),
        Failed("b", {}, (), "lost"),
        Queued("q", {}, ()),
        DeadLetter("q", {}, (), "b", "refused", "no"),
    ]
    for rates in (root, module):
        await rates.see(batch(events, missed=8), Pace())

    def taken(rates: Rates) -> dict[str, float]:
        items = json.loads(rates.take(2).decode().removesuffix("|;|"))
        return {each["componentID"]: each["rate"] for each in items}

    assert taken(root) == {"a": 2, "b": 0, "q": 1}
    assert taken(module) == {"m.x/a": 1}
    assert root.take(2) == b"[]|;|"
