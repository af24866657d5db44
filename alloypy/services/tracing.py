"""The service of the `tracing` block, and the choice of the exporter of traces.

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
    """Sets which traces are sampled, and whether those of clients are continued."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    async def prepare(self, arguments: TracingArguments) -> None:
        """Nothing to check."""

    async def update(self, arguments: TracingArguments) -> None:
        """Apply the settings; warn of those that have no effect."""
        self._tracer.configure(arguments.sampling_fraction, continuing=arguments.send_traceparent)
        if arguments.sampler.jaeger_remote is not None:
            logger.warning("jaeger_remote has no effect: sampling_fraction decides which traces are sampled")


def exporter(environ: Mapping[str, str]) -> OTLPRecorder | None:
    """The exporter of traces that OpenTelemetry's environment variables ask for; None without one."""
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
        # The exporter checks its variables itself; a mistake in them must not keep the process from starting.
        fields = {"err": f"{type(error).__name__}: {error}"}
        logger.warning("traces are not exported", extra={"fields": fields})
    return None


def _wanted(environ: Mapping[str, str]) -> bool:
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    return environ.get("OTEL_TRACES_EXPORTER", "otlp") == "otlp" and bool(_setting(environ, "ENDPOINT"))


def _setting(environ: Mapping[str, str], name: str) -> str:
    """The variable for traces, or else the general one."""
    return environ.get(f"OTEL_EXPORTER_OTLP_TRACES_{name}") or environ.get(f"OTEL_EXPORTER_OTLP_{name}", "")
