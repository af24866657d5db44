"""remote.http against real servers: what it asks, when it starts, and what keeps the content."""

# ruff: noqa: SIM117 -- servers outside, components inside reads better

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from alloypy.components.http_client import HTTPClientArguments
from alloypy.components.remote import http
from alloypy.components.remote.http import Arguments, registration
from alloypy.lang.go.duration import Duration
from alloypy.lang.values import Secret
from alloypy.runtime.contract.component import BuildError, UpdateError
from alloypy.runtime.running.sockets import SocketBook
from tests.support.lifecycle import Life, living
from tests.support.recorder import Recorder
from tests.support.running import Running, free_port
from tests.support.scripted import Peer, answering, scripted
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

OFTEN = Duration(50_000_000)
SOON = Duration(40_000_000)
LONG = Duration(5_000_000_000)


def page(body: bytes = b"one", status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Changing:
    """A script whose answer the test changes; it answers once for each connection."""

    def __init__(self, reply: bytes) -> None:
        self.reply = reply

    async def __call__(self, peer: Peer) -> None:
        if await peer.request() is not None:
            await peer.say(self.reply)


def arguments(port: int, **given: Any) -> Arguments:
    return Arguments(url=f"http://127.0.0.1:{port}/c", **given)


def often(port: int, **given: Any) -> Arguments:
    return arguments(port, poll_frequency=OFTEN, poll_timeout=SOON, **given)


def polling(given: Arguments, folder: Path) -> AbstractAsyncContextManager[Life]:
    return living(registration, given, folder)


def content(life: Life) -> str:
    text: str = life.exports[-1].content.reveal()
    return text


def health(life: Life) -> str:
    found = life.component.health()
    return f"{found.state.text} {found.message}" if found is not None else ""


async def test_the_request_is_made_as_configured(tmp_path: Path) -> None:
    given = {
        "method": "POST",
        "body": "ask",
        "headers": {"x-team": "shop", "Host": "other", "user-agent": "mine"},
        "client": HTTPClientArguments(http_headers={"X-Key": (Secret("a"), Secret("b"))}),
    }
    async with scripted(answering(page())) as server:
        async with polling(arguments(server.port, **given), tmp_path) as life:
            assert content(life) == "one"
    (request,) = server.requests
    assert (request.line, request.body) == ("POST /c HTTP/1.1", b"ask")
    assert request.values("Host") == [f"127.0.0.1:{server.port}"]
    assert (request.values("X-Team"), request.values("X-Key")) == (["shop"], ["a", "b"])
    assert request.values("User-Agent")[0].startswith("alloypy/")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b" \n\t hello  world \r\n", "hello  world"),
        ("\x85\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000x\ufeff\u3000".encode(), "x\ufeff"),
        (b"\x1c", "\x1c"),
        (b"a\xffb\n", "a\udcffb"),
        (b"", ""),
    ],
)  # fmt: skip
async def test_white_space_is_trimmed_as_in_go(tmp_path: Path, body: bytes, text: str) -> None:
    async with scripted(answering(page(body))) as server:
        async with polling(arguments(server.port), tmp_path) as life:
            assert content(life) == text


async def test_changes_are_exported_and_equal_content_is_no_change(tmp_path: Path) -> None:
    script = Changing(page())
    async with scripted(script) as server, polling(often(server.port), tmp_path) as life:
        await until(lambda: content(life) == "one")
        before, asked = len(life.exports), len(server.requests)
        await until(lambda: len(server.requests) > asked + 2)
        assert all(each == life.exports[-1] for each in life.exports[before:])
        script.reply = page(b"two")
        await until(lambda: content(life) == "two")
        assert health(life) == "healthy polled endpoint"


BROKEN = "net/http: HTTP/1.x transport connection broken"
FAILURES = [
    (page(b"x", "503 Out Of Coffee"), "unexpected status code 503 Out Of Coffee"),
    (page(b"x", "201 Created"), "unexpected status code 201 Created"),
    (page(b"long")[:-1], "reading response: unexpected EOF"),
    (b"", 'performing request: Get "URL": EOF'),
    (b"garbage\r\n\r\n",
     f'performing request: Get "URL": {BROKEN}: malformed HTTP response "garbage"'),
    (b"HTTP/1.1 302 Found\r\nLocation: /c\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
     'performing request: Get "/c": stopped after 10 redirects'),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "why"), FAILURES)
async def test_the_last_content_stays_while_it_fails(tmp_path: Path, reply: bytes, why: str) -> None:
    script = Changing(page())
    async with scripted(script) as server:
        given = arguments(
            server.port, poll_frequency=Duration(300_000_000), poll_timeout=Duration(290_000_000)
        )
        async with polling(given, tmp_path) as life:
            await until(lambda: content(life) == "one")
            script.reply = reply
            shown = f"unhealthy polling failed: {why}".replace("URL", given.url)
            await until(lambda: health(life) == shown)
            assert content(life) == "one"
            script.reply = page(b"two")
            await until(lambda: health(life) == "healthy polled endpoint" and content(life) == "two")


@pytest.mark.parametrize(("reply", "why"), FAILURES)
async def test_a_first_poll_that_fails_leaves_it_unhealthy_and_is_repeated(
    tmp_path: Path, reply: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_FIRST_RETRY_SECONDS", 0.01)
    script = Changing(reply)
    async with scripted(script) as server, polling(arguments(server.port), tmp_path) as life:
        assert health(life) == f"unhealthy polling failed: {why}".replace(
            "URL", f"http://127.0.0.1:{server.port}/c"
        )
        assert content(life) == ""
        script.reply = page()  # although the next regular poll is a minute away
        await until(lambda: health(life) == "healthy polled endpoint" and content(life) == "one")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"url": ""}, 'performing request: Get "": unsupported protocol scheme ""'),
        ({"url": "file:///x"}, 'performing request: Get "file:///x": unsupported protocol scheme "file"'),
        ({"url": "http://h/", "headers": {"a b": "x"}},
         'performing request: Get "http://h/": net/http: invalid header field name "a b"'),
    ],
)  # fmt: skip
async def test_what_can_never_succeed_is_refused(tmp_path: Path, given: dict[str, Any], why: str) -> None:
    with pytest.raises(BuildError) as caught:
        await Life(registration, Arguments(**given), SocketBook(), tmp_path).prepare()
    assert str(caught.value) == why


async def test_an_update_that_fails_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async with scripted(answering(page())) as old, scripted(Changing(page(b"", "404 Not Found"))) as new:
        async with polling(often(old.port), tmp_path) as life:
            with pytest.raises(UpdateError, match=r"^unexpected status code 404 Not Found$"):
                await life.begin_update(arguments(new.port))
            before = len(old.requests)
            await until(lambda: len(old.requests) > before + 1)
            await until(lambda: (content(life), health(life)) == ("one", "healthy polled endpoint"))
        assert len(new.requests) == 1
        assert new.open == 0


async def test_one_byte_at_a_time_is_given_up(tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        for byte in page(bytes(1000)):
            await peer.say(bytes([byte]))
            await asyncio.sleep(0.02)

    async with scripted(script) as server, polling(often(server.port), tmp_path) as life:
        assert "context deadline exceeded" in health(life)
    assert server.open == 0


async def test_a_huge_answer_is_refused(tmp_path: Path) -> None:
    given = {"poll_frequency": Duration(60_000_000_000), "poll_timeout": Duration(50_000_000_000)}
    async with scripted(Changing(page(bytes((10 << 20) + 1)))) as server:
        async with polling(arguments(server.port, **given), tmp_path) as life:
            assert health(life).endswith(": the answer is larger than 10485760 bytes")


async def test_a_password_in_the_url_is_shown_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    given = Arguments(url=f"http://us:hush@127.0.0.1:{free_port()}/c?key=hush")
    async with polling(given, tmp_path) as life:
        assert "us:***@127.0.0.1" in health(life)
        assert "hush" not in f"{health(life)}{life.log.lines}{life.exports}{caplog.text}"


def test_a_server_that_is_down_at_the_start_does_not_stop_the_others(tmp_path: Path) -> None:
    port = free_port()
    with Recorder(content=b"up") as server:
        (tmp_path / "config.alloy").write_text(
            f'remote.http "down" {{\n  url = "http://us:hush@127.0.0.1:{port}/"\n}}\n'
            f'remote.http "up" {{\n  url = "{server.url}/"\n  is_secret = true\n}}\n'
        )
        with Running(["config.alloy"], tmp_path) as running:
            running.wait_until_ready()
            shown = {
                each["localID"]: running.json(f"/api/v0/web/components/{each['localID']}")
                for each in running.json("/api/v0/web/components")
            }
            assert shown["remote.http.down"]["health"]["state"] == "unhealthy"
            assert shown["remote.http.up"]["health"]["state"] == "healthy"
            assert "(secret)" in str(shown["remote.http.up"]["exports"])
            assert "hush" not in str(shown)
            assert running.stop() == 0
