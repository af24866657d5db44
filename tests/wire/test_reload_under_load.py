"""Reloads while clients push: no acknowledged profile is lost, no connection refused, nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from alloypy.components.registry import REGISTRY
from alloypy.runtime.contract.component import Stability
from alloypy.runtime.contract.options import ControllerOptions
from alloypy.runtime.controller import Controller
from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.fakes import parsed
from tests.support.running import free_port

pytestmark = pytest.mark.anyio

RELOADS = 80
CLIENTS = 4


class Sink:
    """A server that accepts every profile and counts them by name."""

    def __init__(self) -> None:
        self.names: Counter[str] = Counter()
        self.port = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Sink]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lines = head.split("\r\n")
                size = next(int(each[15:]) for each in lines if each.lower().startswith("content-length:"))
                await reader.readexactly(size)
                [name] = parse_qs(urlsplit(lines[0].split(" ")[1]).query)["name"]
                self.names[name.partition("{")[0]] += 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class Clients:
    """Push profiles without pause, each over its own connection."""

    def __init__(self, ports: tuple[int, int]) -> None:
        self.acknowledged: list[str] = []
        self.refused: list[BaseException] = []
        self.answers: Counter[bytes] = Counter()
        self._ports = ports
        self._numbers = itertools.count()
        self._going = True

    def stop(self) -> None:
        self._going = False

    async def push(self) -> None:
        while self._going:
            number = next(self._numbers)
            try:
                status = await self._one(self._ports[number % 2], f"p{number}")
            except OSError as error:
                self.refused.append(error)
                continue
            self.answers[status] += 1
            if status == b"200":
                self.acknowledged.append(f"p{number}")

    async def _one(self, port: int, name: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(
                f"POST /ingest?name={name}&from=1&until=2 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                "Connection: close\r\n\r\nhello".encode()
            )
            return (await reader.readline()).split(b" ")[1]
        finally:
            writer.close()


def receiver(label: str, port: int, to: str) -> str:
    return (
        f'pyroscope.receive_http "{label}" {{\n  http {{\n    listen_address = "127.0.0.1"\n'
        f"    listen_port = {port}\n  }}\n  forward_to = [{to}]\n}}\n"
    )


def write(label: str, sink: int, labels: str) -> str:
    return (
        f'pyroscope.write "{label}" {{\n  external_labels = {{ v = "{labels}" }}\n'
        f'  endpoint {{\n    url = "http://127.0.0.1:{sink}"\n  }}\n}}\n'
    )


def configurations(one: int, two: int, sink: int) -> list[str]:
    """Good configurations, each with receivers on both ports."""
    w = write("w", sink, "1")
    to = "pyroscope.write.w.receiver"
    plain = receiver("a", one, to) + receiver("b", two, to)
    swapped = receiver("a", two, to) + receiver("b", one, to)
    renamed = plain.replace('"a"', '"c"').replace('"b"', '"d"')
    relabelled = (
        'pyroscope.relabel "r" {\n  forward_to = [pyroscope.write.w.receiver]\n'
        '  rule {\n    target_label = "x"\n    replacement = "y"\n  }\n}\n'
    )
    module = (
        'declare "out" {\n  argument "sink" { }\n'
        + write("w", 0, "m").replace('"http://127.0.0.1:0"', "argument.sink.value")
        + '  export "receiver" { value = pyroscope.write.w.receiver }\n}\n'
        + f'out "x" {{ sink = "http://127.0.0.1:{sink}" }}\n'
    )
    return [
        plain + w,
        plain + write("w", sink, "2"),
        swapped + w,
        renamed + w,
        plain.replace("write.w", "relabel.r") + relabelled + w,
        (plain + "").replace("pyroscope.write.w.receiver", "out.x.receiver") + module,
        plain.replace("write.w", "write.other") + write("other", sink, "3"),
    ]


def faulty(one: int, two: int, sink: int) -> list[str]:
    """Configurations that are refused: by the graph, by evaluation, for a port somebody else has."""
    good = configurations(one, two, sink)[0]
    return [
        good + 'unknown "x" { }',
        good.replace("external_labels", "nope"),
        good + receiver("third", sink, ""),
        good + receiver("third", one, ""),
        good.replace(f"listen_port = {two}", "listen_port = 70000"),
    ]


@asynccontextmanager
async def controlled(storage: Path) -> AsyncIterator[Controller]:
    registry = REGISTRY
    options = ControllerOptions(
        registry=registry, storage=storage, alloy_id="id", stability=Stability.PUBLIC_PREVIEW
    )
    async with Controller(options) as controller:
        yield controller


async def test_no_acknowledged_profile_is_lost(tmp_path: Path) -> None:
    choose = random.Random(5)
    one, two = free_port(), free_port()
    clients = Clients((one, two))
    async with Sink().serving() as sink, controlled(tmp_path) as controller:
        good, bad = configurations(one, two, sink.port), faulty(one, two, sink.port)
        await controller.load(parsed(good[0]), ".")
        pushing = [asyncio.create_task(clients.push()) for _ in range(CLIENTS)]
        for _ in range(RELOADS):
            if choose.random() < 0.3:
                with pytest.raises(DiagnosticsError):
                    await controller.load(parsed(choose.choice(bad)), ".")
            else:
                await controller.load(parsed(choose.choice(good)), ".")
            assert controller.unhealthy() == []
        clients.stop()
        await asyncio.gather(*pushing)
        await controller.load(parsed(""), ".")
        missing = [name for name in clients.acknowledged if not sink.names[name]]
        assert missing == []
    assert clients.refused == []
    assert set(clients.answers) <= {b"200", b"503"}  # 503: came in while its receiver was being replaced
    assert len(clients.acknowledged) > RELOADS


async def test_many_reloads_leave_nothing_behind(tmp_path: Path) -> None:
    one, two = free_port(), free_port()
    async with Sink().serving() as sink, controlled(tmp_path) as controller:
        texts = configurations(one, two, sink.port)

        async def all_of_them(times: int) -> tuple[int, int, int]:
            for _ in range(times):
                for text in texts:
                    await controller.load(parsed(text), ".")
            await controller.load(parsed(""), ".")
            gc.collect()
            descriptors = len(list(Path("/proc/self/fd").iterdir()))
            return len(asyncio.all_tasks()), descriptors, len(gc.get_objects())

        await all_of_them(3)
        tasks, descriptors, objects = await all_of_them(1)
        later = await all_of_them(10)
        assert later[:2] == (tasks, descriptors)
        assert later[2] < objects * 1.01
