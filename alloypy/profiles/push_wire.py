"""A Push request on the wire: its labels are decoded, its raw profiles stay where they are.

The wire format is walked here instead of by the protobuf library, which would copy every profile
twice and spend most of its time on labels that repeat from request to request; here these are
remembered by their bytes. The tests compare with the generated code in `pb`.
Source: docs/spec/PYROSCOPE.md, section 3.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from alloypy.profiles.allowance import MAX_LABELS, Allowance
from alloypy.profiles.labels import label_set
from alloypy.profiles.model import Buffer, Labels, RawSample, Series
from alloypy.profiles.remembered import LABELS, Memory, size_of

LabelRule: TypeAlias = Callable[[Labels], Labels]
"""Makes a label set from another; equal sets must give equal results."""

_VARINT: Final = 0
_FIXED64: Final = 1
_LENGTH: Final = 2
_START_GROUP: Final = 3
_END_GROUP: Final = 4
_FIXED32: Final = 5

# Tags: field number and wire type in one byte. Messages have two fields, only series have a third.
_FIRST: Final = 1 << 3 | _LENGTH
_SECOND: Final = 2 << 3 | _LENGTH
_THIRD: Final = 3 << 3 | _LENGTH

_MAX_FIELD_NUMBER: Final = (1 << 29) - 1
_MAX_GROUP_DEPTH: Final = 100
_LONGEST_REMEMBERED_BYTES: Final = 4096
_SMALL_BYTES: Final = 512

_read: Final[Memory[tuple[bytes, LabelRule | None], Labels]] = Memory(LABELS)
# By identity. It keeps the label sets, so that no other object can get their identities.
_written: Final[Memory[int, tuple[Labels, bytes]]] = Memory(LABELS)

INVALID_WIRE: Final = "proto:\u00a0cannot parse invalid wire-format data"
"""Go's protobuf error for bytes that are not a message; it contains a no-break space."""


class PushWireError(ValueError):
    """The bytes are not a PushRequest; the text is Go's, with the no-break space of Alloy's build."""


def decode_push(
    body: Buffer, rule: LabelRule | None = None, allowance: Allowance | None = None
) -> list[Series]:
    """The series of a serialised PushRequest, their samples as views into `body`.

    Labels are sets: the later of two equal names wins, empty values are dropped; then `rule` is
    applied. Label mappings may be shared between calls: treat them as frozen. Annotations and
    unknown fields are dropped. Raises PushWireError, and Overrun beyond the allowance.
    """
    view = memoryview(body)
    allowance = allowance or Allowance(shared=True)
    series: list[Series] = []
    at, size = 0, len(body)
    try:
        while at < size:
            allowance.take()
            if body[at] != _FIRST:
                at = _skip_field(body, at, size, allowance)
                continue
            length, start = _read_varint(body, at + 1, size)
            at = start + length
            if at > size:
                raise _malformed()
            series.append(_series(body, view, start, at, len(series), rule, allowance))
    except IndexError:
        raise _malformed() from None
    return series


def encode_push(series: Sequence[Series]) -> list[Buffer]:
    """A serialised PushRequest as chunks to be sent one after the other.

    Labels are written in bytewise order of their names. Large profiles are not copied.
    """
    chunks: list[Buffer] = []
    pending: list[Buffer] = []
    for one in series:
        encoded = _written_labels(one.labels)
        size = len(encoded)
        fields = []
        for sample in one.samples:
            profile = sample.profile
            before, after = _around_profile(len(profile), sample.id)
            size += len(before) + len(profile) + len(after)
            fields.append((before, profile, after))
        pending += (b"\x0a", _varint(size), encoded)
        for before, profile, after in fields:
            pending.append(before)
            if len(profile) <= _SMALL_BYTES:
                pending.append(profile)
            else:
                chunks += (b"".join(pending), profile)
                pending.clear()
            if after:
                pending.append(after)
    if pending:
        chunks.append(b"".join(pending))
    return chunks


def encode_series(labels: Labels, samples: Sequence[RawSample]) -> list[Buffer]:
    """Like `encode_push`, for one series; most have one sample, which is not small."""
    if len(samples) != 1 or len(samples[0].profile) <= _SMALL_BYTES:
        return encode_push((Series(labels, samples),))
    sample, profile = samples[0], samples[0].profile
    encoded = _written_labels(labels)
    before, after = _around_profile(len(profile), sample.id)
    size = len(encoded) + len(before) + len(profile) + len(after)
    head = b"\x0a" + _varint(size) + encoded + before
    return [head, profile, after] if after else [head, profile]


def profile_count(series: Sequence[Series]) -> int:
    """The number of profiles."""
    return sum(len(one.samples) for one in series)


def profile_bytes(series: Sequence[Series]) -> int:
    """The sum of the sizes of the raw profiles, in bytes."""
    size = 0
    for one in series:
        for sample in one.samples:
            size += len(sample.profile)
    return size


def _series(
    body: Buffer,
    view: memoryview,
    start: int,
    end: int,
    position: int,
    rule: LabelRule | None,
    allowance: Allowance,
) -> Series:
    runs = []  # of label fields
    samples = []
    left = allowance.fields
    at = start
    while at < end:
        run = at
        while at < end and body[at] == 0x0A:  # _FIRST: a label
            left -= 1
            if left < 0:
                allowance.too_many_fields()
            length = body[at + 1]
            at += 2
            if length > 0x7F:
                length, at = _read_varint(body, at - 1, end)
            at += length
        if at > end:
            raise _malformed()
        if run < at:
            runs.append(view[run:at])
        if at == end:
            break
        allowance.fields = left
        allowance.take()
        tag = body[at]
        if tag in (_SECOND, _THIRD):
            length, first = _read_varint(body, at + 1, end)
            at = first + length
            if at > end:
                raise _malformed()
            if tag == _SECOND:
                samples.append(_sample(body, view, first, at, allowance))
            else:
                _check_annotation(body, first, at, allowance)
        else:
            at = _skip_field(body, at, end, allowance)
        left = allowance.fields
    allowance.fields = left
    return Series(_labels(b"".join(runs), rule, allowance), samples, position)


def _labels(encoded: bytes, rule: LabelRule | None, allowance: Allowance) -> Labels:
    allowance.take_text(len(encoded))
    if len(encoded) > _LONGEST_REMEMBERED_BYTES or not allowance.shared:
        return _decode_labels(encoded, rule, allowance)
    known = _read.get((encoded, rule))
    if known is not None:
        return known[0]
    labels = _decode_labels(encoded, rule, Allowance())
    _read.put((encoded, rule), labels, len(encoded) + size_of(labels))
    return labels


def _decode_labels(encoded: bytes, rule: LabelRule | None, allowance: Allowance) -> Labels:
    """The label set of one series. encoded: its `labels` fields on the wire."""
    pairs = []
    for _, _, start, end in _fields(encoded, 0, len(encoded), allowance):
        name = value = ""
        for tag, _, first, at in _fields(encoded, start, end, allowance):
            if tag == _FIRST:
                name = _text(encoded[first:at])
            else:
                value = _text(encoded[first:at])
        pairs.append((name, value))
    if len(pairs) > MAX_LABELS:
        raise PushWireError(f"more than {MAX_LABELS} labels in a series")
    labels = label_set(pairs)
    return labels if rule is None else rule(labels)


def _sample(body: Buffer, view: memoryview, start: int, end: int, allowance: Allowance) -> RawSample:
    if start < end and body[start] == _FIRST:
        length, first = _read_varint(body, start + 1, end)
        at = first + length
        if at == end:  # only the profile, as most clients send it
            allowance.take()
            return RawSample(view[first:end])
        if at + 1 < end and body[at] == _SECOND and at + 2 + body[at + 1] == end:  # and a short id
            allowance.take(2)
            allowance.take_text(end - at - 2)
            return RawSample(view[first:at], _text(bytes(view[at + 2 : end])))
    profile = view[start:start]
    identity = ""
    for tag, _, first, at in _fields(body, start, end, allowance):
        if tag == _FIRST:
            profile = view[first:at]
        else:
            allowance.take_text(at - first)
            identity = _text(bytes(view[first:at]))
    return RawSample(profile, identity)


def _check_annotation(body: Buffer, start: int, end: int, allowance: Allowance) -> None:
    """Refuse anything but an annotation: two texts, which are not used."""
    for _, _, first, at in _fields(body, start, end, allowance):
        allowance.take_text(at - first)
        _text(bytes(body[first:at]))


def _fields(body: Buffer, at: int, end: int, allowance: Allowance) -> list[tuple[int, int, int, int]]:
    """The known fields of a message: tag, and the offsets of the tag, of the content and of its end."""
    found = []
    left = allowance.fields
    while at < end:
        left -= 1
        if left < 0:
            allowance.too_many_fields()
        field = at
        tag = body[at]
        if tag in (0x0A, 0x12):  # _FIRST, _SECOND; constants, because this loop is hot
            length = body[at + 1]
            at += 2
            if length > 0x7F:
                length, at = _read_varint(body, at - 1, end)
            first = at
            at += length
            if at > end:
                raise _malformed()
            found.append((tag, field, first, at))
        else:
            allowance.fields = left
            at = _skip_field(body, at, end, allowance)
            left = allowance.fields
    allowance.fields = left
    return found


def _read_varint(body: Buffer, at: int, end: int) -> tuple[int, int]:
    """The varint at `at` and the offset just after it."""
    value = body[at]
    at += 1
    if value > 0x7F:
        byte = body[at]
        at += 1
        value += (byte << 7) - 0x80
        shift = 14
        while byte > 0x7F:
            if shift > 63:
                raise _malformed()
            byte = body[at]
            at += 1
            value += (byte << shift) - (1 << shift)
            shift += 7
        if value >> 64:
            raise _malformed()
    if at > end:
        raise _malformed()
    return value, at


def _skip_field(body: Buffer, at: int, end: int, allowance: Allowance) -> int:
    """The offset just after the field at `at`; a group is skipped with everything in it.

    A known field number with another wire type is an unknown field, as in protobuf.
    """
    groups: list[int] = []
    while True:
        tag, at = _read_varint(body, at, end)
        number, wire_type = tag >> 3, tag & 7
        if not 0 < number <= _MAX_FIELD_NUMBER:
            raise _malformed()
        if wire_type == _VARINT:
            _, at = _read_varint(body, at, end)
        elif wire_type == _LENGTH:
            length, at = _read_varint(body, at, end)
            at += length
        elif wire_type == _FIXED64:
            at += 8
        elif wire_type == _FIXED32:
            at += 4
        elif wire_type == _START_GROUP and len(groups) < _MAX_GROUP_DEPTH:
            groups.append(number)
        elif not (wire_type == _END_GROUP and groups and groups.pop() == number):
            raise _malformed()
        if at > end:
            raise _malformed()
        if not groups:
            return at
        allowance.take()


def _text(encoded: bytes) -> str:
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        raise PushWireError("string field contains invalid UTF-8") from None


def _malformed() -> PushWireError:
    return PushWireError(INVALID_WIRE)


def _written_labels(labels: Labels) -> bytes:
    """The encoded label fields of a series; those of a shared label set are found by its identity."""
    known = _written.get(id(labels))
    if known is not None and known[0][0] is labels:
        return known[0][1]
    encoded = _encode_labels(labels)
    _written.put(id(labels), (labels, encoded), size_of(labels) + len(encoded))
    return encoded


def _encode_labels(labels: Labels) -> bytes:
    encoded = bytearray()
    for name, value in sorted(labels.items()):
        pair = _text_field(_FIRST, name) + _text_field(_SECOND, value)
        encoded.append(_FIRST)
        encoded += _varint(len(pair))
        encoded += pair
    return bytes(encoded)


def _around_profile(size: int, identity: str) -> tuple[bytes, bytes]:
    """The bytes of a sample before and after its raw profile of `size` bytes."""
    head = b"\x0a" + _varint(size) if size else b""
    tail = _text_field(_SECOND, identity) if identity else b""
    return b"\x12" + _varint(len(head) + size + len(tail)) + head, tail


def _text_field(tag: int, text: str) -> bytes:
    if not text:
        return b""
    encoded = text.encode()
    size = len(encoded)
    return (bytes((tag, size)) if size < 0x80 else bytes((tag,)) + _varint(size)) + encoded


def _varint(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7))
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
