"""The headers of outgoing requests: those that all have in common, and those that each one adds.

Source: docs/spec/PYROSCOPE.md, section 5.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from alloypy.lang.go.headers import canonical_name
from alloypy.net.client.messages import Headers, NotSent, WrittenHeaders, in_wire_order, written
from alloypy.tracing import Trace, Tracer

_EMPTY: Final = (("User-Agent", ""), ("Authorization", ""))
_OWN: Final = ("Host", "Content-Length", "Transfer-Encoding", "Trailer")


class Tracing:
    """Which trace headers are sent."""

    __slots__ = ("jaeger", "trace_context", "tracer")

    def __init__(self, jaeger: bool, trace_context: bool, tracer: Tracer) -> None:
        self.jaeger = jaeger
        self.trace_context = trace_context
        self.tracer = tracer

    def begin(self, received: Trace | None) -> Trace | None:
        """The trace of one delivery: the received one if there is one; None if no headers are wanted."""
        if not self.jaeger and not self.trace_context:
            return None
        return received or self.tracer.begin()

    def step(self, trace: Trace | None) -> Trace | None:
        """The trace for the tries of one item: below a span for the item, if spans are wanted."""
        if trace is None or trace.recorder is None:
            return trace
        return trace.below(self.tracer.span())

    def lines(self, trace: Trace | None, span: str) -> tuple[str, str]:
        """The Traceparent (with Tracestate) and Uber-Trace-Id lines of one try, which is a span."""
        if trace is None:
            return "", ""
        identity, sampled = trace.identity, trace.sampled
        parent = f"Traceparent: 00-{identity}-{span}-0{sampled}\r\n" if self.trace_context else ""
        if parent and trace.state:
            parent += f"Tracestate: {trace.state}\r\n"
        return parent, f"Uber-Trace-Id: {identity}:{span}:0:{sampled}\r\n" if self.jaeger else ""


class HeaderPlan:
    """Headers with gaps: fixed ones in wire order, and names that each request gives values for.

    gaps: names in wire order.
    """

    def __init__(self, fixed: Headers, gaps: Sequence[str]) -> None:
        self._fault = ""
        self._template = ""
        ordered = in_wire_order(fixed)
        runs = []
        for gap in gaps:
            runs.append([pair for pair in ordered if pair[0] == "User-Agent" or pair[0] < gap])
            ordered = ordered[len(runs[-1]) :]
        try:
            self._template = "%s".join(written(run).text.replace("%", "%%") for run in (*runs, ordered))
        except NotSent as reason:
            self._fault = str(reason)

    def fill(self, groups: tuple[str, ...]) -> WrittenHeaders:
        """The headers with one group of written lines in each gap. Raises NotSent."""
        if self._fault:
            raise NotSent(self._fault)
        return WrittenHeaders(self._template % groups)


def endpoint_headers(given: Mapping[str, str], alloy_id: str) -> list[tuple[str, str]]:
    """An endpoint's configured headers with canonical names; X-Alloy-Id is always ours."""
    headers = {canonical_name(name): value.strip(" \t") for name, value in given.items()}
    headers["X-Alloy-Id"] = alloy_id
    return list(headers.items())


def without(headers: Headers, *names: str) -> list[tuple[str, str]]:
    """Headers except those named."""
    return [pair for pair in headers if pair[0] not in names]


def sendable(headers: Headers) -> list[tuple[str, str]]:
    """Headers except those that the sender writes itself, and except useless empty ones."""
    return [pair for pair in headers if pair[0] not in _OWN and pair not in _EMPTY]


def passed_through(headers: Headers, passed: Headers) -> list[tuple[str, str]]:
    """Our headers, with those of the client's request replacing ours of the same names."""
    theirs = [(canonical_name(name), value) for name, value in passed]
    names = {name for name, _ in theirs}
    return in_wire_order([*(pair for pair in headers if pair[0] not in names), *theirs])
