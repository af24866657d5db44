"""`import.http` against a real server: content, credentials, and what can go wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.components.http_client import BasicAuthArguments, HTTPClientArguments
from alloypy.components.remote.http_import import Arguments, fetch
from alloypy.lang.go.duration import Duration
from alloypy.lang.values import Secret
from alloypy.runtime.contract.options import FetchError
from tests.support.recorder import Recorder
from tests.support.running import Running, free_port

MODULE = b'declare "quiet" {\n  argument "level" { }\n}\n'


async def failure(arguments: Arguments) -> str:
    with pytest.raises(FetchError) as caught:
        await fetch(arguments)
    return str(caught.value)


@pytest.mark.anyio
async def test_the_request_is_made_as_configured() -> None:
    with Recorder(content=b"  content\n") as server:
        arguments = Arguments(
            url=f"{server.url}/mod.alloy?a=1",
            method="POST",
            headers={"x-team": "shop"},
            body="ask",
            client=HTTPClientArguments(basic_auth=BasicAuthArguments(username="u", password=Secret("p"))),
        )
        assert await fetch(arguments) == "content"
        (request,) = server.requests
    assert (request.method, request.target, request.body) == ("POST", "/mod.alloy?a=1", b"ask")
    assert (request.header("x-team"), request.header("authorization")) == ("shop", "Basic dTpw")


@pytest.mark.anyio
async def test_failures_are_reported_in_alloys_words_without_credentials() -> None:
    port = free_port()
    assert await failure(Arguments(url=f"http://u:hush@127.0.0.1:{port}/m")) == (
        f'performing request: Get "http://u:xxxxx@127.0.0.1:{port}/m": '
        f"dial tcp 127.0.0.1:{port}: connect: connection refused"
    )
    with Recorder(status=404) as server:
        assert await failure(Arguments(url=server.url)) == "unexpected status code 404 Not Found"
    assert "hush" not in await failure(Arguments(url="ftp://u:hush@h/"))
    assert "hush" not in await failure(Arguments(url="http://u:hush@h:bad/"))


def test_times_must_make_sense() -> None:
    arguments = Arguments(url="u", poll_frequency=Duration(1), poll_timeout=Duration(1))
    (fault,) = arguments.check()
    assert fault.message == "poll_timeout must be less than poll_frequency"


def test_a_module_on_a_server_can_be_used(tmp_path: Path) -> None:
    with Recorder(content=MODULE) as server:
        text = f'import.http "m" {{\n  url = "{server.url}/m.alloy"\n}}\nm.quiet "x" {{\n  level = "a"\n}}\n'
        (tmp_path / "config.alloy").write_text(text)
        with Running(["config.alloy"], tmp_path) as running:
            running.wait_until_ready()
            (component,) = running.json("/api/v0/web/components")
            assert component["localID"] == "m.quiet.x"
            assert component["health"]["state"] == "healthy"
            assert running.stop() == 0
