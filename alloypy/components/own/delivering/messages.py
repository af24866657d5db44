"""What is stored of a profile: its meta, which is two lines of JSON, and its body as it was received.

The first line has the labels, the second everything else. Times are frozen when a profile is stored, so that
a server recognises copies of it (see `alloypy.profiles.frozen`). A deadline is not stored: the caller has its
answer. Neither is the trace, which ends with that answer.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Sequence
from typing import Any, NamedTuple, TypeAlias

from alloypy.lang.secrecy import HIDDEN_PART
from alloypy.profiles.frozen import freeze_query, time_prefix
from alloypy.profiles.labels import check_labels
from alloypy.profiles.model import Buffer, DeliveryError, IngestProfile, Labels, Push, RawSample, Series
from alloypy.profiles.receiver import ProfilesReceiver
from alloypy.profiles.remembered import LABELS, LabelMemory, Memory, size_of
from alloypy.queueing.record import Record

Stored: TypeAlias = Push | IngestProfile

_JOINED_BYTES = 64 << 10
"""Longer profiles are joined with their times only when they are delivered: they would take memory twice."""

_TENANT = "x-scope-orgid"
_SHORTEST_SECRET = 6
_LINE = b"\n"
_quoted = json.encoder.encode_basestring_ascii
_read: Memory[bytes, Labels] = Memory(LABELS)


class Unreadable(Exception):
    """A stored profile cannot be read: another version has written it."""


class Message(NamedTuple):
    """A profile as it is stored.

    body: in pieces. stored: what `read_message` makes of it; None if that is left to the delivery.
    """

    meta: bytes
    body: Sequence[Buffer]
    stored: Stored | None


def push_message(series: Series, headers: Sequence[tuple[str, str]], moment: int) -> Message:
    """One series of a Push.

    moment: the time of its first profile; each further one is a nanosecond later.
    Raises InvalidLabels.
    """
    size, sizes = 0, ""
    body: list[Buffer] = []
    samples = []
    for sample in series.samples:
        profile, identity = sample.profile, sample.id
        prefix = time_prefix(profile, moment)
        moment += 1
        size += len(profile)
        if size > _JOINED_BYTES:
            body += prefix, profile
        else:
            whole = prefix + profile
            body.append(whole)
            samples.append(RawSample(whole, identity))
        ending = f",{_quoted(identity)}]" if identity else "]"
        sizes += f",[{len(prefix)},{len(profile)}{ending}"
    headings = f',"headers":{_dumped(headers)}' if headers else ""
    meta = _lines.get(series.labels) + f'{{"push":[{sizes[1:]}]{headings}}}'.encode()
    if size > _JOINED_BYTES:
        return Message(meta, body, None)
    return Message(meta, body, Push((Series(series.labels, samples),), None, headers, None, 1))


def ingest_message(profile: IngestProfile, moment: int) -> Message:
    """An /ingest profile. moment: the time that it gets if it has none. Raises InvalidLabels."""
    query = freeze_query(profile.query, moment)
    rest: dict[str, Any] = {"path": profile.path, "query": query}
    if profile.content_type:
        rest["type"] = profile.content_type
    if profile.content_encoding:
        rest["encoding"] = profile.content_encoding
    if profile.headers:
        rest["headers"] = profile.headers
    stored = IngestProfile(
        profile.body,
        profile.labels,
        profile.path,
        query,
        profile.content_type,
        profile.content_encoding,
        profile.headers,
        tries=1,
    )
    return Message(_lines.get(profile.labels) + _dumped(rest).encode(), profile.body, stored)


def stored_in(record: Record) -> Stored:
    """The profile of a record, to be tried once: read only if it comes from a file. Raises Unreadable."""
    note = record.note
    if isinstance(note, Push) or isinstance(note, IngestProfile):  # noqa: SIM101 -- no tuple or union is made
        return note
    return read_message(record.meta, record.body)


def read_message(meta: bytes, body: Sequence[Buffer]) -> Stored:
    """The profile with this meta and body, to be tried once. Raises Unreadable."""
    first, _, second = meta.partition(_LINE)
    try:
        labels, rest = _labels(first), json.loads(second)
        headers = [(_text(name), _text(value)) for name, value in rest.get("headers", ())]
        if "push" in rest:
            series = Series(labels, [*_samples(rest["push"], body)])
            return Push((series,), headers=headers, tries=1)
        return IngestProfile(
            body,
            labels,
            _text(rest["path"]),
            _text(rest["query"]),
            [*map(_text, rest.get("type", ()))],
            _text(rest.get("encoding", "")),
            headers,
            tries=1,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"the stored profile cannot be read: {error}") from None


def deliver(stored: Stored, receiver: ProfilesReceiver) -> Awaitable[None]:
    """Hand a stored profile to a destination. Awaiting raises DeliveryError."""
    return receiver.append(stored) if isinstance(stored, Push) else receiver.append_ingest(stored)


def words_of(error: DeliveryError, stored: Stored) -> str:
    """What a destination says of a stored profile, without the values of passed headers that it echoes."""
    words = str(error)
    for name, value in stored.headers:
        for part in (value, *value.split()) if name.lower() != _TENANT else ():
            if len(part) >= _SHORTEST_SECRET:
                words = words.replace(part, HIDDEN_PART)
    return words


def label_of(meta: bytes, name: str) -> str:
    """The value of a label, by the meta of a stored profile; "" if it has none."""
    return _labels(meta.partition(_LINE)[0]).get(name, "") if name else ""


def labels_of(stored: Stored) -> Labels:
    """The labels of a stored profile."""
    return profile_of(stored).labels


def profile_of(stored: Stored) -> Series | IngestProfile:
    """A stored profile: the series of a Push, or what was sent to /ingest."""
    return stored.series[0] if isinstance(stored, Push) else stored


def _samples(sizes: Sequence[Sequence[Any]], body: Sequence[Buffer]) -> list[RawSample]:
    """The profiles of a series. sizes: bytes of the prefix and of the profile, and perhaps its id."""
    joined = memoryview(body[0] if len(body) == 1 else b"".join(body))
    samples, at = [], 0
    for prefix, profile, *identity in sizes:
        samples.append(RawSample(joined[at : at + prefix + profile], *map(_text, identity[:1])))
        at += prefix + profile
    return samples


def _labels(line: bytes) -> Labels:
    known = _read.get(line)
    if known is not None:
        return known[0]
    labels: Labels = json.loads(line)
    if not isinstance(labels, dict):
        raise TypeError("the labels are not an object")
    for value in labels.values():
        _text(value)
    _read.put(line, labels, len(line) + size_of(labels))
    return labels


def _text(value: object) -> str:
    """A text, which others may have written: to a topic, say."""
    if not isinstance(value, str):
        raise TypeError("a number or an object stands where a text should")
    return value


def _line(labels: Labels) -> bytes:
    check_labels(labels)
    return _dumped(labels).encode() + _LINE


_lines: LabelMemory[bytes] = LabelMemory(_line)


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
