"""Names of hosts: those without an answer delay nothing else, and each address of a name is tried."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from alloypy.net.client import pool
from alloypy.net.client.messages import Origin, Request, SendError, SendTimeout
from alloypy.net.client.pool import Transport
from alloypy.net.client.tls import TLS, TLSSettings
from tests.support.recorder import Recorder

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def transport() -> AsyncIterator[Transport]:
    made = Transport(TLS(TLSSettings()))
    try:
        yield made
    finally:
        await made.aclose()


def request(host: str, port: int, timeout: float = 20.0) -> Request:
    return Request("GET", Origin("http", host, port, f"{host}:{port}"), "/", (), (), timeout)


async def test_names_without_an_answer_delay_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    answering, looked_up = threading.Event(), []
    given = socket.getaddrinfo

    def slow(host: str, *rest: Any, **more: Any) -> Any:
        looked_up.append(host)
        if host.endswith(".dead"):
            answering.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return given("127.0.0.1" if host == "alive.test" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with Recorder() as server:
        port = int(server.address.rpartition(":")[2])
        async with transport() as sender, asyncio.TaskGroup() as group:
            dead = [group.create_task(failure(sender, request(f"{i % 12}.dead", 80, 3.0))) for i in range(60)]
            await asyncio.sleep(0)
            assert (await sender.send(request("alive.test", port))).status == 200
            assert await asyncio.get_running_loop().run_in_executor(None, lambda: 1) == 1
            assert {type(await each) for each in dead} == {SendTimeout}
            answering.set()
    assert sorted(looked_up)[:-1] == sorted(f"{i}.dead" for i in range(12))


async def failure(sender: Transport, wanted: Request) -> Exception | None:
    try:
        await sender.send(wanted)
    except SendError as error:
        return error
    return None


async def test_each_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def several(*_: Any, **__: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0)) for each in addresses]

    addresses = ["127.0.0.2", "127.0.0.1"]
    monkeypatch.setattr(socket, "getaddrinfo", several)
    with Recorder() as server:
        port = int(server.address.rpartition(":")[2])
        async with transport() as sender:
            assert (await sender.send(request("two.test", port))).status == 200
            addresses.pop()
            refused = await failure(sender, request("one.test", port))
    assert str(refused) == f"dial tcp one.test:{port}: connect: connection refused"


async def test_idle_connections_make_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with Recorder() as first, Recorder() as second:
        async with transport() as sender:
            ports = [int(each.address.rpartition(":")[2]) for each in (first, second)]
            await sender.send(request("127.0.0.1", ports[0]))
            (idle,) = [each for made in pools(sender) for each in made.idle]
            monkeypatch.setattr(pool, "any_below", lambda _: not any(idle in p.open for p in pools(sender)))
            assert (await sender.send(request("127.0.0.1", ports[1]))).status == 200
            monkeypatch.setattr(pool, "any_below", lambda _: False)
            failed = await failure(sender, request("127.0.0.1", ports[0]))
    assert "too many open files" in str(failed)


def pools(sender: Transport) -> list[Any]:
    return list(sender._pools.values())
