"""Words for times, sizes and profiles of a queue."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from alloypy.cli import streams
from alloypy.profiles.model import Labels
from alloypy.queueing.record import Record
from alloypy.syntax.letters import quote
from alloypy.syntax.render import escaped

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def tell(text: str) -> None:
    """Print lines, with what terminals act on escaped. Raises OutputError."""
    put(escaped(text))


def tell_all(data: dict[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    """Print data as JSON, or the lines that people read instead. Raises OutputError."""
    if as_json:
        put(json.dumps(data, indent=2))
    else:
        tell("\n".join(lines))


def put(text: str) -> None:
    """Print lines as they are. What standard output fails on is no fault of the queue: raises OutputError."""
    streams.put(f"{text}\n".encode(sys.stdout.encoding, sys.stdout.errors or "strict"))


def warn(text: str) -> None:
    """Tell people what they should know."""
    streams.say(f"Warning: {escaped(text)}\n")


def moment(nanoseconds: int) -> str:
    """A time as text, in UTC."""
    text = datetime.fromtimestamp(nanoseconds // 1_000_000 / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def size(count: int) -> str:
    """A number of bytes for people."""
    power = min(4, max(0, (int(count).bit_length() - 1) // 10))
    shown = count / 1024**power
    return f"{shown:.{0 if not power or shown >= 100 else 1}f} {_UNITS[power]}"


def labels_of(record: Record) -> Labels:
    """The labels of a profile; none if they cannot be read."""
    from alloypy.components.own.delivering import messages

    try:
        return messages.labels_of(messages.read_message(record.meta, record.body))
    except messages.Unreadable:
        return {}


def said(words: str) -> str:
    """Words of a server on one line, in quotes."""
    return quote(" ".join(words.split()))


def labels_text(labels: Labels) -> str:
    """Labels on a line, whatever is in them."""
    return "{" + ", ".join(f"{name}={quote(value)}" for name, value in labels.items()) + "}"
