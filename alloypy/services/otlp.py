"""Sends the spans of sampled traces to a collector over OTLP/HTTP, with OpenTelemetry's exporter.

Needs the extra `alloypy[opentelemetry]`. OpenTelemetry's standard environment variables say where and
how to send (OTEL_EXPORTER_OTLP_*, OTEL_BSP_*, OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME).
Source: docs/spec/RUNTIME.md, section 5.2.
"""

from __future__ import annotations

import logging

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags
from opentelemetry.trace import SpanKind as ExportedKind

from alloypy import __version__
from alloypy.threads import WORK
from alloypy.tracing import Span, SpanKind

logger = logging.getLogger("alloypy")

_ENDING_SECONDS = 5.0
_SCOPE = InstrumentationScope("alloypy", __version__)
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class OTLPRecorder:
    """Takes spans, and sends them in batches from its own thread.

    Spans that the collector does not accept in time are dropped; nothing waits for the collector.
    """

    def __init__(self) -> None:
        own = Resource({"service.name": "alloy", "service.version": __version__})
        self._resource = Resource.create().merge(own).merge(OTELResourceDetector().detect())
        self._processor = BatchSpanProcessor(OTLPSpanExporter())

    def record(self, span: Span) -> None:
        """Add a span to the next batch."""
        received = span.kind is SpanKind.SERVER
        self._processor.on_end(
            ReadableSpan(
                span.name,
                _context(span.trace, span.identity, remote=False),
                _context(span.trace, span.parent, remote=received) if span.parent else None,
                self._resource,
                span.attributes,
                kind=ExportedKind[span.kind.name],
                status=Status() if span.error is None else Status(StatusCode.ERROR, span.error or None),
                start_time=span.began,
                end_time=span.ended,
                instrumentation_scope=_SCOPE,
            )
        )

    async def close(self) -> None:
        """Send the remaining spans, for a few seconds at most."""
        try:
            await WORK.run(self._processor.shutdown, _ENDING_SECONDS)
        except TimeoutError:
            logger.warning("the last traces could not be exported in time")


def _context(trace: str, span: str, *, remote: bool) -> SpanContext:
    return SpanContext(int(trace, 16), int(span, 16), remote, _SAMPLED)
