"""The `tracing` block's service, and when traces are exported."""

from __future__ import annotations

import logging
import sys

import pytest

from alloypy.lang.go.duration import Duration
from alloypy.runtime.blocks.process import JaegerRemoteArguments, SamplerArguments, TracingArguments
from alloypy.services.tracing import TracingService, exporter
from alloypy.tracing import Tracer

ENDPOINT = "http://127.0.0.1:1"


@pytest.mark.anyio
async def test_the_settings_are_taken_and_given_back(caplog: pytest.LogCaptureFixture) -> None:
    tracer = Tracer()
    service = TracingService(tracer)
    given = TracingArguments(sampling_fraction=1.0, send_traceparent=True)
    await service.prepare(given)
    await service.update(given)
    assert tracer.begin().sampled
    assert tracer.receiving
    await service.update(TracingArguments(sampling_fraction=0.0))
    assert not tracer.begin().sampled
    assert not tracer.receiving
    assert not caplog.records


@pytest.mark.anyio
async def test_a_remote_sampler_is_said_to_have_no_effect(caplog: pytest.LogCaptureFixture) -> None:
    tracer = Tracer()
    remote = JaegerRemoteArguments(refresh_interval=Duration(10**9))
    given = TracingArguments(sampling_fraction=1.0, sampler=SamplerArguments(jaeger_remote=remote))
    await TracingService(tracer).update(given)
    assert tracer.begin().sampled
    assert [record.getMessage() for record in caplog.records] == [
        "jaeger_remote has no effect: sampling_fraction decides which traces are sampled"
    ]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": ENDPOINT},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT, "OTEL_SDK_DISABLED": "TRUE"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT, "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nothing_is_exported_nor_said_unasked(
    environ: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    assert exporter(environ) is None
    assert not caplog.records


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
def test_a_missing_extra_is_reported(
    variable: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "alloypy.services.otlp", None)
    assert exporter({variable: ENDPOINT}) is None
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "traces are not exported: that needs the extra alloypy[opentelemetry]")
    ]


def test_another_protocol_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}
    assert exporter(environ) is None
    assert [record.getMessage() for record in caplog.records] == [
        "traces are not exported: unsupported OTLP protocol"
    ]
