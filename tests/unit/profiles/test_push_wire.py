"""The Push wire format where it has its own rules: sharing, bounds, rules for labels."""

from __future__ import annotations

import pytest

from alloypy.profiles.allowance import MAX_FIELDS, Overrun
from alloypy.profiles.labels import with_service_name
from alloypy.profiles.model import RawSample, Series
from alloypy.profiles.pb.push_pb2 import PushRequest
from alloypy.profiles.push_wire import PushWireError, decode_push, encode_push

BIG = bytes(range(256)) * 100


def encoded(*series: Series) -> bytes:
    return b"".join(bytes(chunk) for chunk in encode_push(series))


def test_profiles_are_views_into_the_body_and_out_of_it() -> None:
    body = bytearray(encoded(Series({"a": "b"}, [RawSample(BIG)])))
    (series,) = decode_push(body)
    profile = series.samples[0].profile
    assert isinstance(profile, memoryview)
    body[body.index(BIG)] = 0xEE
    assert profile[0] == 0xEE
    assert any(chunk is profile for chunk in encode_push([series]))


def test_small_profiles_travel_with_what_is_around_them() -> None:
    chunks = encode_push([Series({"a": "b"}, [RawSample(b"x"), RawSample(BIG), RawSample(b"y")])] * 2)
    assert [len(chunk) == len(BIG) for chunk in chunks] == [False, True, False, True, False]


def test_nothing_is_nothing() -> None:
    assert encode_push([]) == []
    assert decode_push(b"") == []


def test_equal_labels_are_decoded_once() -> None:
    first, second = decode_push(encoded(*[Series({"a": "b"}, [RawSample(b"x")])] * 2))
    assert first.labels is second.labels


def test_a_rule_is_applied_to_the_labels() -> None:
    body = encoded(Series({"__name__": "n"}, []))
    assert [one.labels for one in decode_push(body)] == [{"__name__": "n"}]
    assert [one.labels for one in decode_push(body, with_service_name)] == [
        {"__name__": "n", "service_name": "n"}
    ]


def test_labels_too_long_to_be_kept_are_decoded_too() -> None:
    labels = {"a": "x" * 5000, "b": "y"}
    assert decode_push(encoded(Series(labels, [])))[0].labels == labels


def test_labels_between_samples_count() -> None:
    message = PushRequest()
    first = message.series.add()
    first.labels.add(name="a", value="1")
    first.samples.add(raw_profile=b"x")
    second = PushRequest()
    other = second.series.add()
    other.labels.add(name="b", value="2")
    inner = first.SerializeToString() + other.SerializeToString()
    body = b"\x0a" + bytes([len(inner)]) + inner
    assert decode_push(body)[0].labels == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    "body",
    [
        b"\x0a",
        b"\x0a\x05abc",
        b"\x0a\x02\x0a\x05",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x00\x01",
        b"\x0e\x01",
        b"\x24",
        b"\x23\x2c",
        b"\x23" * 101 + b"\x24" * 101,
        b"\x1d\x01",
        b"\x19\x01",
        b"\x18\xff",
        b"\x0a\x03\x1a\x01\x0a",
        b"\x0a\x02\x1a\x05",
    ],
)
def test_broken_bodies(body: bytes) -> None:
    with pytest.raises(PushWireError, match="cannot parse invalid wire-format data"):
        decode_push(body)


@pytest.mark.parametrize(
    "body",
    [
        b"\x0a\x07\x0a\x05\x0a\x01\xff\x12\x00",
        b"\x0a\x07\x0a\x05\x12\x01\xff\x0a\x00",
        b"\x0a\x05\x12\x03\x12\x01\xff",
        b"\x0a\x05\x1a\x03\x0a\x01\xff",
    ],
)
def test_texts_have_to_be_utf8(body: bytes) -> None:
    with pytest.raises(PushWireError, match="string field contains invalid UTF-8"):
        decode_push(body)


@pytest.mark.parametrize(
    "flood", [b"\x0a\x00", b"\x18\x00", b"\x23\x24"], ids=["series", "unknown fields", "groups"]
)
def test_a_flood_of_fields_is_refused(flood: bytes) -> None:
    with pytest.raises(Overrun, match=f"more than {MAX_FIELDS} fields"):
        decode_push(flood * (MAX_FIELDS + 1))
