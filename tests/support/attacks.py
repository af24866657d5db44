"""Requests that cost a receiver far more than they cost their sender, for tests and soaks."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from tests.support.receiving import PUSH, request_bytes

DEBUGINFO = "/debuginfo.v1alpha1.DebuginfoService/"
PROTO = ("Content-Type", "application/proto")
JSON = ("Content-Type", "application/json")
_GZIP = ("Content-Encoding", "gzip")


class Attack(NamedTuple):
    """A request as bytes, and the statuses that may answer it."""

    request: bytes
    statuses: frozenset[int]


def zipped(body: bytes, kind: tuple[str, str], target: str = PUSH) -> bytes:
    """A request with a gzip body."""
    return request_bytes(target, gzip.compress(body, 6), [kind, _GZIP])


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field of a protobuf message."""
    size, encoded = len(content), bytearray((number << 3 | 2,))
    while size > 0x7F:
        encoded.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes(encoded) + bytes((size,)) + content


def series(labels: Mapping[bytes, bytes], profile: bytes = b"x") -> bytes:
    """A series of a Push with one profile."""
    pairs = (field(1, field(1, name) + field(2, value)) for name, value in labels.items())
    return field(1, b"".join(pairs) + field(2, field(1, profile)))


def attacks(scale: float) -> Iterator[Attack]:
    """Attacks of every kind, each of a different size. scale: 1 for the worst that fits in 64 MiB."""
    for make in _KINDS:
        yield make(scale)


def large_label(scale: float, number: int) -> Attack:
    """A Push with a unique label value of a megabyte."""
    value = b"%08d" % number + b"v" * int(scale * 1_000_000)
    body = series({b"service_name": b"s", b"big": value})
    return Attack(request_bytes(PUSH, body, [PROTO]), frozenset({200, 503}))


def large_name(scale: float, number: int) -> Attack:
    """An /ingest request with a unique name of nearly a megabyte."""
    target = f"/ingest?name=s%7Bbig={number:08d}{'v' * int(scale * 900_000)}%7D"
    return Attack(request_bytes(target, b"x"), frozenset({200, 503}))


@cache
def _many_series(scale: float) -> Attack:
    return Attack(zipped(b"\x0a\x00" * int(scale * 100_000), PROTO), frozenset({400, 503}))


@cache
def _wrong_names(scale: float) -> Attack:
    return Attack(zipped(series({b"a-b": b"c"}) * int(scale * 20_000), PROTO), frozenset({400, 503}))


@cache
def _wrong_large(scale: float) -> Attack:
    return Attack(
        zipped(series({b"a-b": b"v" * 60_000}) * int(scale * 1000), PROTO),
        frozenset({400, 503}),
    )


@cache
def _many_labels(scale: float) -> Attack:
    labels = {b"l%d" % number: b"v" for number in range(int(scale * 60_000))}
    return Attack(zipped(series(labels), PROTO), frozenset({200, 400, 503}))


@cache
def _escapes(scale: float) -> Attack:
    value = rb"\u4e00" * int(scale * 10_000_000)
    body = b'{"series":[{"labels":[{"name":"a","value":"' + value + b'"}]}]}'
    return Attack(zipped(body, JSON), frozenset({200, 400, 413, 503}))


@cache
def _short_escapes(scale: float) -> Attack:
    return Attack(zipped(b'{"x":"' + rb"\n" * int(scale * 30_000_000) + b'"}', JSON), frozenset({200, 503}))


@cache
def _tokens(scale: float) -> Attack:
    return Attack(zipped(b'{"x":[' + b"[]," * int(scale * 20_000_000) + b"[]]}", JSON), frozenset({400, 503}))


@cache
def _debuginfo(scale: float) -> Attack:
    body = b'{"x":[' + b"[]," * int(scale * 20_000_000) + b"[]]}"
    return Attack(zipped(body, JSON, f"{DEBUGINFO}UploadFinished"), frozenset({413}))


@cache
def _bomb(scale: float) -> Attack:
    return Attack(zipped(bytes(int(scale * 60_000_000)), PROTO), frozenset({400, 503}))


_KINDS: tuple[Callable[[float], Attack], ...] = (
    _many_series,
    _wrong_names,
    _wrong_large,
    _many_labels,
    _escapes,
    _short_escapes,
    _tokens,
    _debuginfo,
    _bomb,
)
