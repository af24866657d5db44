"""Requests that are larger than they look: read in pieces, refused in Go's words, reported briefly."""

from __future__ import annotations

import base64
import gzip
import json
import random

import pytest

from alloypy.net.gzip import GzipError, TooLarge, Unpacking
from alloypy.profiles import json_tokens, message_json
from alloypy.profiles.allowance import MAX_LABELS, Allowance, Overrun
from alloypy.profiles.json_tokens import JSONError
from alloypy.profiles.labels import InvalidLabels, check_labels, print_labels
from alloypy.profiles.model import DeliveryError, DeliveryErrors, Failures, told
from alloypy.profiles.push_json import decode_push_json
from alloypy.profiles.push_wire import PushWireError, decode_push
from tests.support.attacks import series


def push(value: str, profile: str = "") -> bytes:
    """A Push in JSON whose strings are inserted as given."""
    sample = f'{{"rawProfile":"{profile}"}}'
    return f'{{"series":[{{"labels":[{{"name":"a","value":"{value}"}}],"samples":[{sample}]}}]}}'.encode()


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_tokens, "_PIECE_BYTES", 16)
    monkeypatch.setattr(message_json, "_PIECE_BYTES", 64)


# JSON


@pytest.mark.parametrize("seed", range(40))
def test_strings_are_read_in_pieces_as_a_whole(seed: int) -> None:
    pick = random.Random(seed)
    text = "".join(pick.choices('aé\u4e00\U0001f600"\\/\n\t\x7f', k=pick.randrange(200)))
    for ascii_only in (True, False):
        written = json.dumps(text + "a", ensure_ascii=ascii_only)[1:-1].replace("/", r"\/")
        assert decode_push_json(push(written))[0].labels == {"a": text + "a"}


@pytest.mark.parametrize("size", [0, 1, 2, 46, 47, 48, 49, 95, 96, 97, 200])
@pytest.mark.parametrize("alphabet", ["+/", "-_"])
def test_base64_is_decoded_in_pieces_as_a_whole(size: int, alphabet: str) -> None:
    content = random.Random(size).randbytes(size)
    encoded = base64.b64encode(content, alphabet.encode()).decode()
    for written in (encoded, encoded.rstrip("="), encoded.replace("/", r"\/")):
        assert decode_push_json(push("b", written))[0].samples[0].profile == content


@pytest.mark.parametrize(
    "spoilt", ["A" * 100 + "=" + "A" * 100, "+" * 80 + "-" * 80, "A" * 100 + "?" + "A" * 99]
)
def test_base64_that_is_wrong_far_into_the_text_is_refused(spoilt: str) -> None:
    with pytest.raises(JSONError, match="invalid value for bytes field rawProfile") as caught:
        decode_push_json(push("b", spoilt * 50))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        (rb"\q", r'invalid escape code "\\q" in string'),
        (rb"\u12x4", r'invalid escape code "\\u12x4" in string'),
        (rb"\ud800" + b"abcdef", 'invalid escape code "abcdef" in string'),
        (rb"\udc00\u0041", r'invalid escape code "\\u0041" in string'),
        (b"\x01", r"invalid character '\x01' in string"),
        (b"\xff", "invalid UTF-8 in string"),
        (b"\xe4\xb8", "invalid UTF-8 in string"),
    ],
)
@pytest.mark.parametrize("before", range(14, 19))
def test_an_error_after_many_escapes_is_reported_as_in_go(ending: bytes, reason: str, before: int) -> None:
    text = b'{"x":\n "' + rb"\u4e00" * 100 + b"a" * before + ending + b'"}'
    with pytest.raises(JSONError) as caught:
        decode_push_json(text)
    assert str(caught.value) == f"proto:\u00a0syntax error (line 2:2): {reason}"


@pytest.mark.parametrize("end", [rb"", b"\\", rb"\u12", rb"\ud800", rb"\ud800\u"])
def test_a_string_that_does_not_end_is_reported(end: bytes) -> None:
    with pytest.raises(JSONError, match="unexpected EOF"):
        decode_push_json(b'{"x":"' + rb"\n" * 50 + end)


def test_a_long_token_is_cut_in_an_error() -> None:
    with pytest.raises(JSONError) as caught:
        decode_push_json(b'{"series":"' + b"x" * 100_000 + b'"}')
    assert len(str(caught.value)) < 500
    assert "(100002 characters)" in str(caught.value)


# Allowances


@pytest.mark.parametrize(
    ("body", "allowance"),
    [
        (b"\x0a\x00" * 101, Allowance(fields=100)),
        (b'{"x":[' + b"1," * 60 + b"1]}", Allowance(fields=100)),
        (series({b"a": b"v" * 1000}), Allowance(text=1000)),
        (push("v" * 1001), Allowance(text=1000)),
    ],
    ids=["fields", "tokens", "label", "string"],
)
def test_more_than_is_allowed_is_not_read(body: bytes, allowance: Allowance) -> None:
    decode = decode_push_json if body.startswith(b"{") else decode_push
    with pytest.raises(Overrun, match="more than"):
        decode(body, None, allowance)


def test_a_series_has_a_bounded_number_of_labels() -> None:
    labels = {b"l%d" % number: b"v" for number in range(MAX_LABELS)}
    (one,) = decode_push(series(labels))
    assert len(one.labels) == MAX_LABELS
    with pytest.raises(PushWireError, match="more than 10000 labels in a series"):
        decode_push(series({**labels, b"more": b"v"}))
    pairs = ",".join('{"name":"a","value":"b"}' for _ in range(MAX_LABELS + 1))
    with pytest.raises(JSONError, match="more than 10000 labels in a series"):
        decode_push_json(f'{{"series":[{{"labels":[{pairs}]}}]}}'.encode())


def test_what_is_taken_is_at_most_what_was_expected() -> None:
    body = series({b"a": b"b" * 100}) * 50
    allowance = Allowance(2000, 100_000)
    expected = allowance.most(len(body))
    decode_push(body, None, allowance)
    assert 50 * 100 < allowance.taken() < expected


# gzip


@pytest.mark.parametrize("step", [1, 7, 1000, 100_000])
def test_gzip_is_unpacked_in_steps(step: int) -> None:
    content = random.Random(1).randbytes(300) + bytes(3000)
    packed = gzip.compress(content[:1000]) + gzip.compress(b"") + gzip.compress(content[1000:])
    unpacking = Unpacking(packed, 5000)
    sizes = [0]
    while not unpacking.advance(step):
        sizes.append(unpacking.size)
        assert sizes[-1] - sizes[-2] == step
    assert unpacking.content == content


def test_a_gzip_stream_that_is_cut_short_or_too_long_is_refused_in_whatever_step() -> None:
    packed = gzip.compress(bytes(5000))
    for step in (10, 5000, 9000):
        for body, limit, error in ((packed[:-1], 9000, GzipError), (packed, 4999, TooLarge)):
            unpacking = Unpacking(body, limit)
            with pytest.raises(error):
                while not unpacking.advance(step):
                    pass


# What is reported


def test_up_to_five_errors_are_reported_in_full_and_the_others_counted() -> None:
    assert told([f"e{number}" for number in range(5)]) == "e0\ne1\ne2\ne3\ne4"
    assert told([f"e{number}" for number in range(6)]) == "e0\ne1\ne2\ne3\ne4\nand 1 more error"
    assert told(["e"], 100) == "e\nand 100 more errors"
    assert len(told(["x" * 100_000] * 100_000)) < 9000


def test_failures_keep_the_first_and_the_one_that_decides() -> None:
    failures = Failures()
    for position in (*range(50, 100), *range(50)):
        status = 429 if position > 70 else None
        failures.add(DeliveryError(f"e{position}", series=position, status=status, code="x"))
    error = failures.error()
    assert isinstance(error, DeliveryErrors)
    assert str(error) == "e0\ne1\ne2\ne3\ne4\nand 95 more errors"
    assert (error.status, [one.series for one in error.errors]) == (429, [0, 1, 2, 3, 4, 71])


def test_one_failure_is_reported_as_it_is() -> None:
    failures, error = Failures(), DeliveryError("e", series=3)
    failures.add(error)
    assert failures.error() is error


def test_label_sets_are_printed_in_some_kilobytes() -> None:
    assert print_labels({"a": "x" * 60_000}) == '{a="' + "x" * 256 + '... (60000 characters)"}'
    many = print_labels({f"l{number:05}": "v" for number in range(20_000)})
    assert many.startswith('{l00000="v", l00001="v"')
    assert many.endswith("... (20000 labels)}")
    assert len(print_labels({"n" * 60_000 + str(number): "v" * 60_000 for number in range(40)})) < 2100


def test_what_is_wrong_with_large_labels_is_reported_briefly() -> None:
    for labels in ({"a-" + "n" * 60_000: "v"}, {"n" * 60_000: "\udcff" * 60_000}):
        with pytest.raises(InvalidLabels) as caught:
            check_labels(labels)
        assert len(str(caught.value)) < 1000
