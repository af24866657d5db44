"""What components and import sources do at each step of their lives; they leave nothing behind.

A component that is registered needs a row in `KINDS`.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from alloypy.components.discovery import dns as discovery_dns
from alloypy.components.discovery import docker, http, kubernetes
from alloypy.components.discovery import file as discovery_file
from alloypy.components.discovery import process as discovery_process
from alloypy.components.discovery import relabel as discovery_relabel
from alloypy.components.http_client import HTTPClientArguments, TLSArguments
from alloypy.components.local import file, file_match
from alloypy.components.own.delivering.arguments import Arguments as Queued
from alloypy.components.own.delivering.arguments import DiskArguments
from alloypy.components.pyroscope import enrich, receive_http, relabel, write
from alloypy.components.pyroscope.receiving.blocks import HTTP
from alloypy.components.pyroscope.scraping.arguments import Arguments as Scraping
from alloypy.components.registry import REGISTRY
from alloypy.components.relabel_rule import RuleArguments
from alloypy.components.remote import http as remote_http
from alloypy.components.remote import http_import
from alloypy.lang.go.duration import Duration
from alloypy.lang.go.url import parse_url
from alloypy.lang.targets import OddTarget, Target
from alloypy.lang.values import OptionalSecret
from alloypy.runtime.blocks.modules import ImportFileArguments, ImportStringArguments
from alloypy.runtime.contract.component import BuildError, Registration, UpdateError
from alloypy.runtime.evaluating.import_sources import (
    FileSource,
    HTTPSource,
    ImportSource,
    SourceError,
    StringSource,
)
from alloypy.runtime.running.sockets import SocketBook
from tests.support.lifecycle import Life, nothing_left
from tests.support.receiving import Collected
from tests.support.recorder import Recorder
from tests.support.running import free_port
from tests.support.scripted import answering, scripted
from tests.support.sending import endpoint

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("error")]


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


class Place:
    """What arguments can name: files, ports, a receiver, a server; and some that are unavailable."""

    def __init__(self, path: Path, taken: int, server: str) -> None:
        for name in ("one", "two"):
            (path / name).write_text(name)
        self.path = path
        self.receiver = Collected()
        self.taken = taken
        self.server = server
        self.ports = (free_port(), free_port())


class Kind(NamedTuple):
    """Arguments of one kind of component: two valid sets, and what the first makes unavailable."""

    arguments: Callable[[Place, int], Any]
    bad: Callable[[Place, Any], Any]


def file_arguments(place: Place, number: int) -> file.Arguments:
    return file.Arguments(filename=str(place.path / ("one", "two")[number]))


ODD = OddTarget({"a": "[]"}, "a", [])


def discovery_relabel_arguments(place: Place, number: int) -> discovery_relabel.Arguments:
    return discovery_relabel.Arguments(targets=(Target({"__address__": f"10.0.0.{number}:80"}),))


def kubernetes_arguments(place: Place, number: int) -> kubernetes.Arguments:
    return kubernetes.Arguments(role="pod", api_server=parse_url(f"http://127.0.0.1:{place.ports[number]}"))


def discovery_file_arguments(place: Place, number: int) -> discovery_file.Arguments:
    return discovery_file.Arguments(files=(str(place.path / f"{number}.json"),))


def docker_arguments(place: Place, number: int) -> docker.Arguments:
    return docker.Arguments(host=f"unix://{place.path}/{number}.sock")


def process_arguments(_: Place, number: int) -> discovery_process.Arguments:
    return discovery_process.Arguments(join=(Target({"a": str(number)}),))


def file_match_arguments(place: Place, number: int) -> file_match.Arguments:
    return file_match.Arguments(path_targets=(Target({"__path__": str(place.path / str(number))}),))


def receive_arguments(place: Place, number: int) -> receive_http.Arguments:
    listening = HTTP(listen_address="127.0.0.1", listen_port=place.ports[number])
    return receive_http.Arguments(http=listening, forward_to=(place.receiver,))


def enrich_arguments(place: Place, number: int) -> enrich.Arguments:
    target = Target({"a": str(number)})
    return enrich.Arguments(targets=(target,), target_match_label="a", forward_to=(place.receiver,))


def relabel_arguments(place: Place, number: int) -> relabel.Arguments:
    rule = RuleArguments(source_labels=("a",), target_label=f"b{number}")
    return relabel.Arguments(forward_to=(place.receiver,), rules=(rule,))


def write_arguments(place: Place, number: int) -> write.Arguments:
    return write.Arguments(endpoints=(endpoint(f"http://127.0.0.1:{place.taken}/{number}"),))


def untrusting(place: Place, given: write.Arguments) -> write.Arguments:
    absent = TLSArguments(ca_file=str(place.path / "absent"))
    return replace(
        given,
        endpoints=(replace(given.endpoints[0], http_client=HTTPClientArguments(tls_config=absent)),),
    )


def discovered_over_http(place: Place, number: int) -> http.Arguments:
    return http.Arguments(url=parse_url(f"http://127.0.0.1:{place.taken}/{number}"))


def polled(place: Place, number: int) -> remote_http.Arguments:
    return remote_http.Arguments(url=f"{place.server}/{number}")


def untrusting_poller(place: Place, given: remote_http.Arguments) -> remote_http.Arguments:
    absent = TLSArguments(ca_file=str(place.path / "absent"))
    return replace(given, client=HTTPClientArguments(tls_config=absent))


def looked_up(_: Place, number: int) -> discovery_dns.Arguments:
    return discovery_dns.Arguments(names=(), type="A", port=80 + number)


def scraped(place: Place, number: int) -> Scraping:
    target = Target({"__address__": f"127.0.0.1:{place.taken}"})
    interval = Duration((number + 20) * 1_000_000_000)
    return Scraping(targets=(target,), forward_to=(place.receiver,), scrape_interval=interval)


def untrusting_scraper(place: Place, given: Scraping) -> Scraping:
    absent = TLSArguments(ca_file=str(place.path / "absent"))
    return replace(given, http_client=HTTPClientArguments(tls_config=absent))


def queue_arguments(place: Place, number: int) -> Any:
    return Queued(forward_to=(place.receiver,), max_size=(number + 1) << 30, disk=DiskArguments(min_free=0))


KINDS = {
    "alloypy.queue": Kind(
        queue_arguments, lambda place, given: replace(given, disk=DiskArguments(path=str(place.path / "one")))
    ),
    "discovery.dns": Kind(looked_up, lambda _, given: replace(given, port=0)),
    "discovery.docker": Kind(docker_arguments, lambda _, given: replace(given, host="no URL")),
    "discovery.process": Kind(
        process_arguments, lambda _, given: replace(given, refresh_interval=Duration(0))
    ),
    "local.file_match": Kind(file_match_arguments, lambda _, given: replace(given, sync_period=Duration(0))),
    "discovery.kubernetes": Kind(
        kubernetes_arguments, lambda place, given: replace(given, kubeconfig_file=str(place.path / "absent"))
    ),
    "discovery.file": Kind(
        discovery_file_arguments, lambda _, given: replace(given, refresh_interval=Duration(0))
    ),
    "discovery.relabel": Kind(discovery_relabel_arguments, lambda _, given: replace(given, targets=(ODD,))),
    "discovery.http": Kind(
        discovered_over_http, lambda _, given: replace(given, refresh_interval=Duration(0))
    ),
    "local.file": Kind(
        file_arguments, lambda place, given: replace(given, filename=str(place.path / "absent"))
    ),
    "pyroscope.enrich": Kind(
        enrich_arguments, lambda _, given: replace(given, targets=(OddTarget({"a": "1"}, "a", [1]),))
    ),
    "pyroscope.receive_http": Kind(
        receive_arguments,
        lambda place, given: replace(given, http=replace(given.http, listen_port=place.taken)),
    ),
    "pyroscope.relabel": Kind(relabel_arguments, lambda _, given: replace(given, max_cache_size=0)),
    "pyroscope.scrape": Kind(scraped, untrusting_scraper),
    "pyroscope.write": Kind(write_arguments, untrusting),
    "remote.http": Kind(polled, untrusting_poller),
}


class Bench(NamedTuple):
    """A kind of component, and where to try it."""

    registration: Registration
    kind: Kind
    place: Place
    book: SocketBook

    def arguments(self, number: int = 0) -> Any:
        return self.kind.arguments(self.place, number)

    def bad(self) -> Any:
        return self.kind.bad(self.place, self.arguments())

    def make(self, arguments: Any) -> Life:
        return Life(self.registration, arguments, self.book, self.place.path / "storage")

    async def running(self, number: int = 0) -> Life:
        life = self.make(self.arguments(number))
        await life.prepare()
        life.start()
        await life.settle()
        return life


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with Recorder(content=b"content") as recorder:
        yield recorder.url


@pytest.fixture(params=REGISTRY.values(), ids=lambda each: each.name)
def bench(request: pytest.FixtureRequest, tmp_path: Path, server: str) -> Iterator[Bench]:
    registration: Registration = request.param
    kind = KINDS.get(registration.name)
    assert kind is not None, f"{registration.name} needs a row in KINDS"
    if registration.name == "discovery.dns":
        pytest.importorskip("dns", reason="needs the extra alloypy[dns]")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield Bench(registration, kind, Place(tmp_path, taken.getsockname()[1], server), SocketBook())


async def test_made_and_never_prepared(bench: Bench) -> None:
    async with nothing_left():
        bench.make(bench.arguments()).give_up()


async def test_prepared_and_never_run(bench: Bench) -> None:
    async with nothing_left():
        life = bench.make(bench.arguments())
        await life.prepare()
        gone = weakref.ref(life.component)
        life.give_up()
        del life
    gc.collect()
    assert gone() is None


async def test_refused_immediately(bench: Bench) -> None:
    async with nothing_left():
        with pytest.raises(BuildError):
            await bench.make(bench.bad()).prepare()


async def test_exports_are_known_when_it_is_prepared(bench: Bench) -> None:
    life = bench.make(bench.arguments())
    await life.prepare()
    declared = bench.registration.exports
    assert bool(life.exports) == (declared is not None)
    if declared is not None:
        assert isinstance(life.exports[-1], declared)
    life.give_up()


@pytest.mark.parametrize("turns", [0, 1, 5], ids=["before-it-begins", "as-it-begins", "soon"])
async def test_run_and_cancelled_immediately(bench: Bench, turns: int) -> None:
    async with nothing_left():
        life = bench.make(bench.arguments())
        await life.prepare()
        life.start()
        for _ in range(turns):
            await asyncio.sleep(0)
        await life.stop()


@pytest.mark.parametrize("times", [1, 2, 5])
async def test_stopped_again_while_it_stops(bench: Bench, times: int) -> None:
    async with nothing_left():
        life = await bench.running()
        await life.stop(times)


async def test_asked_at_any_time(bench: Bench) -> None:
    life = bench.make(bench.arguments())

    def ask() -> None:
        component = life.component
        component.health(), component.in_flight(), component.activity(), component.debug_info()
        component.listens_on(), component.shown_arguments(bench.arguments()), list(life.metrics.collect())

    async with nothing_left():
        ask()
        await life.prepare()
        ask()
        life.start()
        ask()
        await life.settle()
        ask()
        await life.stop()
        ask()


async def test_an_update_that_is_refused_changes_nothing(bench: Bench) -> None:
    async with nothing_left():
        life = await bench.running()
        before = life.exports[-1:], life.component.listens_on(), life.component.health()
        with pytest.raises((UpdateError, BuildError)):
            await life.begin_update(bench.bad())
        await life.settle()
        assert (life.exports[-1:], life.component.listens_on(), life.component.health()) == before
        assert life.task is not None
        assert not life.task.done()
        await life.update(bench.arguments(1))
        await life.stop()


async def test_an_update_is_taken_back(bench: Bench) -> None:
    async with nothing_left():
        life = await bench.running()
        before = life.exports[-1:], life.component.listens_on()
        await life.begin_update(bench.arguments(1))
        await life.take_back(bench.arguments(1), bench.arguments())
        await life.settle()
        assert (life.exports[-1:], life.component.listens_on()) == before
        await life.stop()


async def test_an_update_is_prepared_and_not_made(bench: Bench) -> None:
    async with nothing_left():
        life = await bench.running()
        before = life.exports[-1:], life.component.listens_on()
        for _ in range(2):
            await life.begin_update(bench.arguments(1))
            life.refuse_update()
            await life.settle()
            assert (life.exports[-1:], life.component.listens_on()) == before
        await life.begin_update(bench.arguments(1))
        await life.stop()
        life.refuse_update()


async def test_updated_before_it_runs(bench: Bench) -> None:
    async with nothing_left():
        life = bench.make(bench.arguments())
        await life.prepare()
        life.start()
        await life.update(bench.arguments(1))
        await life.settle()
        assert life.task is not None
        assert not life.task.done()
        where = life.component.listens_on()
        await life.stop()
        again = await bench.running(1)
        assert again.component.listens_on() == where
        await again.stop()


async def test_what_an_update_promises_to_export_comes(bench: Bench) -> None:
    async with nothing_left():
        life = await bench.running()
        coming = await life.begin_update(bench.arguments(1))
        await life.make_update(bench.arguments(1))
        if coming is not None:
            assert life.exports[-1] == coming
        await life.stop()


async def test_two_side_by_side(bench: Bench) -> None:
    if bench.registration.name == "alloypy.queue":
        pytest.skip("two queues cannot share a directory: tests/wire/test_queue.py")
    async with nothing_left():
        one, two = await bench.running(0), await bench.running(1)
        before = two.exports[-1:], two.component.listens_on(), two.component.health()
        await one.stop()
        await two.settle()
        assert (two.exports[-1:], two.component.listens_on(), two.component.health()) == before
        assert two.task is not None
        assert not two.task.done()
        again = await bench.running(0)
        await two.stop()
        await again.stop()


# Sources of imports


class Source(NamedTuple):
    """One kind of source. make: takes a number to put in the content, or None for an absent source."""

    make: Callable[[Path, int, int | None], Any]


async def file_source(path: Path, port: int, number: int | None) -> ImportSource:
    given = path / ("absent" if number is None else f"{number}.alloy")
    if number is not None:
        given.write_text(str(number))
    return await FileSource.at(ImportFileArguments(filename=str(given), poll_frequency=Duration(10**7)))


async def string_source(path: Path, port: int, number: int | None) -> ImportSource:
    return StringSource(ImportStringArguments(content=OptionalSecret(str(number), is_secret=False)), "/")


async def http_source(path: Path, port: int, number: int | None) -> ImportSource:
    place = free_port() if number is None else port
    given = http_import.Arguments(url=f"http://127.0.0.1:{place}/", poll_frequency=Duration(10**7))
    return HTTPSource("import.http.test", given, http_import.http_import, 60.0)


SOURCES = {
    "import.file": Source(file_source),
    "import.string": Source(string_source),
    "import.http": Source(http_source),
}
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"


@pytest.fixture(params=SOURCES.values(), ids=list(SOURCES))
def source(request: pytest.FixtureRequest) -> Source:
    given: Source = request.param
    return given


async def test_a_source_is_read_again_and_again(source: Source, tmp_path: Path) -> None:
    async with scripted(answering(PAGE)) as backend, nothing_left():
        made = await source.make(tmp_path, backend.port, 1)
        content = await made.read()
        assert list(content.values()) == [b"1"]
        waiting = asyncio.create_task(made.changed())
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        if not done:
            waiting.cancel()
            await asyncio.wait([waiting])
        assert await made.read() == content


async def test_a_source_that_is_left_while_it_is_read(source: Source, tmp_path: Path) -> None:
    async with scripted(answering(PAGE)) as backend, nothing_left():
        made = await source.make(tmp_path, backend.port, 1)
        for turns in range(4):
            reading = asyncio.create_task(made.read())
            for _ in range(turns):
                await asyncio.sleep(0)
            reading.cancel()
            await asyncio.wait([reading])
        assert list((await made.read()).values()) == [b"1"]


@pytest.mark.parametrize("source", [SOURCES["import.file"], SOURCES["import.http"]], ids=["file", "http"])
async def test_a_source_that_is_absent(source: Source, tmp_path: Path) -> None:
    async with nothing_left():
        made = await source.make(tmp_path, 0, None)
        for _ in range(2):
            with pytest.raises(SourceError):
                await made.read()


async def test_two_sources_side_by_side(source: Source, tmp_path: Path) -> None:
    async with scripted(answering(PAGE)) as backend, nothing_left():
        one, two = [await source.make(tmp_path, backend.port, number) for number in (1, 2)]
        waiting = asyncio.create_task(one.changed())
        assert len(await two.read()) == 1
        waiting.cancel()
        await asyncio.wait([waiting])
        assert list((await one.read()).values()) == [b"1"]
        assert (one.identity == two.identity) == (made_alike := one.identity.startswith("http"))
        assert made_alike is (source is SOURCES["import.http"])
