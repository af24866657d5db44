"""Which traces are sampled, and which incoming ones are continued."""

from __future__ import annotations

import random

import pytest

from alloypy.tracing import Span, SpanKind, Trace, Tracer
from tests.support.profiles import contents

IDENTITY = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{IDENTITY}-b7ad6b7169203331-01"


class Recorded:
    """Keeps spans."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def record(self, span: Span) -> None:
        self.spans.append(span)


def sampled(tracer: Tracer, count: int = 2000) -> int:
    return sum(tracer.begin().sampled for _ in range(count))


@pytest.mark.parametrize(
    ("fraction", "low", "high"),
    [(-3.0, 0, 0), (0.0, 0, 0), (0.25, 430, 570), (1.0, 2000, 2000), (7.0, 2000, 2000)],
)
def test_the_fraction_is_the_share_that_is_sampled(fraction: float, low: int, high: int) -> None:
    tracer = Tracer(random.Random(1).getrandbits)
    tracer.configure(fraction, continuing=False)
    assert low <= sampled(tracer) <= high


def test_one_in_ten_without_settings_and_live_changes() -> None:
    tracer = Tracer(random.Random(1).getrandbits)
    assert 150 < sampled(tracer) < 250
    tracer.configure(1, continuing=False)
    assert sampled(tracer, 10) == 10
    tracer.configure(0, continuing=False)
    assert sampled(tracer, 10) == 0


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        (0, 1),
        ((1 << 63) - 1, 1),
        (1 << 63, 0),
        ((1 << 128) - 1, 0),
        (((1 << 64) - 1) << 64, 1),  # the upper half does not count
    ],
)
def test_the_lower_half_of_the_identity_decides(identity: int, expected: int) -> None:
    tracer = Tracer(lambda _: identity)
    tracer.configure(0.5, continuing=False)
    assert contents(tracer.begin()) == contents(Trace(f"{identity:032x}", expected))


def headers(**values: str) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in values.items()]


def test_a_trace_goes_on_where_that_is_wanted() -> None:
    tracer = Tracer()
    given = headers(traceparent=f" {PARENT} ", tracestate="a=b")
    assert not tracer.receiving
    assert tracer.receive(given).identity != IDENTITY
    tracer.configure(0, continuing=True)
    assert tracer.receiving
    assert contents(tracer.receive(given)) == contents(Trace(IDENTITY, 1, "b7ad6b7169203331", "a=b"))
    tracer.configure(1, continuing=True)
    unsampled = headers(traceparent=PARENT[:-1] + "0", tracestate="a\x00b")
    assert contents(tracer.receive(unsampled)) == contents(Trace(IDENTITY, 0, "b7ad6b7169203331"))
    assert tracer.receive(headers(traceparent="01" + PARENT[2:] + "-more")).identity == IDENTITY


@pytest.mark.parametrize(
    "given",
    [
        "",
        PARENT.upper(),
        PARENT[:-1],
        PARENT + "-more",
        "ff" + PARENT[2:],
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{IDENTITY}-{'0' * 16}-01",
        f"00-{IDENTITY}-b7ad6b716920333g-01",
    ],
)
def test_what_is_not_a_trace_is_not_continued(given: str) -> None:
    tracer = Tracer()
    tracer.configure(1, continuing=True)
    trace = tracer.receive(headers(traceparent=given))
    assert trace.identity != IDENTITY
    assert (trace.sampled, trace.parent) == (1, "")


def test_spans_of_sampled_traces_only_are_recorded() -> None:
    recorded = Recorded()
    tracer = Tracer(recorder=recorded)
    assert tracer.receiving
    tracer.configure(0, continuing=False)
    tracer.begin().record("left out", SpanKind.INTERNAL, tracer.span(), 1.0, {})
    tracer.configure(1, continuing=False)
    trace = tracer.begin()
    trace.record("kept", SpanKind.CLIENT, "1" * 16, 1.5, {"a": 1}, "why")
    (span,) = recorded.spans
    assert (span.trace, span.identity, span.name, span.error) == (trace.identity, "1" * 16, "kept", "why")
    assert span.ended - span.began == 1_500_000_000
