"""`alloypy dev-sink`: what it prints, and how it misbehaves on request."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from alloypy.cli.commands.dev_sink.command import run
from alloypy.cli.commands.dev_sink.server import Arrival, Behaviour, describe_authorization, sink_application
from alloypy.cli.usage_error import UsageError
from alloypy.net.rpc.codes import CODES
from alloypy.net.server.config import ServerConfig, Timeouts
from alloypy.net.server.http1.protocol import HTTP1
from alloypy.net.server.listener import Server
from alloypy.profiles.model import RawSample, Series
from alloypy.profiles.push_wire import encode_push
from tests.support.receiving import PUSH, ask, connected, request_bytes
from tests.support.running import Running, free_port

SERIES = [
    Series({"__name__": "cpu", "service_name": "svc"}, [RawSample(b"one"), RawSample(b"three")]),
    Series({"__name__": "mem"}, [RawSample(b"five!")]),
]
BODY = b"".join(bytes(chunk) for chunk in encode_push(SERIES))
PROTO = [("Content-Type", "application/proto")]


@asynccontextmanager
async def sink(behaviour: Behaviour | None = None) -> AsyncIterator[tuple[int, list[Arrival]]]:
    """A sink's port, and what arrived."""
    arrivals: list[Arrival] = []
    listening = socket.create_server(("127.0.0.1", 0))
    application = sink_application(lambda each: arrivals.append(each.arrival), behaviour or Behaviour())
    config = ServerConfig(application, logger=logging.getLogger("sink"), timeouts=Timeouts())
    server = Server(config, [listening], (HTTP1,))
    server.start()
    try:
        yield server.addresses[0][1], arrivals
    finally:
        await server.stop(0)


@pytest.mark.anyio
async def test_every_profile_is_reported_once() -> None:
    async with sink() as (port, arrivals):
        headers = [
            ("Authorization", "Basic " + base64.b64encode(b"bob:hush").decode()),
            ("X-Scope-OrgID", "t1"),
        ]
        reply = await ask(port, "/base/ingest?name=app%7Bb%3D2%2Ca%3D1%7D&from=1", b"abc", headers)
        assert (reply.status, reply.body) == (200, b"")
        reply = await ask(port, PUSH, BODY, [*PROTO, ("Authorization", "Bearer hush")])
        assert (reply.status, reply.body, reply.headers["content-type"]) == (200, b"", "application/proto")
        body = b'{"series":[{"labels":[{"name":"__name__","value":"x"}],"samples":[{"rawProfile":"AAA="}]}]}'
        reply = await ask(port, PUSH, body, [("Content-Type", "application/json")])
        assert (reply.status, reply.body) == (200, b"{}")
    assert arrivals[0] == Arrival(
        "ingest",
        "/base/ingest",
        {"__name__": "app", "a": "1", "b": "2"},
        3,
        hashlib.sha256(b"abc").hexdigest(),
        "",
        'basic auth as "bob"',
        "t1",
    )
    assert [(each.labels["__name__"], each.size, each.authorization) for each in arrivals[1:]] == [
        ("cpu", 3, "bearer token"),
        ("cpu", 5, "bearer token"),
        ("mem", 5, "bearer token"),
        ("x", 2, "none"),
    ]


@pytest.mark.anyio
async def test_what_makes_no_sense_is_refused_as_pyroscope_refuses_it() -> None:
    async with sink() as (port, arrivals):
        assert (await ask(port, "/ingest?name=a%20b", b"abc")).status == 400
        assert (await ask(port, PUSH, b"\xff", PROTO)).status == 400
        assert (await ask(port, "/ingest", method="GET")).status == 405
        assert (await ask(port, "/other")).status == 404
        assert (await ask(port, "/ready", method="GET")).body == b"ready\n"
        assert b"/ingest" in (await ask(port, "/", method="GET")).body
    assert arrivals == []


@pytest.mark.anyio
async def test_it_answers_with_the_status_it_was_told() -> None:
    async with sink(Behaviour(status=422)) as (port, arrivals):
        assert (await ask(port, "/ingest?name=a", b"abc")).status == 422
        assert (await ask(port, PUSH, BODY, PROTO)).status == 422
    assert len(arrivals) == 4


@pytest.mark.anyio
@pytest.mark.parametrize("status", sorted({each.status for each in CODES.values()}))
async def test_push_is_answered_with_the_code_of_the_status(status: int) -> None:
    async with sink(Behaviour(status=status)) as (port, _):
        reply = await ask(port, PUSH, BODY, PROTO)
        assert (reply.status, CODES[json.loads(reply.body)["code"]].status) == (status, status)
        assert (await ask(port, "/ingest?name=a", b"abc")).status == status


@pytest.mark.parametrize("target", ["/ingest?name=app", PUSH])
def test_wrong_credentials_are_tried_once_and_reported_with_endpoint_and_status(
    target: str, tmp_path: Path
) -> None:
    port = free_port()
    command = [sys.executable, "-m", "alloypy", "dev-sink", "--listen-addr=127.0.0.1:0", "--status=401"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = process.stderr.readline().split()[-1]
        (tmp_path / "config.alloy").write_text(
            f"""pyroscope.receive_http "r" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = {port}
  }}
  forward_to = [pyroscope.write.w.receiver]
}}
pyroscope.write "w" {{
  endpoint {{
    url = "{url}"
  }}
}}
"""
        )
        with Running(["--stability.level=public-preview", "config.alloy"], tmp_path) as running:
            running.wait_until_ready()
            body, kind = (BODY, "application/proto") if target == PUSH else (b"abc", "text/plain")
            request = urllib.request.Request(f"http://127.0.0.1:{port}{target}", body, {"Content-Type": kind})
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=60)
            refused.value.close()
            assert refused.value.code == 401
            told = running.wait_for_log(rf"failed to \w+ (to )?endpoint {url} \(0 retries\)")
            assert "401" in told.partition("(0 retries)")[2]
        process.terminate()


@pytest.mark.anyio
async def test_it_drops_connections_when_told() -> None:
    async with sink(Behaviour(reset=True)) as (port, arrivals), connected(port) as client:
        await client.send(request_bytes("/ingest?name=a", b"abc"))
        assert await client.ended()
    assert len(arrivals) == 1


@pytest.mark.anyio
async def test_it_hangs_when_told() -> None:
    async with sink(Behaviour(hang=True)) as (port, arrivals), connected(port) as client:
        await client.send(request_bytes("/ingest?name=a", b"abc"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.reply()
    assert len(arrivals) == 1


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("", "none"),
        ("Bearer hush", "bearer token"),
        ("Basic " + base64.b64encode(b"u:hush").decode(), 'basic auth as "u"'),
        ("Basic hush", "basic auth, unreadable"),
        ("Digest hush", "Digest credentials"),
    ],
)
def test_credentials_are_named_but_never_shown(header: str, said: str) -> None:
    assert describe_authorization(header) == said


@pytest.mark.parametrize("status", ["199", "600", "-1"])
def test_an_impossible_status_is_refused(status: str) -> None:
    with pytest.raises(UsageError, match="is not an HTTP status"):
        run([f"--status={status}"])


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_prints_a_line_for_each_profile_and_ends_when_it_has_enough(as_json: bool) -> None:
    command = [sys.executable, "-m", "alloypy", "dev-sink", "--listen-addr=127.0.0.1:0", "--count=1"]
    process = subprocess.Popen(
        [*command, "--json"] if as_json else command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    told = process.stderr.readline()
    url = told.split()[-1]
    assert told.startswith("dev-sink: waiting for profiles on http://127.0.0.1:")
    request = urllib.request.Request(
        f"{url}/ingest?name=app%7Ba%3D%22%7D", b"abc", {"Authorization": "Bearer hush"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        assert response.status == 200
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert "hush" not in output
    if as_json:
        assert json.loads(output)["labels"] == {"__name__": "app", "a": '"'}
    else:
        assert output.startswith(
            'ingest /ingest  {__name__="app", a="\\""}  3 bytes, sha256 ba7816bf8f01, bearer token'
        )


def test_a_busy_port_is_one_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "alloypy", "dev-sink", f"--listen-addr={address}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    busy = f"listen tcp {address}: bind: address already in use"
    chooses = "--listen-addr chooses another address"
    assert done.stderr == f"Error: failed to listen on {address}: {busy}; {chooses}\n"


@pytest.mark.parametrize("host", ["", "0.0.0.0", "[::]"])
def test_the_url_it_prints_can_be_asked(host: str) -> None:
    command = [sys.executable, "-m", "alloypy", "dev-sink", f"--listen-addr={host}:0", "--count=1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = process.stderr.readline().split()[-1]
        with urllib.request.urlopen(f"{url}/ingest?name=app", b"abc", timeout=60) as response:
            assert response.status == 200
        assert process.wait(60) == 0


def test_a_browser_sees_what_arrived() -> None:
    command = [sys.executable, "-m", "alloypy", "dev-sink", "--listen-addr=127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = process.stderr.readline().split()[-1]

        def get(path: str, **headers: str) -> tuple[int, bytes]:
            request = urllib.request.Request(f"{url}{path}", headers={"Accept": "text/html", **headers})
            try:
                with urllib.request.urlopen(request, timeout=60) as response:
                    return response.status, response.read()
            except urllib.error.HTTPError as refusal:
                with refusal:
                    return refusal.code, refusal.read()

        assert b"Nothing has arrived yet" in get("/")[1]
        for number in range(70):
            content = b"main %d" % number
            hostile = "%3Cscript%3E%22" if number == 69 else "b"
            address = f"{url}/ingest?name=app%7Ba%3D{hostile}%7D&format=groups"
            with urllib.request.urlopen(address, content, timeout=60) as response:
                assert response.status == 200
        listed = json.loads(get("/api/v0/alloypy/files")[1])
        assert [each["id"] for each in listed] == [str(number) for number in range(70, 6, -1)]
        assert (listed[0]["labels"]["a"], listed[0]["format"]) == ('<script>"', "groups")
        assert b"a=&quot;&lt;script&gt;\\&quot;&quot;" in get("/")[1]
        assert get("/api/v0/alloypy/files/70") == (200, b"main 69")
        assert get("/api/v0/alloypy/files/1")[0] == 404
        assert get("/", Host="evil.example")[0] == 403
        process.terminate()


def test_a_sink_that_others_can_reach_shows_them_no_profiles() -> None:
    command = [sys.executable, "-m", "alloypy", "dev-sink", "--listen-addr=0.0.0.0:0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = process.stderr.readline().split()[-1]
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{url}/api/v0/alloypy/files", timeout=60)
        with refused.value as answer:
            assert (answer.code, b"loopback" in answer.read()) == (403, True)
        process.terminate()
