"""Settings from files: what is sent changes with them while profiles flow."""

from __future__ import annotations

import base64
from pathlib import Path

import anyio
import pytest

from tests.support.pipeline import pipeline
from tests.support.receiving import connected, request_bytes
from tests.support.scripted import Peer, scripted

pytestmark = pytest.mark.anyio

CONFIG = """
local.file "password" {
  filename  = "FOLDER/password"
  is_secret = true
}
local.file "url" {
  filename = "FOLDER/url"
}
pyroscope.receive_http "r" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = RECV
  }
  forward_to = [pyroscope.write.w.receiver]
}
pyroscope.write "w" {
  endpoint {
    url = string.trim_space(local.file.url.content)
    basic_auth {
      username = "u"
      password = local.file.password.content
    }
  }
}
"""
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


async def say_ok(peer: Peer) -> None:
    while await peer.request() is not None:
        await peer.say(OK)


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"u:{password}".encode()).decode()


async def test_a_changed_password_and_url_are_used_without_a_reload(tmp_path: Path) -> None:
    async with scripted(say_ok) as before, scripted(say_ok) as after:
        (tmp_path / "password").write_text("old")
        (tmp_path / "url").write_text(f"http://127.0.0.1:{before.port}\n")
        text = CONFIG.replace("FOLDER", tmp_path.as_posix())
        async with pipeline(text, tmp_path) as running, connected(running.port) as client:

            async def send() -> None:
                await client.send(request_bytes("/ingest?name=app", b"profile"))
                assert (await client.reply()).status == 200

            await send()
            (tmp_path / "new").write_text("new")
            (tmp_path / "new").replace(tmp_path / "password")
            (tmp_path / "url").write_text(f"http://127.0.0.1:{after.port}\n")
            with anyio.fail_after(30):
                while not any(dict(r.headers)["Authorization"] == basic("new") for r in after.requests):
                    await send()
        sent = [dict(each.headers)["Authorization"] for each in before.requests + after.requests]
        assert sent[0] == basic("old")
        assert set(sent) == {basic("old"), basic("new")}
