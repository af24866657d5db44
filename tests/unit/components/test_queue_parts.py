"""What alloypy.queue stores of a profile, how it judges failures, and how fast it sends."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloypy.components.own.delivering.messages import (
    Unreadable,
    ingest_message,
    push_message,
    read_message,
    stored_in,
    words_of,
)
from alloypy.components.own.delivering.pace import Pace, Pauses
from alloypy.components.own.delivering.suspects import SECONDS, TRIES, Suspects
from alloypy.components.own.delivering.verdict import Verdict, verdict
from alloypy.profiles.labels import InvalidLabels
from alloypy.profiles.model import Buffer, DeliveryError, IngestProfile, Push, RawSample, Series
from alloypy.queueing.record import Place, Record
from tests.support.profiles import contents

MOMENT = 1_795_718_562_300_000_001
LABELS = {"__name__": "cpu", "service_name": "shop"}
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)


def as_read(body: list[Buffer]) -> list[Buffer]:
    """The body as it comes back from a file: in one piece."""
    return [b"".join(body)]


@given(
    samples=st.lists(st.tuples(st.binary(max_size=50), TEXTS), max_size=4),
    headers=st.lists(st.tuples(TEXTS, TEXTS), max_size=2),
    values=st.dictionaries(
        st.from_regex("[a-z_]+", fullmatch=True), TEXTS.filter(bool), min_size=1, max_size=4
    ),
)
def test_a_series_is_read_as_it_was_stored(
    samples: list[tuple[bytes, str]], headers: list[tuple[str, str]], values: dict[str, str]
) -> None:
    series = Series(values, [RawSample(*each) for each in samples], 3)
    message = push_message(series, headers, MOMENT)
    in_memory = stored_in(Record(Place(1, 1), 0, message.meta, message.body, note=message.stored))
    assert in_memory is message.stored
    assert contents(in_memory) == contents(read_message(message.meta, message.body))
    for body in (message.body, as_read([*message.body])):
        stored = stored_in(Record(Place(1, 1), 0, message.meta, body))
        assert isinstance(stored, Push)
        assert (stored.tries, stored.deadline, stored.trace) == (1, None, None)
        assert stored.headers == headers
        (found,) = stored.series
        assert found.labels == values
        assert [each.id for each in found.samples] == [identity for _, identity in samples]
        for before, after in zip(samples, found.samples, strict=True):
            assert bytes(after.profile).endswith(before[0])
            assert len(after.profile) in {len(before[0]) + 10, len(before[0]) + 33}


@given(
    body=st.lists(st.binary(max_size=20), max_size=3),
    path=TEXTS,
    types=st.lists(TEXTS, max_size=2),
    encoding=TEXTS,
    headers=st.lists(st.tuples(TEXTS, TEXTS), max_size=2),
)
def test_an_ingest_profile_is_read_as_it_was_stored(
    body: list[bytes], path: str, types: list[str], encoding: str, headers: list[tuple[str, str]]
) -> None:
    given = IngestProfile(body, LABELS, path, "name=a&from=1&until=2", types, encoding, headers)
    message = ingest_message(given, MOMENT)
    stored = read_message(message.meta, message.body)
    assert isinstance(stored, IngestProfile)
    assert stored.tries == 1
    assert {**contents(stored), "tries": None, "content_type": [*stored.content_type]} == contents(given)
    assert isinstance(message.stored, IngestProfile)
    assert contents(message.stored) == {**contents(stored), "content_type": types}


def test_a_long_profile_is_joined_with_its_time_only_when_it_is_delivered() -> None:
    profile = bytes(100_000)
    message = push_message(Series(LABELS, [RawSample(profile, "a"), RawSample(b"b")]), (), MOMENT)
    assert message.stored is None
    assert message.body[1] is profile
    in_memory, read = (read_message(message.meta, body) for body in (message.body, as_read([*message.body])))
    assert contents(in_memory) == contents(read)
    assert isinstance(read, Push)
    assert [(len(each.profile), each.id) for each in read.series[0].samples] == [(100_010, "a"), (11, "")]


def test_times_are_those_of_reception() -> None:
    packed = gzip.compress(b"profile")
    first = push_message(Series(LABELS, [RawSample(packed)] * 2), (), MOMENT).stored
    assert isinstance(first, Push)
    profiles = [bytes(each.profile) for each in first.series[0].samples]
    assert profiles[0] != profiles[1]
    assert [gzip.decompress(each)[10:] for each in profiles] == [b"profile"] * 2
    stored = ingest_message(IngestProfile((), LABELS, "/ingest", "from=now-1s"), MOMENT).stored
    assert isinstance(stored, IngestProfile)
    assert stored.query == f"from={MOMENT - 10**9}&until={MOMENT}"


def test_labels_that_cannot_be_sent_are_refused_before_they_are_stored() -> None:
    with pytest.raises(InvalidLabels):
        push_message(Series({}, ()), (), MOMENT)
    with pytest.raises(InvalidLabels):
        ingest_message(IngestProfile((), {"a b": "c"}, "/ingest", ""), MOMENT)


@pytest.mark.parametrize(
    "meta", [b"", b"{}", b"[]\n{}", b'{"a":"b"}\n{}', b'{}\n{"push":[[1]]}', b'{}\n{"push":3}', b"\xff\n{}"]
)
def test_what_another_version_has_stored_is_not_a_traceback(meta: bytes) -> None:
    with pytest.raises(Unreadable):
        read_message(meta, [b"x"])


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (DeliveryError("no answer", retry=True), Verdict.DESTINATION),
        (DeliveryError("down", status=503, retry=True), Verdict.DESTINATION),
        (DeliveryError("starting", status=422, retry=True), Verdict.DESTINATION),
        (DeliveryError("login", status=401, code="unauthenticated"), Verdict.DESTINATION),
        (DeliveryError("forbidden", status=403), Verdict.DESTINATION),
        (DeliveryError("wrong URL", status=404, code="not_found"), Verdict.DESTINATION),
        (DeliveryError("moved", status=302), Verdict.DESTINATION),
        (DeliveryError("limit", status=429, retry=True), Verdict.BUSY),
        (DeliveryError("limit", status=429, retry=False), Verdict.BUSY),
        (DeliveryError("bad", status=400, code="invalid_argument"), Verdict.RECORD),
        (DeliveryError("bad", status=422), Verdict.RECORD),
        (DeliveryError("large", status=413), Verdict.RECORD),
        (DeliveryError("invalid labels", code="invalid_argument"), Verdict.RECORD),
        (DeliveryError("is outside of ingestion window (...)", status=400), Verdict.TOO_OLD),
        (DeliveryError("something else"), Verdict.DESTINATION),
    ],
)
def test_whose_fault_it_is(error: DeliveryError, expected: Verdict) -> None:
    assert verdict(error) is expected


class Clock:
    """A clock to be set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


PAUSES = Pauses(0.5, 30.0, lambda: 0.0)


def test_an_outage_leaves_one_probe_with_growing_pauses_and_then_doubles() -> None:
    clock = Clock()
    pace = Pace(16, PAUSES, clock)
    waits = []
    for _ in range(9):
        pace.failed(pace.epoch, busy=False)
        waits.append(pace.wait())
        assert (pace.window, pace.is_open) == (1, True)
        clock.now += pace.wait()
        assert pace.wait() == 0
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    pace.passed()
    assert (pace.window, pace.is_open, pace.wait()) == (1, False, 0)
    for expected in (2, 3, 4):
        pace.passed()
        assert pace.window == expected
    for _ in range(30):
        pace.passed()
    assert pace.window == 16


def test_deliveries_that_fail_together_count_once() -> None:
    pace = Pace(16, PAUSES, Clock())
    epoch = pace.epoch
    for _ in range(16):
        pace.failed(epoch, busy=False)
    assert pace.wait() == 0.5


def test_a_busy_destination_gets_half_as_many_and_its_pause_is_respected() -> None:
    clock = Clock()
    pace = Pace(16, PAUSES, clock)
    pace.failed(pace.epoch, busy=True, wanted=7.0)
    assert pace.wait() == 7.0
    clock.now = 7.0
    pace.passed()
    assert pace.window == 8
    for _ in range(8):
        pace.passed()
    assert pace.window == 8
    for _ in range(2):
        pace.passed()
    assert pace.window == 9
    pace.failed(pace.epoch, busy=True, wanted=3600.0)
    assert pace.wait() == 30.0


def test_a_record_is_poison_only_while_others_pass() -> None:
    record = Record(Place(1, 1), 0, b"", ())
    for others in (0, 5):
        suspects, now = Suspects(), 0.0
        for _ in range(TRIES):
            suspect = suspects.failed(record, now, 10 + others * bool(now), PAUSES, 0.0)
            now += SECONDS / (TRIES - 1)
        assert suspect.is_poison(now, 10 + others) == bool(others)
        assert not suspect.is_poison(SECONDS - 1, 10 + others)
    suspects.forget(record.place.seq)
    assert not len(suspects)


def test_what_has_failed_waits_its_time_unless_it_is_wanted_at_once() -> None:
    first, second = (Record(Place(1, seq), 0, b"", ()) for seq in (1, 2))
    suspects = Suspects()
    suspects.failed(first, 0.0, 0, PAUSES, 0.0)
    suspects.failed(second, 1.0, 0, PAUSES, 9.0)
    assert suspects.next_due(()) == 0.5
    assert (suspects.next_due({1}), suspects.next_due({1, 2})) == (10.0, None)
    assert suspects.due(0.4, (), at_once=False) is None
    assert suspects.due(0.4, (), at_once=True) is first
    assert suspects.due(0.5, {1}, at_once=True) is second
    suspects.release(2.0)
    assert suspects.due(2.0, {1}, at_once=False) is second


def test_the_values_of_passed_headers_that_a_server_repeats_are_hidden() -> None:
    headers = [("Authorization", "Bearer hush-hush"), ("X-Scope-OrgID", "tenant-7")]
    profile = IngestProfile([b"x"], {}, "/ingest", "", (), "", headers)
    error = DeliveryError("tenant-7 may not use hush-hush, said as Bearer hush-hush", status=401)
    assert words_of(error, profile) == "tenant-7 may not use xxxxx, said as xxxxx"
