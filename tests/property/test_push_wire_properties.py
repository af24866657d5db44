"""The Push wire against the generated protobuf code: same in, same out, and no crash on any bytes."""

from __future__ import annotations

from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.profiles.labels import label_set
from alloypy.profiles.model import RawSample, Series
from alloypy.profiles.pb.push_pb2 import PushRequest
from alloypy.profiles.push_wire import PushWireError, decode_push, encode_push, profile_bytes
from tests.support.profiles import series_contents
from tests.support.protobuf import varint
from tests.support.push_messages import protobuf_of
from tests.support.watchdog import briefly

TEXT = st.text(max_size=8)
PROFILE = st.one_of(st.binary(max_size=20), st.integers(500, 2000).map(bytes))
SAMPLES = st.lists(st.tuples(PROFILE, TEXT), max_size=3)
PAIRS = st.lists(st.tuples(st.sampled_from(["a", "b", "__name__", ""]) | TEXT, TEXT), max_size=4)
REQUESTS = st.lists(st.tuples(PAIRS, SAMPLES), max_size=4)


def series_of(message: PushRequest) -> list[Series]:
    return [
        Series(
            label_set((pair.name, pair.value) for pair in one.labels),
            [RawSample(sample.raw_profile, sample.ID) for sample in one.samples],
            position,
        )
        for position, one in enumerate(message.series)
    ]


@settings(max_examples=200)
@given(REQUESTS)
@briefly()
def test_decoding_equals_protobuf(request: list) -> None:
    message = protobuf_of(request)
    assert series_contents(decode_push(message.SerializeToString())) == series_contents(series_of(message))


@settings(max_examples=200)
@given(REQUESTS)
@briefly()
def test_encoding_is_protobuf_with_sorted_labels(request: list) -> None:
    series = series_of(protobuf_of(request))
    encoded = b"".join(bytes(chunk) for chunk in encode_push(series))
    expected = protobuf_of(
        (sorted(one.labels.items()), [(bytes(s.profile), s.id) for s in one.samples]) for one in series
    )
    assert encoded == expected.SerializeToString()
    assert series_contents(decode_push(encoded)) == series_contents(series)
    assert profile_bytes(series) == sum(len(s.profile) for one in series for s in one.samples)


UNKNOWN = st.sampled_from(
    [
        b"\x18\x05",
        b"\x22\x03abc",
        b"\x1a\x04\x0a\x02ab",
        b"\x25\x01\x02\x03\x04",
        b"\x29" + bytes(8),
        b"\x23\x18\x01\x24",
        b"\x08\x01",
    ]
)


@settings(max_examples=200)
@given(st.lists(st.tuples(PAIRS, SAMPLES, UNKNOWN), max_size=3), UNKNOWN)
@briefly()
def test_unknown_fields_are_skipped_as_protobuf_does(request: list, outer: bytes) -> None:
    body = outer
    for pairs, samples, inner in request:
        one = protobuf_of([(pairs, samples)]).series[0].SerializeToString()
        half = inner + one + inner
        body += protobuf_of([]).SerializeToString() + b"\x0a" + varint(len(half)) + half + outer
    found = decode_push(body)
    assert series_contents(found) == series_contents(series_of(PushRequest.FromString(body)))


@settings(max_examples=500)
@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from([0x0A, 0x12, 0x1A, 0x01, 0x02, 0x05, 0xFF, 0x61]), max_size=40).map(bytes)
)
@briefly()
def test_any_bytes_are_read_as_protobuf_reads_them(body: bytes) -> None:
    assert_read_as_protobuf_reads(body)


def assert_read_as_protobuf_reads(body: bytes) -> None:
    try:
        expected = series_contents(series_of(PushRequest.FromString(body)))
    except DecodeError:
        expected = None
    try:
        actual = series_contents(decode_push(body))
    except PushWireError:
        actual = None
    assert actual == expected


@settings(max_examples=200)
@given(st.binary(max_size=60), REQUESTS)
@briefly()
def test_damaged_requests_are_read_as_protobuf_reads_them(noise: bytes, request: list) -> None:
    good = protobuf_of(request).SerializeToString()
    for body in (good[: len(noise)], good + noise, noise + good):
        assert_read_as_protobuf_reads(body)
