"""Traces end to end: a process, its clients, a backend, and an OTLP collector."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from alloypy.components.pyroscope.write import TracingArguments
from alloypy.profiles.model import DeliveryError
from alloypy.tracing import Span, Tracer
from tests.support.running import Running, free_port
from tests.support.scripted import Peer, answering, scripted
from tests.support.sending import PUSH_OK, answer, arguments, endpoint, push, writing
from tests.support.sending import ingest as ingest_profile

CONFIG = """
tracing {{
  sampling_fraction = {fraction}
  send_traceparent  = {goes_on}
}}

pyroscope.receive_http "in" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = {port}
  }}
  forward_to = [pyroscope.write.out.receiver]
}}

pyroscope.write "out" {{
  endpoint {{
    url = "http://127.0.0.1:{backend}"
  }}
}}
"""
IDENTITY = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class Backend(ThreadingHTTPServer):
    """Accepts profiles and traces. profiles: the headers of each; exported: the OTLP bodies."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.profiles: list[dict[str, str]] = []
        self.exported: list[bytes] = []


class Handler(BaseHTTPRequestHandler):
    """Says yes to everything."""

    protocol_version = "HTTP/1.1"
    server: Backend

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/traces":
            self.server.exported.append(body)
        else:
            self.server.profiles.append(dict(self.headers.items()))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def backend() -> Iterator[Backend]:
    with Backend() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def ingest(port: int, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/ingest?name=app", b"profile", headers)
        return connection.getresponse().status
    finally:
        connection.close()


def configure(folder: Path, server: Backend, port: int, fraction: float, goes_on: str) -> Path:
    path = folder / "config.alloy"
    path.write_text(
        CONFIG.format(fraction=fraction, goes_on=goes_on, port=port, backend=server.server_port),
        encoding="utf-8",
    )
    return path


def test_the_block_decides_on_the_headers_and_a_reload_changes_that(tmp_path: Path) -> None:
    port = free_port()
    with backend() as server:
        path = configure(tmp_path, server, port, 1.5, "false")
        with Running([str(path), "--stability.level=public-preview"], tmp_path) as running:
            running.wait_until_ready()
            incoming = {"traceparent": f"00-{IDENTITY}-{PARENT}-01", "tracestate": "a=b"}
            assert ingest(port, **incoming) == 200
            configure(tmp_path, server, port, 0, "false")
            assert running.get("/-/reload").status == 200
            assert ingest(port, **incoming) == 200
            configure(tmp_path, server, port, 0, "true")
            assert running.get("/-/reload").status == 200
            assert ingest(port, **incoming) == 200
        assert "no effect" not in running.text
    sampled, unsampled, continued = server.profiles
    assert sampled["Traceparent"].endswith("-01")
    assert sampled["Uber-Trace-Id"].endswith(":0:1")
    assert unsampled["Traceparent"].endswith("-00")
    assert IDENTITY not in sampled["Traceparent"] + unsampled["Traceparent"]
    assert "Tracestate" not in unsampled
    version, identity, span, flags = continued["Traceparent"].split("-")
    assert (version, identity, flags, continued["Tracestate"]) == ("00", IDENTITY, "01", "a=b")
    assert span != PARENT
    assert continued["Uber-Trace-Id"] == f"{IDENTITY}:{span}:0:1"


def exported_spans(server: Backend) -> list[Any]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    requests = [ExportTraceServiceRequest.FromString(body) for body in server.exported]
    resources = [resource for request in requests for resource in request.resource_spans]
    for resource in resources:
        named = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
        assert named["service.name"] == "alloy"
    return [span for resource in resources for scope in resource.scope_spans for span in scope.spans]


def test_spans_are_exported_and_agree_with_headers_and_log(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    port = free_port()
    with backend() as server:
        path = configure(tmp_path, server, port, 1, "false")
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}"}
        with Running([str(path), "--stability.level=public-preview"], tmp_path, env) as running:
            running.wait_until_ready()
            assert running.get("/-/reload").status == 200  # now with everything sampled
            assert ingest(port) == 200
            assert running.stop() == 0
    spans = {span.name: span for span in exported_spans(server)}
    (headers,) = server.profiles
    _, identity, span, _ = headers["Traceparent"].split("-")
    received, item, sent = spans["HTTP POST - ingest"], spans["AppendIngest"], spans["HTTP POST"]
    assert {each.trace_id.hex() for each in (received, item, sent)} == {identity}
    assert (received.kind, item.kind, sent.kind) == (2, 1, 3)
    assert received.parent_span_id == b""
    assert item.parent_span_id == received.span_id
    assert (sent.span_id.hex(), sent.parent_span_id) == (span, item.span_id)
    assert received.start_time_unix_nano <= sent.start_time_unix_nano
    load, node = spans["GraphEvaluate"], spans["EvaluateNode"]
    assert node.parent_span_id == load.span_id
    assert load.trace_id.hex() in re.findall(r"trace_id=([0-9a-f]{32})", running.text)
    assert "traces" not in running.text


def test_a_dead_collector_affects_nobody(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    port = free_port()
    with backend() as server:
        path = configure(tmp_path, server, port, 1, "false")
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
        with Running([str(path), "--stability.level=public-preview"], tmp_path, env) as running:
            running.wait_until_ready()
            assert ingest(port) == 200
            assert running.stop() == 0
    assert len(server.profiles) == 1


class Recorded:
    """Keeps spans."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def record(self, span: Span) -> None:
        self.spans.append(span)


@pytest.mark.anyio
async def test_every_attempt_is_a_span_with_its_result() -> None:
    recorded = Recorded()
    tracer = Tracer(recorder=recorded)
    tracer.configure(1, continuing=False)
    trace = tracer.begin().below("1" * 16)
    replies = [answer("503 Busy"), PUSH_OK]

    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.say(replies.pop(0))

    async with scripted(script) as backend:
        given = arguments(endpoint(f"http://127.0.0.1:{backend.port}"))
        async with writing(given, tracer=tracer) as running:
            await running.receiver.append(push(trace=trace))
    failed, sent, series = recorded.spans
    assert (series.name, series.trace, series.parent) == ("Push", trace.identity, "1" * 16)
    assert {(span.trace, span.parent) for span in (failed, sent)} == {(trace.identity, series.identity)}
    assert (failed.error, failed.attributes["http.response.status_code"]) == ("", 503)
    assert (sent.error, sent.attributes["http.response.status_code"]) == (None, 200)
    headers = [dict(request.headers)["Traceparent"] for request in backend.requests]
    assert headers == [f"00-{trace.identity}-{span.identity}-01" for span in (failed, sent)]


@pytest.mark.anyio
@pytest.mark.parametrize("connected", [False, True])
async def test_each_series_is_a_span_of_one_trace(connected: bool) -> None:
    recorded = Recorded()
    tracer = Tracer(recorder=recorded)
    tracer.configure(1, continuing=False)
    async with scripted(answering(PUSH_OK)) as backend:
        given = arguments(endpoint(f"http://127.0.0.1:{backend.port}"))
        async with writing(given, tracer=tracer) as running:
            await running.receiver.append(push({"a": "1"}, {"a": "2"}))
            if connected:  # else the series are sent over separate connections
                recorded.spans.clear()
                await running.receiver.append(push({"a": "1"}, {"a": "2"}))
    series = [span for span in recorded.spans if span.name == "Push"]
    tries = [span for span in recorded.spans if span.name == "HTTP POST"]
    assert len({span.trace for span in recorded.spans}) == 1
    assert len(series) == len(tries) == 2
    assert {span.parent for span in tries} == {span.identity for span in series}


@pytest.mark.anyio
async def test_an_attempt_without_an_answer_says_why_and_hides_credentials() -> None:
    recorded = Recorded()
    tracer = Tracer(recorder=recorded)
    tracer.configure(1, continuing=False)
    given = endpoint(f"http://user:hidden@127.0.0.1:{free_port()}", max_backoff_retries=1)
    async with writing(arguments(given), tracer=tracer) as running:
        with pytest.raises(DeliveryError):
            await running.receiver.append_ingest(ingest_profile())
    span, item = recorded.spans
    assert (item.name, item.identity) == ("AppendIngest", span.parent)
    assert "connection refused" in str(span.error)
    assert "hidden" not in repr(span)


@pytest.mark.anyio
async def test_without_trace_headers_there_is_no_span_of_a_try() -> None:
    recorded = Recorded()
    tracer = Tracer(recorder=recorded)
    tracer.configure(1, continuing=False)
    none = TracingArguments(jaeger_propagator=False, trace_context_propagator=False)
    async with scripted(answering(PUSH_OK)) as backend:
        given = arguments(endpoint(f"http://127.0.0.1:{backend.port}"), tracing=none)
        async with writing(given, tracer=tracer) as running:
            await running.receiver.append(push(trace=tracer.begin()))
    assert recorded.spans == []
