"""The log: one record a line on stderr, logfmt or JSON, in Alloy's form.

All code logs through the standard `logging` module; fields are passed as `extra={"fields": {...}}`.
Records made before the `logging` block has been evaluated wait in a buffer, so that they are written
with the configured level and format; a failed first load writes them with the defaults. Logging never
blocks on the reader of the log. Source: docs/spec/RUNTIME.md, section 6.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, TextIO

from alloypy.lang.go.duration import Duration, format_duration
from alloypy.lang.go.text import quote
from alloypy.services.log_sink import Sink

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
FORMATS = ("logfmt", "json")

_OWN = "alloypy"
_ENDING_SECONDS = 1.0
_FOREIGN_LEVEL = logging.WARNING
_KEY_CHARACTERS = str.maketrans(dict.fromkeys(' ="\t\n\v\f\r', "_"))


class LogSettings(NamedTuple):
    """What the `logging` block sets: a key of LEVELS and an item of FORMATS."""

    level: str = "info"
    format: str = "logfmt"


class _Entry(NamedTuple):
    """A line to write: its time in nanoseconds since the epoch, level, message, fields in order."""

    time: int
    level: int
    message: str
    fields: Mapping[str, Any]


class LogStream(logging.Handler):
    """Writes records to `stream`; holds them back until `configure` or `stop_holding` is called."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._sink = self._sink_of(stream)
        self._settings = LogSettings()
        self._held: list[_Entry] | None = []
        self._copies: list[list[str]] = []

    @property
    def dropped(self) -> int:
        """How many lines were dropped because nobody read those before them."""
        return 0 if self._sink is None else self._sink.dropped

    @property
    def settings(self) -> LogSettings:
        return self._settings

    def configure(self, settings: LogSettings) -> None:
        """Apply new settings; the records held so far are written with them."""
        self._settings = settings
        logging.getLogger(_OWN).setLevel(LEVELS[settings.level])
        self.stop_holding()

    def stop_holding(self) -> None:
        """Write the records held, and hold none from now on."""
        self.acquire()
        try:
            held, self._held = self._held or (), None
            for entry in held:
                self._write(entry)
        finally:
            self.release()

    @contextmanager
    def copied(self) -> Iterator[list[str]]:
        """Collect a copy of what is written while the block lasts, line by line."""
        lines: list[str] = []
        self._copies.append(lines)
        try:
            yield lines
        finally:
            self._copies.remove(lines)

    def emit(self, record: logging.LogRecord) -> None:
        entry = _Entry(time.time_ns(), record.levelno, record.getMessage(), _fields(record))
        if self._held is not None:
            self._held.append(entry)
        else:
            self._write(entry)

    def _write(self, entry: _Entry) -> None:
        if entry.level < LEVELS[self._settings.level]:
            return
        line = self._line(entry)
        for copy in self._copies:
            copy.append(line)
        if self._sink is not None:
            self._sink.write(self._encoded(line))
            return
        try:
            self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError):
            pass  # the reader of the log is gone, and with it the place to report errors

    def close(self) -> None:
        """Wait briefly for lines that are not written yet."""
        if self._sink is not None:
            self._sink.close(_ENDING_SECONDS)
        super().close()

    def _line(self, entry: _Entry) -> str:
        return (json_line(entry) if self._settings.format == "json" else logfmt_line(entry)) + "\n"

    def _encoded(self, line: str) -> bytes:
        return line.encode(self._stream.encoding or "utf-8", self._stream.errors or "backslashreplace")

    def _sink_of(self, stream: TextIO) -> Sink | None:
        """A sink for the stream's descriptor; None if it has none, or one that cannot be polled."""
        if sys.platform == "win32":
            return None
        try:
            return Sink(stream.fileno(), self._dropped_note)
        except (AttributeError, OSError, ValueError):
            return None

    def _dropped_note(self, count: int) -> bytes:
        message = "log records were dropped: nobody read the log"
        entry = _Entry(time.time_ns(), logging.WARNING, message, {"dropped": count})
        return self._encoded(self._line(entry))


def install(stream: TextIO) -> LogStream:
    """Make `stream` the only destination of log records, including those of libraries."""
    handler = LogStream(stream)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_FOREIGN_LEVEL)
    logging.getLogger(_OWN).setLevel(logging.DEBUG)
    return handler


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of a record; those of a library's record name the library."""
    fields = dict(getattr(record, "fields", None) or {})
    if record.name != _OWN and not record.name.startswith(_OWN + "."):
        fields.setdefault("logger", record.name)
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        fields.setdefault("err", f"{type(error).__name__}: {error}")
        fields["traceback"] = _traceback(error)
    return fields


def _traceback(error: BaseException) -> str:
    """The traceback without source lines: those on disk may differ from the code that runs."""
    summary = traceback.TracebackException.from_exception(error, lookup_lines=False)
    _drop_source(summary)
    return "".join(summary.format())


def _drop_source(summary: traceback.TracebackException) -> None:
    frames = [(each.filename, each.lineno or 0, each.name, "") for each in summary.stack]
    summary.stack = traceback.StackSummary.from_list(frames)
    for other in (summary.__cause__, summary.__context__, *(getattr(summary, "exceptions", None) or ())):
        if other is not None:
            _drop_source(other)


def _timestamp(nanoseconds: int) -> str:
    """UTC in RFC 3339 with up to nine fractional digits, trailing zeros cut."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{text}{fraction}Z"


def _level(level: int) -> str:
    if level >= logging.ERROR:
        return "error"
    if level >= logging.WARNING:
        return "warn"
    return "info" if level >= logging.INFO else "debug"


def _pairs(entry: _Entry) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = [("ts", _timestamp(entry.time)), ("level", _level(entry.level))]
    if entry.message:
        pairs.append(("msg", entry.message))
    pairs += ((key.strip().translate(_KEY_CHARACTERS), value) for key, value in entry.fields.items())
    return pairs


def logfmt_line(entry: _Entry) -> str:
    """`ts=... level=info msg="..." key=value`."""
    return " ".join(f"{key}={_logfmt_value(value)}" for key, value in _pairs(entry))


def _logfmt_value(value: Any) -> str:
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif value is None:
        text = "<nil>"
    elif isinstance(value, Duration):
        text = format_duration(value)
    elif isinstance(value, (list, tuple)):
        text = "[" + " ".join(map(str, value)) + "]"
    else:
        text = str(value)
    return quote(text) if _needs_quotes(text) else text


def _needs_quotes(text: str) -> bool:
    """Whether `text` is empty or holds a space, `=`, `"` or an unprintable character."""
    return not text or '"' in text or "=" in text or " " in text or not text.isprintable()


def json_line(entry: _Entry) -> str:
    """The same as one JSON object; durations are integers in nanoseconds."""
    line = json.dumps(dict(_pairs(entry)), ensure_ascii=False, separators=(",", ":"), default=str)
    return line.encode("utf-8", "replace").decode("utf-8")
