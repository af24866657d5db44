"""Traces: which are sampled, how they are received and passed on, and where their spans go.

One `Tracer` serves the whole process and is passed to everything that needs it. Its settings are those of
the `tracing` block and may change while it is in use.
Source: docs/spec/RUNTIME.md, section 5.2; docs/spec/PYROSCOPE.md, section 5.1.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Final, NamedTuple, Protocol

_TRACEPARENT: Final = re.compile(
    rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL
)
_TRACESTATE: Final = re.compile(rb"[\t\x20-\x7e]{1,512}")
_DEFAULT_FRACTION: Final = 0.1
_LOW_BITS: Final = (1 << 64) - 1

_bits = random.Random().getrandbits  # noqa: S311 -- trace identities are not secret


class SpanKind(Enum):
    """A span's side of a call between two services, if it is one."""

    INTERNAL = 0
    SERVER = 1
    CLIENT = 2


class Span(NamedTuple):
    """One finished step of a sampled trace.

    trace, identity, parent: hexadecimal; parent is "" for the first span. began, ended: nanoseconds since
    the epoch. error: what went wrong, None if nothing did.
    """

    trace: str
    identity: str
    parent: str
    name: str
    kind: SpanKind
    began: int
    ended: int
    attributes: Mapping[str, str | int]
    error: str | None


class Recorder(Protocol):
    """Takes the spans of sampled traces; must neither block nor raise."""

    def record(self, span: Span) -> None: ...


class Trace:
    """A trace as the next step sees it.

    identity: 32 hexadecimal digits. sampled: 1 or 0. parent: the parent of the next spans, "" for none.
    state: the tracestate received, "" for none. recorder: takes the spans; None when they are not wanted,
    so that their attributes need not be collected.
    """

    __slots__ = ("identity", "parent", "recorder", "sampled", "state")

    def __init__(
        self,
        identity: str,
        sampled: int,
        parent: str = "",
        state: str = "",
        recorder: Recorder | None = None,
    ) -> None:
        self.identity = identity
        self.sampled = sampled
        self.parent = parent
        self.state = state
        self.recorder = recorder

    def below(self, span: str) -> Trace:
        """The same trace, for steps below a span."""
        return Trace(self.identity, self.sampled, span, self.state, self.recorder)

    def record(
        self,
        name: str,
        kind: SpanKind,
        identity: str,
        seconds: float,
        attributes: Mapping[str, str | int],
        error: str | None = None,
    ) -> None:
        """Record a span that ends now and took `seconds`."""
        if self.recorder is None:
            return
        ended = time.time_ns()
        began = ended - int(seconds * 1e9)
        span = Span(self.identity, identity, self.parent, name, kind, began, ended, attributes, error)
        self.recorder.record(span)


class Tracer:
    """Begins traces, and continues those of clients where that is wanted.

    bits: returns a random number of the given number of bits. recorder: takes the spans of sampled traces.
    receiving: whether servers have to call `receive`; if not, they save the effort.
    """

    def __init__(self, bits: Callable[[int], int] = _bits, recorder: Recorder | None = None) -> None:
        self._bits = bits
        self._recorder = recorder
        self._continuing = False
        self._bound = 0
        self.receiving = False
        self.configure(_DEFAULT_FRACTION, continuing=False)

    def configure(self, fraction: float, *, continuing: bool) -> None:
        """Sample this share of the traces that begin here: none at 0 or below, all at 1 or above.

        continuing: whether clients' traces are continued, sampled or not as the client says.
        """
        self._bound = int(min(max(fraction, 0.0), 1.0) * (1 << 63))
        self._continuing = continuing
        self.receiving = continuing or self._recorder is not None

    def begin(self) -> Trace:
        """A new trace. As is usual, its lower 64 bits except the last decide whether it is sampled."""
        identity = self._bits(128)
        sampled = (identity & _LOW_BITS) >> 1 < self._bound
        return Trace(f"{identity:032x}", int(sampled), recorder=self._recorder if sampled else None)

    def span(self) -> str:
        """The identity of a new span."""
        return f"{self._bits(64):016x}"

    def receive(self, headers: Iterable[tuple[bytes, bytes]]) -> Trace:
        """The trace of a received request: the client's own if it is to be continued, otherwise a new one.

        headers: lower-case names and values.
        """
        found = self._sent(headers) if self._continuing else None
        return self.begin() if found is None else found

    def _sent(self, headers: Iterable[tuple[bytes, bytes]]) -> Trace | None:
        """The trace in a client's headers (W3C Trace Context), None if there is no valid one."""
        parent = state = b""
        for name, value in headers:
            if name == b"traceparent":
                parent = parent or value.strip()
            elif name == b"tracestate":
                state = state or value.strip()
        match = _TRACEPARENT.fullmatch(parent)
        if match is None:
            return None
        version, identity, span, flags, more = match.groups()
        if version == b"ff" or (version == b"00" and more) or not int(identity, 16) or not int(span, 16):
            return None
        sampled = int(flags, 16) & 1
        kept = state.decode("ascii") if _TRACESTATE.fullmatch(state) else ""
        recorder = self._recorder if sampled else None
        return Trace(identity.decode(), sampled, span.decode(), kept, recorder)
