"""`alloypy queue show`: one record, and its profile as a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from alloypy.cli import exit_codes, streams
from alloypy.cli.commands.queue.words import labels_text, moment, said, size, tell, tell_all
from alloypy.lang.secrecy import hide
from alloypy.os_errors import system_words
from alloypy.queueing.errors import QueueError
from alloypy.queueing.looking import Look

if TYPE_CHECKING:
    from alloypy.components.own.delivering.messages import Stored
    from alloypy.queueing.record import Record

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)


def shown(queue: Look, seq: int, output: str, *, as_json: bool) -> int:
    """Print a record, or write its profile. Raises QueueError and OSError."""
    record, states = _found(queue, seq)
    stored = _stored(record)
    if output:
        return _write(profiles_in(stored), output)
    data = {"number": seq, "received": moment(record.received_at), "size": sum(map(len, record.body))}
    data |= _data(stored) | {"destinations": states}
    tell_all(data, _lines(data), as_json=as_json)
    return exit_codes.SUCCESS


def stored_in(queue: Look, seq: int) -> Stored:
    """What is stored of a record. Raises QueueError and OSError."""
    return _stored(_found(queue, seq)[0])


def _stored(record: Record) -> Stored:
    from alloypy.components.own.delivering.messages import Unreadable, read_message

    try:
        return read_message(record.meta, record.body)
    except Unreadable as reason:
        raise QueueError(f"record {record.place.seq}: {reason}") from None


def _found(queue: Look, seq: int) -> tuple[Record, dict[str, Any]]:
    """The record, and what it is for each destination. Raises QueueError."""
    states: dict[str, Any] = {}
    record = queue.record(seq)
    for name, account in sorted(queue.accounts.items()):
        letter = queue.letter(name, seq)
        if letter is not None:
            record = record or letter.record
            state = "dead letter" if seq in account.dead else "waits again"
            words = {"reason": letter.why, "words": hide(letter.words), "at": moment(letter.at)}
            states[name] = {"state": state} | words
        elif any(first <= seq <= last for first, last in queue.spans(name)):
            states[name] = {"state": "waits"}
        else:
            state, reason = queue.fate(name, seq)
            states[name] = {"state": state} | ({"reason": reason} if reason else {})
    if record is None:
        raise QueueError(f"the queue has no record {seq}: {_absence(queue, seq)}")
    return record, states


def _absence(queue: Look, seq: int) -> str:
    """Why there is no record."""
    if seq > queue.last:
        return f"the last one is {queue.last}" if queue.last else "nothing has been stored yet"
    if queue.segments.holding(seq) is not None:
        return "it is damaged"
    fates = ((name, *queue.fate(name, seq)) for name in sorted(queue.accounts))
    known = [f"{name}: {fate}{reason and f' ({reason})'}" for name, fate, reason in fates]
    return f"its file is deleted ({'; '.join(known)})" if known else "its file is deleted"


def _data(stored: Stored) -> dict[str, Any]:
    """What is known of a profile. Of headers only the names: their values may be secret."""
    from alloypy.components.own.delivering.messages import labels_of
    from alloypy.profiles.model import Push

    data: dict[str, Any] = {"labels": labels_of(stored)}
    if isinstance(stored, Push):
        return data | {
            "kind": "push",
            "profiles": sum(len(series.samples) for series in stored.series),
            "headers": [name for name, _ in stored.headers],
        }
    return data | {
        "kind": "ingest",
        "path": stored.path,
        "query": hide(f"?{stored.query}")[1:],
        "content_type": list(stored.content_type),
        "content_encoding": stored.content_encoding,
        "headers": [name for name, _ in stored.headers],
    }


def _lines(data: dict[str, Any]) -> Iterator[str]:
    for name, value in data.items():
        if name == "destinations":
            continue
        text = str(value)
        if name == "labels":
            text = labels_text(value)
        elif name == "size":
            text = size(value)
        elif isinstance(value, list):
            text = ", ".join(map(str, value))
        if text:
            yield f"{name.replace('_', ' '):<17} {text}"
    for name, each in data["destinations"].items():
        why = f" ({each['reason']})" if "reason" in each else ""
        if "at" in each:
            why = f" since {each['at']}, {each['reason']}: {said(each['words'])}"
        yield f"{name:<17} {each['state']}{why}"


def profiles_in(stored: Stored) -> list[bytes]:
    """The profiles as they are sent."""
    from alloypy.profiles.model import Push

    if isinstance(stored, Push):
        return [bytes(sample.profile) for series in stored.series for sample in series.samples]
    return [b"".join(stored.body)]


def _write(profiles: list[bytes], output: str) -> int:
    """Write each to a file: the second one to FILE.2, and so on."""
    if output == "-":
        streams.put(b"".join(profiles))
        return exit_codes.SUCCESS
    for number, profile in enumerate(profiles, 1):
        path = output if number == 1 else f"{output}.{number}"
        try:
            with os.fdopen(os.open(path, _NEW, 0o600), "wb") as file:
                file.write(profile)
        except FileExistsError:
            streams.fault(f"{path} exists already: name another file")
            return exit_codes.FAILURE
        except OSError as error:
            streams.fault(f"cannot write {path}: {system_words(error)}")
            return exit_codes.FAILURE
        tell(f"{path}: {len(profile)} bytes")
    return exit_codes.SUCCESS
