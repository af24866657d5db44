"""The real Python SDK through a running alloypy: every profile arrives labelled, authenticated, unchanged."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from alloypy.profiles.pb import push_pb2
from tests.support.recorder import Received, Recorder
from tests.support.running import Running, environment, free_port

pytest.importorskip("pyroscope", reason="the Python SDK, pyroscope-io, is not installed")

DRIVER = Path(__file__).parent / "sdk_drivers" / "python" / "app.py"
PUSH = "/push.v1.PusherService/Push"
CONFIG = """
pyroscope.receive_http "default" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = %(port)d
  }
  forward_to = [pyroscope.write.first.receiver, pyroscope.write.second.receiver]
}

pyroscope.write "first" {
  endpoint {
    url = "%(first)s/prefix"

    basic_auth {
      username = "shop"
      password = "hush"
    }
  }
  external_labels = {
    "env"  = "test",
    "zone" = "b",
  }
}

pyroscope.write "second" {
  endpoint {
    url          = "%(second)s"
    bearer_token = "token-hush"
  }
}
"""


class Profile(NamedTuple):
    """One series with one sample, as sent or as arrived."""

    labels: dict[str, str]
    raw: bytes


def profiles(requests: list[Received]) -> Iterator[Profile]:
    for request in requests:
        body = gzip.decompress(request.body) if request.header("content-encoding") == "gzip" else request.body
        for series in push_pb2.PushRequest.FromString(body).series:
            labels = {pair.name: pair.value for pair in series.labels}
            for sample in series.samples:
                yield Profile(labels, sample.raw_profile)


def drive(url: str) -> None:
    """Let the SDK profile a busy loop and upload what it found."""
    command = [sys.executable, str(DRIVER), url, "5"]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr


def start(tmp_path: Path, **values: object) -> Running:
    (tmp_path / "config.alloy").write_text(CONFIG % values)
    arguments = ["--stability.level=public-preview", "--storage.path=data", "config.alloy"]
    return Running(arguments, tmp_path)


def test_both_destinations_get_every_profile_as_it_was_sent(tmp_path: Path) -> None:
    port = free_port()
    with (
        Recorder() as first,
        Recorder() as second,
        start(tmp_path, port=port, first=first.url, second=second.url) as running,
        Recorder(forward_to=f"127.0.0.1:{port}") as tap,
    ):
        running.wait_until_ready()
        drive(tap.url)
        sent = list(profiles(tap.requests))
        assert running.stop() == 0
    assert sent, "the SDK sent nothing"
    for sink, path in ((first, f"/prefix{PUSH}"), (second, PUSH)):
        assert {(r.method, r.path) for r in sink.requests} == {("POST", path)}
        arrived = list(profiles(sink.requests))
        assert sorted(p.raw for p in arrived) == sorted(p.raw for p in sent)
    assert {r.header("authorization") for r in first.requests} == {"Basic c2hvcDpodXNo"}
    assert {r.header("authorization") for r in second.requests} == {"Bearer token-hush"}
    labels = next(profiles(first.requests)).labels
    assert labels["service_name"] == "py.app"
    assert (labels["env"], labels["zone"], labels["region"]) == ("test", "b", "eu-west-1")
    assert next(profiles(second.requests)).labels["zone"] == "a"
    assert "hush" not in running.text


def test_a_destination_that_is_down_does_not_cost_the_other_its_profiles(tmp_path: Path) -> None:
    port = free_port()
    with (
        Recorder() as second,
        start(tmp_path, port=port, first=f"http://127.0.0.1:{free_port()}", second=second.url) as running,
        Recorder(forward_to=f"127.0.0.1:{port}") as tap,
    ):
        running.wait_until_ready()
        tap_first = tap.requests
        process = subprocess.Popen(
            [sys.executable, str(DRIVER), tap.url, "5"], env=environment(), stderr=subprocess.DEVNULL
        )
        try:
            second.wait_for(1)
        finally:
            process.kill()
            process.wait()
        arrived = {p.raw for p in profiles(second.requests)}
        assert arrived <= {p.raw for p in profiles(tap_first)}
        assert running.get("/-/healthy").status == 200
        running.process.kill()
    assert arrived
