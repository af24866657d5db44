"""The real Go, Node and Java SDKs through a running alloypy: bodies unchanged, labels added, credentials set.

A missing toolchain, or a registry that cannot be reached, skips its SDK by name.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.recorder import Received, Recorder
from tests.support.running import Running, environment, free_port
from tests.support.sdks import SDK, SDKS, SET_UP_SECONDS, Missing

CONFIG = """
pyroscope.receive_http "default" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = %(port)d
  }
  forward_to = [pyroscope.write.backend.receiver]
}

pyroscope.write "backend" {
  endpoint {
    url = "%(sink)s/prefix"

    basic_auth {
      username = "shop"
      password = "hush"
    }
  }
  external_labels = {
    "env" = "test",
  }
}
"""


@pytest.fixture
def built(tmp_path: Path) -> Callable[[SDK], Path]:
    """Builds a driver in a copy of its folder; skips where that cannot be done here."""

    def build(sdk: SDK) -> Path:
        try:
            return sdk.built(tmp_path)
        except Missing as reason:
            pytest.skip(str(reason))

    return build


@pytest.mark.timeout(2 * SET_UP_SECONDS)
@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)
def test_profiles_arrive_as_they_were_sent(sdk: SDK, built: Callable[[SDK], Path], tmp_path: Path) -> None:
    folder = built(sdk)
    port = free_port()
    with Recorder() as sink:
        (tmp_path / "config.alloy").write_text(CONFIG % {"port": port, "sink": sink.url})
        arguments = ["--stability.level=public-preview", "--storage.path=data", "config.alloy"]
        with (
            Running(arguments, tmp_path) as running,
            Recorder(forward_to=f"127.0.0.1:{port}") as tap,
        ):
            running.wait_until_ready()
            drive(sdk, folder, tap.url)
            sent = tap.requests
            assert running.stop() == 0
        assert sent, "the SDK sent nothing"
        check(sdk, sent, sink.requests)
        assert "hush" not in running.text


def drive(sdk: SDK, folder: Path, url: str) -> None:
    """Let the SDK profile a busy loop, with its own credentials, and upload the result."""
    done = subprocess.run(
        [*sdk.run, url, "5", "auth"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def check(sdk: SDK, sent: list[Received], arrived: list[Received]) -> None:
    """Every request once, body and type untouched, the name labelled, our credentials for the SDK's."""
    assert sorted(request.body for request in arrived) == sorted(request.body for request in sent)
    by_body = {request.body: request for request in arrived}
    for request in sent:
        came = by_body[request.body]
        assert (came.method, came.path) == ("POST", "/prefix/ingest")
        assert came.header("content-type") == request.header("content-type")
        assert came.header("authorization") == "Basic c2hvcDpodXNo"
        assert came.header("x-scope-orgid") is None
        assert request.header("authorization") != came.header("authorization")
        assert came.header("content-length") == str(len(request.body))
        assert came.query.get("format") == sdk.format
        without_name = {key: value for key, value in request.query.items() if key != "name"}
        assert {key: value for key, value in came.query.items() if key != "name"} == without_name
        application, labels = split_name(came.query["name"])
        assert application == f"{sdk.name}.app"
        sent_labels = split_name(request.query["name"])[1]
        assert labels == sent_labels | {"env": "test", "service_name": f"{sdk.name}.app"}


def split_name(name: str) -> tuple[str, dict[str, str]]:
    """`app{a=b,c=d}` as SDKs write it."""
    application, _, labels = name.partition("{")
    pairs = (pair.partition("=") for pair in labels.removesuffix("}").split(",") if pair)
    return application, {key.strip(): value.strip() for key, _, value in pairs}
