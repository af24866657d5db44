"""Bodies of answers: small pprof profiles from a plain description, and other bytes."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.support.protobuf import piece, varint

Description = Mapping[str, Any]


def number(field: int, value: int) -> bytes:
    """A number field; zero is left out."""
    return varint(field << 3) + varint(value & (2**64 - 1)) if value else b""


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message: numbers and pieces."""
    at = 0

    def read() -> int:
        nonlocal at
        result = shift = 0
        while True:
            byte = message[at]
            at += 1
            result |= (byte & 127) << shift
            if byte < 128:
                return result
            shift += 7

    while at < len(message):
        tag = read()
        if tag & 7 == 0:
            yield tag >> 3, read()
        elif tag & 7 == 2:
            size = read()
            yield tag >> 3, message[at : at + size]
            at += size
        else:
            size = 8 if tag & 7 == 1 else 4
            yield tag >> 3, message[at : at + size]
            at += size


class _Strings:
    def __init__(self) -> None:
        self.all = [""]

    def index(self, text: str) -> int:
        if text not in self.all:
            self.all.append(text)
        return self.all.index(text)


def pprof(given: Description) -> bytes:
    """A profile: types, samples of [addresses, values, labels], time, duration, period and so on."""
    strings = _Strings()
    addresses: list[int] = []
    types = b"".join(
        piece(1, number(1, strings.index(kind)) + number(2, strings.index(unit)))
        for kind, unit in given.get("types", [])
    )
    samples = b"".join(_sample(each, strings, addresses) for each in given.get("samples", []))
    body = types + samples
    if given.get("mapping", True):
        name, build = strings.index("/bin/app"), strings.index("build-1")
        body += piece(
            3, number(1, 1) + number(2, 0x1000) + number(3, 0x9000) + number(5, name) + number(6, build)
        )
    for at, address in enumerate(addresses):
        line = piece(4, number(1, at + 1) + number(2, 10 + at))
        body += piece(4, number(1, at + 1) + number(2, 1) + number(3, address) + line)
    for at, address in enumerate(addresses):
        name, file = strings.index(f"fn{address:x}"), strings.index(f"f{address:x}.go")
        body += piece(
            5, number(1, at + 1) + number(2, name) + number(3, name) + number(4, file) + number(5, 1)
        )
    return body + _rest(given, strings)


def _sample(given: Sequence[Any], strings: _Strings, addresses: list[int]) -> bytes:
    ids = []
    for address in given[0]:
        if address not in addresses:
            addresses.append(address)
        ids.append(addresses.index(address) + 1)
    content = piece(1, b"".join(map(varint, ids)))
    content += piece(2, b"".join(varint(value & (2**64 - 1)) for value in given[1]))
    for key, value in (given[2] if len(given) > 2 else {}).items():
        label = number(1, strings.index(key))
        if isinstance(value, int):
            content += piece(3, label + number(3, value) + number(4, strings.index("bytes")))
        else:
            content += piece(3, label + number(2, strings.index(value)))
    return piece(2, content)


def _rest(given: Description, strings: _Strings) -> bytes:
    drop, comment = given.get("drop"), given.get("comment")
    dropped = strings.index(drop) if drop else 0
    commented = strings.index(comment) if comment else 0
    period = given.get("ptype")
    kind = (
        piece(11, number(1, strings.index(period[0])) + number(2, strings.index(period[1])))
        if period
        else b""
    )
    texts = [*strings.all, *given.get("extra_strings", [])]
    body = b"".join(piece(6, text.encode()) for text in texts) + number(7, dropped)
    body += number(9, given.get("time", 0)) + number(10, given.get("duration", 0)) + kind
    return body + number(12, given.get("period", 0)) + number(13, commented)


def body_of(given: Mapping[str, Any], filled: Callable[[str], str]) -> bytes:
    """The body of a described answer or request. filled: replaces place holders."""
    if "pprof" in given:
        body = pprof(given["pprof"])
    elif "b64" in given:
        body = base64.b64decode(given["b64"])
    elif "hex" in given:
        body = bytes.fromhex(given["hex"])
    elif "repeat" in given:
        body = given["repeat"][0].encode() * given["repeat"][1]
    elif "json" in given:
        body = filled(json.dumps(given["json"])).encode()
    else:
        body = filled(given.get("body", "")).encode()
    return gzip.compress(body, 6, mtime=0) if given.get("gzip") else body


def push_request(series: Sequence[Any], filled: Callable[[str], str]) -> bytes:
    """A PushRequest of labels and profiles."""
    out = b""
    for each in series:
        content = b"".join(piece(1, piece(1, k.encode()) + piece(2, v.encode())) for k, v in each["labels"])
        content += b"".join(piece(2, piece(1, body_of(body, filled))) for body in each["profiles"])
        out += piece(1, content)
    return out


def pushed(body: bytes) -> Iterator[tuple[list[list[str]], list[bytes]]]:
    """Labels and profiles of each series of a PushRequest."""
    for field, series in fields(body):
        if field != 1:
            continue
        labels, profiles = [], []
        for inner, content in fields(series):
            found = dict(fields(content))
            if inner == 1:
                labels.append([found.get(at, b"").decode("utf-8", "replace") for at in (1, 2)])
            elif inner == 2:
                profiles.append(found.get(1, b""))
        yield labels, profiles


def digest(body: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(body).hexdigest()
