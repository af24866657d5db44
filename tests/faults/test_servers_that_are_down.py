"""A server that is down: clients with a deadline learn why before it ends, and nothing is lost."""

from __future__ import annotations

import http.client
import struct
from pathlib import Path

import pytest

from alloypy.profiles.model import RawSample, Series
from alloypy.profiles.push_wire import encode_push
from tests.support.running import Reply, Running, alloypy, free_port

ROOT = Path(__file__).parents[2]
LEVEL = "--stability.level=public-preview"
PUSH = "/push.v1.PusherService/Push"
BODY = b"".join(map(bytes, encode_push([Series({"__name__": "cpu"}, [RawSample(b"profile")])])))
CONNECT = {"Content-Type": "application/proto", "Connect-Timeout-Ms": "2000"}
GRPC_WEB = {"Content-Type": "application/grpc-web+proto", "grpc-timeout": "2S"}
SECONDS = 2.0


def pipeline(port: int, url: str, more: str = "") -> str:
    return f"""pyroscope.receive_http "default" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = {port}
  }}
  forward_to = [pyroscope.write.w.receiver]
}}
pyroscope.write "w" {{
  endpoint {{
    url                = "{url}"
    min_backoff_period = "50ms"
    max_backoff_period = "50ms"
    {more}
  }}
}}
"""


def post(port: int, target: str, body: bytes, headers: dict[str, str], within: float = 60) -> Reply:
    """The answer, headers before the body; TimeoutError if there is none in time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=within)
    try:
        connection.request("POST", target, body, headers)
        response = connection.getresponse()
        return Reply(response.status, str(response.headers) + response.read().decode("utf-8", "replace"))
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [(CONNECT, BODY, 504), (GRPC_WEB, b"\0" + struct.pack(">I", len(BODY)) + BODY, 200)],
    ids=["connect", "grpc-web"],
)
def test_the_reason_comes_before_the_deadline_and_the_profile_later(
    headers: dict[str, str], body: bytes, status: int, tmp_path: Path
) -> None:
    port, down = free_port(), free_port()
    url = f"http://user:hunter2@127.0.0.1:{down}"
    (tmp_path / "config.alloy").write_text(pipeline(port, url, "max_backoff_retries = 0"))
    with Running([LEVEL, "config.alloy"], tmp_path) as running:
        running.wait_until_ready()
        reply = post(port, PUSH, body, headers, within=SECONDS)
        assert reply.status == status
        assert "deadline_exceeded" in reply.text
        assert "connection refused" in reply.text
        assert f"127.0.0.1:{down}" in reply.text
        assert "hunter2" not in reply.text
        done = alloypy("dev-sink", f"--listen-addr=127.0.0.1:{down}", "--count=1")
        assert (done.returncode, done.stdout.split()[:2]) == (0, ["push", PUSH])
        assert running.stop() == 0
    assert "hunter2" not in running.text


def test_a_client_without_a_deadline_gets_the_errors_at_the_end(tmp_path: Path) -> None:
    port, down = free_port(), free_port()
    url = f"http://user:hunter2@127.0.0.1:{down}"
    (tmp_path / "config.alloy").write_text(pipeline(port, url, "max_backoff_retries = 2"))
    with Running([LEVEL, "config.alloy"], tmp_path) as running:
        running.wait_until_ready()
        for target, kind in (("/ingest?name=app", "text/plain"), (PUSH, "application/proto")):
            reply = post(port, target, BODY, {"Content-Type": kind})
            assert reply.status == 500
            assert "endpoint http://" in reply.text
            assert f"127.0.0.1:{down}" in reply.text
            assert "connection refused" in reply.text
            assert "hunter2" not in reply.text
        assert running.stop() == 0
