"""`alloypy queue ls`: what waits for each destination, and what has become of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from alloypy.cli import exit_codes
from alloypy.cli.commands.queue.words import labels_of, labels_text, moment, said, size, tell_all
from alloypy.cli.report import counted
from alloypy.lang.secrecy import hide
from alloypy.queueing.errors import QueueError
from alloypy.queueing.looking import Look
from alloypy.queueing.record import Record


def listed(queue: Look, destination: str, most: int, *, as_json: bool) -> int:
    """Print the destinations, and at most so many records of each. Raises QueueError and OSError."""
    data = {
        "directory": queue.path,
        "process": queue.holder or None,
        "bytes": queue.segments.size,
        "files": len(queue.segments),
        "warnings": [*queue.warnings],
        "destinations": [_destination(queue, name, most) for name in chosen(queue, destination)],
    }
    tell_all(data, _lines(data), as_json=as_json)
    return exit_codes.SUCCESS


def chosen(queue: Look, destination: str) -> list[str]:
    """The destinations meant: all, or the one named. Raises QueueError."""
    if not destination:
        return sorted(queue.accounts)
    if destination not in queue.accounts:
        known = ", ".join(sorted(queue.accounts)) or "none"
        raise QueueError(f"the queue has no destination {destination}; it has {known}")
    return [destination]


def _destination(queue: Look, name: str, most: int) -> dict[str, Any]:
    account, waiting, letters = queue.accounts[name], queue.waiting(name), queue.letters(name)
    dropped = {reason: count for reason, count in account.dropped.items() if count}
    data = {
        "name": name,
        "removed": account.left is not None,
        "stored": account.delivered + sum(dropped.values()) + len(letters) + waiting.records,
        "delivered": account.delivered,
        "dropped": dropped,
        "dead_letters": len(letters),
        "dead_letter_bytes": queue.letter_bytes(name),
        "waiting": waiting.records,
        "waiting_bytes": waiting.bytes,
        "oldest": None if waiting.oldest is None else moment(waiting.oldest),
    }
    if most > 0:
        data["records"] = [*islice(_waiting(queue, name), most), *islice(_dead(queue, name), most)]
    return data


def _waiting(queue: Look, name: str) -> Iterator[dict[str, Any]]:
    """What waits for a destination: first the dead letters that wait again."""
    for first, last in queue.accounts[name].replayed:
        for seq in range(first, last + 1):
            letter = queue.letter(name, seq)
            if letter is not None:
                yield _row(letter.record, "waits")
    for first, last in queue.spans(name):
        for seq in range(first, last + 1):
            record = queue.record(seq)
            if record is not None:
                yield _row(record, "waits")


def _dead(queue: Look, name: str) -> Iterator[dict[str, Any]]:
    for seq in queue.letters(name):
        letter = queue.letter(name, seq)
        if letter is not None:
            yield _row(letter.record, "dead letter") | {"reason": letter.why, "words": hide(letter.words)}


def _row(record: Record, state: str) -> dict[str, Any]:
    return {
        "number": record.place.seq,
        "state": state,
        "received": moment(record.received_at),
        "size": sum(map(len, record.body)),
        "labels": labels_of(record),
    }


def _lines(data: dict[str, Any]) -> Iterator[str]:
    used = f"in use by process {data['process']}" if data["process"] else "not in use"
    yield f"{data['directory']}: {size(data['bytes'])} in {counted(data['files'], 'file')}, {used}"
    for each in data["destinations"]:
        yield ""
        yield each["name"] + (" (no longer a destination)" if each["removed"] else "")
        oldest = f", the oldest since {each['oldest']}" if each["oldest"] else ""
        yield f"  waiting       {each['waiting']} ({size(each['waiting_bytes'])}){oldest}"
        yield f"  dead letters  {each['dead_letters']} ({size(each['dead_letter_bytes'])})"
        yield f"  delivered     {each['delivered']}"
        reasons = ", ".join(f"{reason} {count}" for reason, count in each["dropped"].items())
        yield f"  dropped       {sum(each['dropped'].values())}" + (f" ({reasons})" if reasons else "")
        yield f"  stored        {each['stored']}"
        for row in each.get("records", ()):
            why = f", {row['reason']}: {said(row['words'])}" if "reason" in row else ""
            labels = labels_text(row["labels"])
            what = f"{size(row['size'])}  {labels}  {row['state']}{why}"
            yield f"  {row['number']:>8}  {row['received']}  {what}"
