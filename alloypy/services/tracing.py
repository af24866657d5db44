"""The service behind the `tracing` block, and what decides whether traces are exported.

Source: docs/spec/RUNTIME.md, section 5.2.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from alloypy.runtime.blocks.process import TracingArguments
from alloypy.tracing import Tracer

if TYPE_CHECKING:
    from alloypy.services.otlp import OTLPRecorder

logger = logging.getLogger("alloypy")

_PROTOCOL = "http/protobuf"


class TracingService:
    """Sets which traces are sampled, and whether those of clients go on."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    async def prepare(self, arguments: TracingArguments) -> None:
        """Nothing can be refused."""

    async def update(self, arguments: TracingArguments) -> None:
        """Take the settings at once; say which of them have no effect."""
        self._tracer.configure(arguments.sampling_fraction, continuing=arguments.send_traceparent)
        if arguments.sampler.jaeger_remote is not None:
            logger.warning("jaeger_remote has no effect: sampling_fraction decides which traces are sampled")


def exporter(environ: Mapping[str, str]) -> OTLPRecorder | None:
    """What exports traces, if the environment asks for it by OpenTelemetry's variables and it can be had."""
    if not _wanted(environ):
        return None
    protocol = _setting(environ, "PROTOCOL") or _PROTOCOL
    if protocol != _PROTOCOL:
        fields = {"protocol": protocol, "supported": _PROTOCOL}
        logger.warning("traces are not exported: unsupported OTLP protocol", extra={"fields": fields})
        return None
    try:
        from alloypy.services.otlp import OTLPRecorder

        return OTLPRecorder()
    except ImportError:
        logger.warning("traces are not exported: that needs the extra alloypy[opentelemetry]")
    except Exception as error:
        # The exporter checks its variables in ways of its own; a process must not fail to start over them.
        fields = {"err": f"{type(error).__name__}: {error}"}
        logger.warning("traces are not exported", extra={"fields": fields})
    return None


def _wanted(environ: Mapping[str, str]) -> bool:
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    return environ.get("OTEL_TRACES_EXPORTER", "otlp") == "otlp" and bool(_setting(environ, "ENDPOINT"))


def _setting(environ: Mapping[str, str], name: str) -> str:
    """A variable for traces, or else the one for everything."""
    return environ.get(f"OTEL_EXPORTER_OTLP_TRACES_{name}") or environ.get(f"OTEL_EXPORTER_OTLP_{name}", "")
