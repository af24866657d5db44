"""discovery.http against real servers: what it asks, what it makes of answers, when targets stay."""

# ruff: noqa: SIM117 -- servers outside, components inside reads better

from __future__ import annotations

import asyncio
import gzip
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from alloypy.components.discovery import shell
from alloypy.components.discovery.http import Arguments, ClientArguments, registration
from alloypy.components.http_client import TLSArguments
from alloypy.lang.go.duration import Duration
from alloypy.lang.go.url import parse_url
from alloypy.runtime.contract.component import BuildError, UpdateError
from alloypy.runtime.running.sockets import SocketBook
from tests.support.lifecycle import Life, living
from tests.support.metrics import metric
from tests.support.running import free_port
from tests.support.scripted import Peer, answering, scripted
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

OFTEN = Duration(50_000_000)
BODY = b'[{"targets": ["a:1", "b:1"], "labels": {"env": "x"}}, {"targets": ["c:1"]}]'


def listing(body: bytes = BODY, status: str = "200 OK", content_type: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Changing:
    """A script whose answer the test changes."""

    def __init__(self, reply: bytes) -> None:
        self.reply = reply

    async def __call__(self, peer: Peer) -> None:
        while await peer.request() is not None:
            await peer.say(self.reply)


def arguments(port: int, path: str = "/sd", every: Duration = OFTEN, **given: Any) -> Arguments:
    return Arguments(url=parse_url(f"http://127.0.0.1:{port}{path}"), refresh_interval=every, **given)


def discovering(given: Arguments, folder: Path) -> AbstractAsyncContextManager[Life]:
    return living(registration, given, folder)


@pytest.fixture(autouse=True)
def published_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "PUBLISH_SECONDS", 0.02)


def addresses(life: Life) -> list[str]:
    return [target.own["__address__"] for target in life.exports[-1].targets]


def failure(life: Life) -> str:
    health = life.component.health()
    return "" if health is None else health.message


def failures(life: Life) -> list[float]:
    names = "prometheus_sd_http_failures_total", "prometheus_sd_refresh_failures_total"
    return [metric(life.metrics.collect(), name) or 0 for name in names]


async def test_targets_have_the_labels_of_their_group_and_the_url(tmp_path: Path) -> None:
    every = Duration(1_500_000_000)
    async with scripted(answering(listing())) as server:
        async with discovering(arguments(server.port, every=every), tmp_path) as life:
            await until(lambda: addresses(life) == ["a:1", "b:1", "c:1"])
            url = f"http://127.0.0.1:{server.port}/sd"
            assert [dict(target.labels) for target in life.exports[-1].targets][1:] == [
                {"__address__": "b:1", "env": "x", "__meta_url": url},
                {"__address__": "c:1", "__meta_url": url},
            ]
            assert life.component.health() is None
            assert failures(life) == [0, 0]
    request = server.requests[0]
    assert request.values("Accept") == ["application/json"]
    assert request.values("X-Prometheus-Refresh-Interval-Seconds") == ["1.5"]


async def test_a_password_in_the_url_is_sent_and_shown_nowhere(tmp_path: Path) -> None:
    script = Changing(listing())
    async with scripted(script) as server:
        url = parse_url(f"http://us:hush@127.0.0.1:{server.port}/sd?token=hush&env=prod")
        given = Arguments(url=url, refresh_interval=OFTEN)
        async with discovering(given, tmp_path) as life:
            await until(lambda: len(addresses(life)) == 3)
            (label,) = {target.labels["__meta_url"] for target in life.exports[-1].targets}
            assert label == f"http://us:xxxxx@127.0.0.1:{server.port}/sd?token=xxxxx&env=prod"
            script.reply = b"no HTTP"
            await until(lambda: failure(life) != "")
            assert "us:***@" in failure(life)
            assert "hush" not in f"{failure(life)}{life.log.lines}{life.exports}"
    assert server.requests[0].line.startswith("GET /sd?token=hush&env=prod ")
    assert server.requests[0].values("Authorization") == ["Basic dXM6aHVzaA=="]


async def test_groups_that_are_gone_take_their_targets_with_them(tmp_path: Path) -> None:
    script = Changing(listing())
    async with scripted(script) as server, discovering(arguments(server.port), tmp_path) as life:
        await until(lambda: len(addresses(life)) == 3)
        script.reply = listing(b'[{"targets": ["d:1"]}]')
        await until(lambda: addresses(life) == ["d:1"])
        script.reply = listing(b"null")
        await until(lambda: addresses(life) == [])


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (listing(status="503 Out Of Coffee"), "server returned HTTP status 503 Out Of Coffee"),
        (listing(status="201 Created"), "server returned HTTP status 201 Created"),
        (b"HTTP/1.1 500 Bad\r\nContent-Length: 9\r\n\r\nhalf", "server returned HTTP status 500 Bad"),
        (listing(content_type="text/html"), 'unsupported content type "text/html"'),
        (listing(content_type="application/json; x=1"), 'unsupported content type "application/json; x=1"'),
        (listing(b"[{"), "unexpected end of JSON input"),
        (listing(gzip.compress(BODY)), r"invalid character '\x1f' looking for beginning of value"),
        (listing(b'{"targets": []}'), "expected a list of target groups, got an object"),
        (listing()[:-5], "unexpected EOF"),
    ],
)  # fmt: skip
async def test_the_last_good_targets_stay_while_it_fails(tmp_path: Path, reply: bytes, why: str) -> None:
    good = True

    async def script(peer: Peer) -> None:
        if await peer.request() is not None:  # one answer for each connection, so that half ones end
            await peer.say(listing() if good else reply)

    async with scripted(script) as server, discovering(arguments(server.port), tmp_path) as life:
        await until(lambda: len(addresses(life)) == 3)
        good = False
        await until(lambda: failure(life) != "")
        assert failure(life) == f"Unable to refresh target groups: {why}"
        assert len(addresses(life)) == 3
        assert min(failures(life)) >= 1
        good = True
        await until(lambda: failure(life) == "")


async def test_a_huge_answer_is_refused(tmp_path: Path) -> None:
    reply = listing(b"[" + b" " * (10 << 20) + b"]")
    async with scripted(answering(reply)) as server:
        async with discovering(arguments(server.port, every=Duration(60 * 10**9)), tmp_path) as life:
            await until(lambda: failure(life) != "")
            assert failure(life).endswith(": the answer is larger than 10485760 bytes")


async def test_a_server_that_is_down_at_first_is_asked_again(tmp_path: Path) -> None:
    port = free_port()
    async with discovering(arguments(port), tmp_path) as life:
        await until(lambda: "connect: connection refused" in failure(life))
        async with scripted(answering(listing()), port=port):
            await until(lambda: failure(life) == "" and len(addresses(life)) == 3)


async def test_a_request_takes_no_longer_than_the_interval(tmp_path: Path) -> None:
    async def silent(peer: Peer) -> None:
        await peer.closed_by_client()

    async with scripted(silent) as server, discovering(arguments(server.port), tmp_path) as life:
        await until(lambda: "Client.Timeout exceeded while awaiting headers" in failure(life))


async def test_an_update_keeps_the_targets_until_the_new_server_has_answered(tmp_path: Path) -> None:
    script = Changing(listing(status="404 Not Found"))
    async with scripted(answering(listing())) as old, scripted(script) as new:
        async with discovering(arguments(old.port), tmp_path) as life:
            await until(lambda: len(addresses(life)) == 3)
            await life.begin_update(arguments(new.port))
            await life.make_update(arguments(new.port))
            await until(lambda: "404 Not Found" in failure(life))
            await asyncio.sleep(0.1)
            assert len(addresses(life)) == 3
            script.reply = listing(b'[{"targets": ["d:1"]}]')
            await until(lambda: addresses(life) == ["d:1"])


async def test_tls_settings_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    absent = TLSArguments(ca_file=str(tmp_path / "none.pem"))
    bad = arguments(1, http_client=ClientArguments(tls_config=absent))
    with pytest.raises(
        BuildError, match=r"^unable to read CA cert: unable to read file .*: open .*: no such"
    ):
        await Life(registration, bad, SocketBook(), tmp_path).prepare()
    async with scripted(answering(listing())) as server:
        async with discovering(arguments(server.port), tmp_path) as life:
            with pytest.raises(UpdateError, match=r"^unable to read CA cert"):
                await life.begin_update(bad)
            await until(lambda: len(addresses(life)) == 3)


async def test_many_targets_are_read_off_the_loop(tmp_path: Path) -> None:
    body = b'[{"targets": [%s]}]' % b", ".join(b'"10.0.%d.%d:80"' % divmod(n, 256) for n in range(10_000))
    async with scripted(answering(listing(body))) as server:
        async with discovering(arguments(server.port, every=Duration(10**10)), tmp_path) as life:
            await until(lambda: len(addresses(life)) == 10_000)
