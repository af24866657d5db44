"""The JSON form of a Push against protobuf's own, and against any bytes."""

from __future__ import annotations

import contextlib
import json

from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.profiles.json_tokens import JSONError
from alloypy.profiles.labels import label_set
from alloypy.profiles.model import RawSample, Series
from alloypy.profiles.push_json import decode_push_json
from tests.support.profiles import series_contents
from tests.support.push_messages import protobuf_of
from tests.support.watchdog import briefly

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=4)
SAMPLES = st.lists(st.tuples(st.binary(max_size=20), TEXT), max_size=3)
REQUESTS = st.lists(st.tuples(PAIRS, SAMPLES), max_size=4)


@settings(max_examples=200)
@given(REQUESTS, st.booleans(), st.booleans(), st.sampled_from([None, 1, 4]))
@briefly()
def test_decoding_equals_protobuf(request: list, snake: bool, plain: bool, indent: int | None) -> None:
    message = protobuf_of(request)
    values = json_format.MessageToDict(message, preserving_proto_field_name=snake)
    text = json.dumps(values, indent=indent, ensure_ascii=not plain)
    expected = [
        Series(
            label_set((pair.name, pair.value) for pair in one.labels),
            [RawSample(sample.raw_profile, sample.ID) for sample in one.samples],
            position,
        )
        for position, one in enumerate(message.series)
    ]
    assert series_contents(decode_push_json(text.encode())) == series_contents(expected)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["series", "labels", "samples", "name", "rawProfile", "x"]) | TEXT,
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@settings(max_examples=300)
@given(JSON)
@briefly()
def test_unknown_fields_of_any_kind_are_passed_over(value: object) -> None:
    text = json.dumps(
        {"unknown": value, "series": [{"labels": [{"name": "a", "value": "b", "more": value}]}]}
    )
    assert [one.labels for one in decode_push_json(text.encode())] == [{"a": "b"}]


@settings(max_examples=300)
@given(JSON | st.binary(max_size=40), st.binary(max_size=3), st.integers(0, 40))
@briefly()
def test_anything_is_read_or_refused(value: object, noise: bytes, at: int) -> None:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    text = body[:at] + noise + body[at:]
    with contextlib.suppress(JSONError):
        series = decode_push_json(text)
        assert len(series) == len(json.loads(text).get("series") or [])
