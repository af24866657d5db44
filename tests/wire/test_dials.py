"""Connections of HTTP clients are counted by the names of the clients, as Alloy's are."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from alloypy.net.client.dials import Dials, dials_of, families
from alloypy.net.client.messages import Origin, Request, SendError
from alloypy.net.client.pool import Transport
from alloypy.net.client.tls import TLS, TLSSettings
from tests.support.loops import both_event_loops
from tests.support.recorder import Recorder
from tests.support.running import Running, free_port
from tests.support.scripted import Peer, answering, scripted
from tests.support.waiting import until, wait_until

anyio_backend = both_event_loops
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CONFIG = """
pyroscope.scrape "app" {
  targets         = [{ "__address__" = "%(target)s" }, { "__address__" = "127.0.0.1:%(nobody)d" }]
  job_name        = "my-app"
  forward_to      = [pyroscope.write.backend.receiver]
  scrape_interval = "1s"

  profiling_config {
    profile.process_cpu { enabled = false }
  }
}

pyroscope.write "backend" {
  endpoint {
    name = "main"
    url  = "http://127.0.0.1:4040"
  }
}
"""


async def get(sender: Transport, host: str, port: int, scheme: str = "http", timeout: float = 20.0) -> None:
    await sender.send(Request("GET", Origin(scheme, host, port, f"{host}:{port}"), "/", (), (), timeout))


async def speaking_first(peer: Peer) -> None:
    """Ends each handshake."""
    await peer.say(OK)


@pytest.mark.anyio
async def test_what_becomes_of_a_connection_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    given, end = socket.getaddrinfo, threading.Event()

    def looked_up(host: str, *rest: Any, **more: Any) -> Any:
        if host == "slow.test":
            end.wait(60)
        if host.endswith(".test"):
            raise socket.gaierror(socket.EAI_NONAME, "no such host")
        return given(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    dials = Dials()
    sender = Transport(TLS(TLSSettings()), dials)
    async with scripted(answering(OK)) as backend, scripted(speaking_first) as plain:
        for _ in range(3):
            await get(sender, "127.0.0.1", backend.port)
        assert (dials.attempted, dials.established, dials.closed) == (1, 1, 0)
        for scheme, host, port, timeout in (
            ("http", "127.0.0.1", free_port(), 20.0),
            ("http", "none.test", 80, 20.0),
            ("http", "slow.test", 80, 0.1),
            ("https", "127.0.0.1", plain.port, 20.0),
        ):
            with pytest.raises(SendError):
                await get(sender, host, port, scheme, timeout)
        end.set()
        assert dials.failed == {"refused": 1, "resolution": 1, "timeout": 1, "unknown": 2}
        assert (dials.attempted, dials.established, dials.closed) == (5, 2, 1)
        await sender.aclose()
        await until(lambda: dials.closed == 2)


def test_a_client_may_be_added_while_the_counts_are_read() -> None:
    dials_of("first").attempted += 1
    reading = families()
    next(reading)
    dials_of("second")
    names = {sample.labels["dialer_name"] for family in reading for sample in family.samples}
    assert "first" in names
    assert "second" not in names


def test_metrics_count_them_by_the_names_in_the_configuration(tmp_path: Path) -> None:
    with Recorder() as target:
        (tmp_path / "config.alloy").write_text(CONFIG % {"target": target.address, "nobody": free_port()})
        with Running(["--storage.path=data", "config.alloy"], tmp_path) as running:

            def counted(what: str) -> int:
                return int(running.metric(f"net_conntrack_dialer_conn_{what}}}"))

            running.wait_until_ready()
            wait_until(lambda: counted('failed_total{dialer_name="my-app",reason="refused"') >= 1)
            wait_until(lambda: counted('established_total{dialer_name="my-app"') >= 1)
            assert counted('attempted_total{dialer_name="main"') == 0
