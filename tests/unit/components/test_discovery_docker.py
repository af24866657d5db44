"""discovery.docker: which targets containers make, and how the engine is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from alloypy.components.discovery import docker as discovery_docker
from alloypy.components.discovery import shell
from alloypy.components.discovery.docker_api import Host, parse_host
from alloypy.components.discovery.docker_targets import Choices, MalformedError, targets
from alloypy.components.discovery.refresh import refresh_loop
from alloypy.lang.go.duration import Duration
from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.pipeline import Pipeline, pipeline
from tests.support.waiting import until
from tests.support.watchdog import watching

pytestmark = pytest.mark.anyio
CHOICES = Choices(port=80, host="localhost", first_network_only=True)


def container(name: str, *ports: int, mode: str = "bridge", **networks: Any) -> dict[str, Any]:
    return {
        "Id": f"id-{name}",
        "Names": [f"/{name}"],
        "Labels": {"com.x/y": "z"},
        "HostConfig": {"NetworkMode": mode},
        "Ports": [{"PrivatePort": port, "Type": "tcp"} for port in ports],
        "NetworkSettings": {"Networks": networks},
    }


def network(address: str, identity: str = "n1") -> dict[str, str]:
    return {"NetworkID": identity, "IPAddress": address}


def addresses(*containers: dict[str, Any], choices: Choices = CHOICES) -> list[str]:
    return [labels["__address__"] for labels in targets(containers, [], choices)]


def test_each_label_of_a_target() -> None:
    given = container("a", net=network("10.0.0.1"))
    given["Ports"] = [
        {"PrivatePort": 1, "PublicPort": 2, "IP": "::", "Type": "tcp"},
        {"PrivatePort": 3, "Type": "udp"},
    ]
    described = {"Id": "n1", "Name": "net", "Scope": "local", "Internal": True, "Labels": {"a-b": "c"}}
    assert targets([given], [described], CHOICES) == [
        {
            "__address__": "10.0.0.1:1",
            "__meta_docker_container_id": "id-a",
            "__meta_docker_container_name": "/a",
            "__meta_docker_container_network_mode": "bridge",
            "__meta_docker_container_label_com_x_y": "z",
            "__meta_docker_network_id": "n1",
            "__meta_docker_network_name": "net",
            "__meta_docker_network_scope": "local",
            "__meta_docker_network_internal": "true",
            "__meta_docker_network_ingress": "false",
            "__meta_docker_network_label_a_b": "c",
            "__meta_docker_network_ip": "10.0.0.1",
            "__meta_docker_port_private": "1",
            "__meta_docker_port_public": "2",
            "__meta_docker_port_public_ip": "::",
        }
    ]


def test_where_a_container_is() -> None:
    one, two = network("10.0.0.1"), network("fd00::2")
    assert addresses(container("a", 1, 2, x=one)) == ["10.0.0.1:1", "10.0.0.1:2"]
    assert addresses(container("a", x=two)) == ["[fd00::2]:80"]
    assert addresses(container("a", 1, b=one, a=two)) == ["[fd00::2]:1"]
    assert addresses(container("a", 1, b=one, a=None)) == ["10.0.0.1:1"]
    every = CHOICES._replace(first_network_only=False)
    assert addresses(container("a", 1, b=one, a=two), choices=every) == ["[fd00::2]:1", "10.0.0.1:1"]
    assert addresses(container("a", mode="host", host=network(""))) == ["localhost"]
    assert addresses(container("a")) == []


def test_a_container_in_the_network_of_another() -> None:
    shared = container("a", x=network("10.0.0.1"))
    second = container("b", 8080, mode="container:id-a")
    third = container("c", 9090, mode="container:id-b")
    assert addresses(shared, second, third) == ["10.0.0.1:80", "10.0.0.1:8080", "10.0.0.1:9090"]
    circle = [container("a", 1, mode="container:id-b"), container("b", 1, mode="container:id-a")]
    assert addresses(*circle) == []
    assert addresses(container("b", 1, mode="container:gone")) == []


@pytest.mark.parametrize(
    "change",
    [
        {"Names": "a"},
        {"Names": [1]},
        {"Labels": ["a"]},
        {"Labels": {"a": 1}},
        {"HostConfig": 1},
        {"NetworkSettings": {"Networks": {"x": 1}}},
        {"NetworkSettings": {"Networks": {"x": {"IPAddress": 1}}}},
        {"Ports": [1]},
        {"Ports": [{"Type": "tcp", "PrivatePort": "1"}]},
    ],
)
def test_an_answer_of_another_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        targets([{**container("a", 1, x=network("10.0.0.1")), **change}], [], CHOICES)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("unix:///run/d.sock", Host("unix:///run/d.sock", "http://api.moby.localhost", "/run/d.sock")),
        ("tcp://h:1/p/", Host("tcp://h:1/p/", "http://h:1/p")),
        ("https://h", Host("https://h", "https://h")),
    ],
)
def test_where_the_engine_is(text: str, host: Host) -> None:
    assert parse_host(text) == host


async def refused(host: str, storage: Path) -> str:
    with pytest.raises(DiagnosticsError) as caught:
        async with pipeline(f'discovery.docker "d" {{\n host = "{host}"\n}}\n', storage):
            pass
    return caught.value.diagnostics[0].message


async def test_a_host_that_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    assert "unable to parse docker host `localhost:1`" in await refused("localhost:1", tmp_path)
    assert 'unsupported protocol "ssh"' in await refused("ssh://h", tmp_path)


class Engine:
    """An engine behind a Unix socket. answers: by path without the version; requests: heads so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers: dict[str, tuple[int, bytes]] = {
            "/containers/json": (200, json.dumps([container("a", 1, x=network("10.0.0.1"))]).encode()),
            "/networks": (200, b"[]"),
        }
        self.version = "1.43"
        self.refuses_head = False
        self.cut = False
        self.requests: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.requests.append(head)
                method, target, _ = head.split(" ", 2)
                writer.write(self._answer(method, target.partition("?")[0]))
                if self.cut:
                    break
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(self, method: str, path: str) -> bytes:
        if path == "/_ping":
            status, body = (405 if method == "HEAD" and self.refuses_head else 200), b"OK"
        else:
            status, body = self.answers["/" + path.split("/", 2)[2]]
        head = f"HTTP/1.1 {status} X\r\nApi-Version: {self.version}\r\nContent-Type: application/json\r\n"
        whole = (head + f"Content-Length: {len(body)}\r\n\r\n").encode()
        if method == "HEAD":
            return whole
        return whole + (body[: len(body) // 2] if self.cut and path != "/_ping" else body)

    def asked(self) -> list[str]:
        return [" ".join(head.split(" ", 2)[:2]) for head in self.requests]


@contextmanager
def answers_after_a_cancellation() -> Iterator[None]:
    """Let anyio's Unix sockets set the result of a future that was cancelled in the same moment."""
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        late = isinstance(context.get("exception"), asyncio.InvalidStateError)
        if late and "Future.set_result" in context["message"]:
            return
        if before is None:
            loop.default_exception_handler(context)
        else:
            before(loop, context)

    loop.set_exception_handler(handle)
    try:
        yield
    finally:
        loop.set_exception_handler(before)


@asynccontextmanager
async def docker(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: str = "",
    before: Callable[[Engine], None] = lambda _: None,
) -> AsyncIterator[tuple[Engine, Pipeline]]:
    monkeypatch.setattr(shell, "PUBLISH_SECONDS", 0.02)
    monkeypatch.setattr(
        discovery_docker, "refresh_loop", lambda _, *rest: refresh_loop(Duration(200_000_000), *rest)
    )
    engine = Engine(tmp_path / "d.sock")
    before(engine)
    server = await asyncio.start_unix_server(engine.serve, engine.path)
    with answers_after_a_cancellation():
        async with server, pipeline(text(engine, more), tmp_path) as running:
            yield engine, running
        await asyncio.sleep(0)


def text(engine: Engine, more: str = "") -> str:
    """refresh_interval: long, because it also limits the time for an answer."""
    return f'discovery.docker "d" {{\n host = "unix://{engine.path}"\n refresh_interval = "1m"\n {more}\n}}\n'


def found(running: Pipeline) -> list[str]:
    exported = running.controller.component("", "discovery.docker.d").exports
    return [target.own["__address__"] for target in exported.targets]


def health(running: Pipeline) -> str:
    return running.controller.component("", "discovery.docker.d").health.message


async def test_the_version_is_agreed_on_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with docker(tmp_path, monkeypatch) as (engine, running):
        await until(lambda: found(running) == ["10.0.0.1:1"])
        await until(lambda: len(engine.requests) >= 5)
        lists = ["GET /v1.43/containers/json", "GET /v1.43/networks"]
        assert engine.asked()[:5] == ["HEAD /_ping", *lists, *lists]
        assert "Host: api.moby.localhost" in engine.requests[0]


async def test_an_engine_that_refuses_head_and_is_newer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def newer(engine: Engine) -> None:
        engine.refuses_head, engine.version = True, "1.99"

    async with docker(tmp_path, monkeypatch, before=newer) as (engine, running):
        await until(lambda: found(running) == ["10.0.0.1:1"])
        assert engine.asked()[:3] == ["HEAD /_ping", "GET /_ping", "GET /v1.55/containers/json"]


async def test_an_engine_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def old(engine: Engine) -> None:
        engine.version = "1.30"

    async with docker(tmp_path, monkeypatch, before=old) as (_, running):
        await until(lambda: "API version 1.30 is not supported by this client" in health(running))


async def test_credentials_and_filters_are_sent_through_the_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = 'bearer_token = "secret"\n filter {\n name = "label"\n values = ["a=b", "a=b"]\n }'
    async with docker(tmp_path, monkeypatch, more) as (engine, running):
        await until(lambda: found(running) == ["10.0.0.1:1"])
        assert all("Authorization: Bearer secret" in head for head in engine.requests)
        assert engine.asked()[1] == (
            "GET /v1.43/containers/json?filters=%7B%22label%22%3A%7B%22a%3Db%22%3Atrue%7D%7D"
        )


async def test_the_last_targets_stay_while_the_engine_fails_and_through_a_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with docker(tmp_path, monkeypatch) as (engine, running):
        await until(lambda: found(running) == ["10.0.0.1:1"])
        good = dict(engine.answers)
        for answer, words in (
            ((500, b'{"message": "boom"}'), "Error response from daemon: boom"),
            ((200, b"[{"), "unexpected end of JSON input"),
            ((200, b'{"a": 1}'), "the answer is not a list of objects"),
            ((200, b'[{"Names": 5}]'), "the engine's answer has an unexpected value for Names"),
            ((503, b""), "request returned 503 X for API route and version"),
        ):
            engine.answers["/containers/json"] = answer
            await until(lambda words=words: words in health(running))  # type: ignore[misc]
        assert found(running) == ["10.0.0.1:1"]
        await running.load(text(engine, "port = 90"))
        await until(lambda: "503" in health(running))
        assert found(running) == ["10.0.0.1:1"]
        engine.answers = good
        await until(lambda: health(running) in {"component evaluated", "started component"})


async def test_half_an_answer_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with docker(tmp_path, monkeypatch) as (engine, running):
        await until(lambda: found(running) == ["10.0.0.1:1"])
        engine.cut = True
        await until(lambda: "unexpected EOF" in health(running))
        assert found(running) == ["10.0.0.1:1"]


async def test_an_engine_that_comes_back_as_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with docker(tmp_path, monkeypatch) as (engine, running):
        await until(lambda: found(running) == ["10.0.0.1:1"])
        good = engine.answers["/containers/json"]
        engine.answers["/containers/json"] = (400, b'{"message": "client version 1.43 is too new"}')
        await until(lambda: "too new" in health(running))
        engine.version = "1.41"
        engine.answers["/containers/json"] = good
        await until(lambda: "GET /v1.41/networks" in engine.asked())


async def test_many_containers_do_not_hold_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def many(engine: Engine) -> None:
        containers = [container(f"c{n}", 1, x=network("10.0.0.1")) for n in range(2_000)]
        engine.answers["/containers/json"] = (200, json.dumps(containers).encode())

    with watching():
        async with docker(tmp_path, monkeypatch, before=many) as (_, running):
            await until(lambda: len(found(running)) == 2_000)
