"""discovery.dns against servers on loopback: records, search lists, servers that fail, when targets stay."""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dns", reason="needs the extra alloypy[dns]")

from alloypy.components.discovery import shell
from alloypy.components.discovery.dns import Arguments, registration
from alloypy.lang.go.duration import Duration
from alloypy.net import resolver
from alloypy.net.resolver import LookupFailed, ResolvConf, lookup, names_to_try, parse_resolv_conf
from alloypy.runtime.contract.component import BuildError
from alloypy.runtime.running.sockets import SocketBook
from tests.support.counts import FULL
from tests.support.dns_server import Zone, serving
from tests.support.lifecycle import Life, living
from tests.support.metrics import metric
from tests.support.receiving import LogLines
from tests.support.running import free_port
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


class Resolving:
    """The resolver's settings, and the log of its lookups."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = LogLines()
        self.logger = logging.Logger("resolving")
        self.logger.addHandler(self.log)

    def use(self, text: str) -> None:
        """Change resolv.conf."""
        self.path.write_text(text)

    async def __call__(self, name: str, kind: str = "A") -> list[tuple[str, int]]:
        return [(each.host, each.port) for each in await lookup(name, kind, self.logger)]


@pytest.fixture
def resolving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resolving:
    made = Resolving(tmp_path / "resolv.conf")
    made.use("nameserver 127.0.0.1\n")
    monkeypatch.setattr(resolver, "RESOLV_CONF", str(made.path))
    monkeypatch.setattr(shell, "PUBLISH_SECONDS", 0.02)
    return made


@asynccontextmanager
async def at(monkeypatch: pytest.MonkeyPatch, zone: Zone) -> AsyncIterator[None]:
    """Serve the zone at the port that the resolver asks."""
    async with serving(zone) as port:
        monkeypatch.setattr(resolver, "_PORT", port)
        yield


@pytest.mark.parametrize(
    ("text", "conf"),
    [
        ("", ResolvConf()),
        ("# no\n;no\nnameserver\nnameserver 10.0.0.1\nnameserver ::1 x\n", ResolvConf(("10.0.0.1", "::1"))),
        ("domain a.test\nsearch b.test  c.test\n", ResolvConf((), ("b.test", "c.test"))),
        ("search b.test\ndomain a.test\n", ResolvConf((), ("a.test",))),
        ("options ndots:5 timeout:1 rotate\n", ResolvConf(ndots=5)),
        ("options ndots:99\n", ResolvConf(ndots=15)),
        ("options ndots:-1\n", ResolvConf(ndots=0)),
        ("options ndots:x\n", ResolvConf(ndots=0)),
    ],
)  # fmt: skip
def test_resolv_conf(text: str, conf: ResolvConf) -> None:
    assert parse_resolv_conf(text) == conf


@pytest.mark.parametrize(
    ("name", "ndots", "names"),
    [
        ("w", 1, ["w.s1.", "w.s2.", "w."]),
        ("w.x", 1, ["w.x.", "w.x.s1.", "w.x.s2."]),
        ("w.x", 2, ["w.x.s1.", "w.x.s2.", "w.x."]),
        ("w", 0, ["w.", "w.s1.", "w.s2."]),
        ("w.", 5, ["w."]),
    ],
)  # fmt: skip
def test_names_to_try(name: str, ndots: int, names: Sequence[str]) -> None:
    assert names_to_try(name, ResolvConf((), ("s1", "s2."), ndots)) == names


async def test_records_of_each_kind(resolving: Resolving, monkeypatch: pytest.MonkeyPatch) -> None:
    zone = Zone({
        "a.test. A": ["10.0.0.2", "10.0.0.1"],
        "a.test. AAAA": ["2001:db8::1", "::ffff:10.0.0.1"],
        "a.test. SRV": ["10 5 8080 H1.test.", "10 5 9090 ."],
        "a.test. MX": ["10 mx.test."],
        "a.test. NS": ["ns.test."],
        "empty.test. A": [],
    })  # fmt: skip
    async with at(monkeypatch, zone):
        assert await resolving("a.test") == [("10.0.0.2", 0), ("10.0.0.1", 0)]
        assert await resolving("a.test", "AAAA") == [("2001:db8::1", 0), ("10.0.0.1", 0)]
        assert await resolving("a.test", "SRV") == [("H1.test.", 8080), (".", 9090)]
        assert await resolving("a.test", "MX") == [("mx.test.", 0)]
        assert await resolving("a.test", "NS") == [("ns.test.", 0)]
        assert await resolving("empty.test") == []
        assert await resolving("absent.test") == []
    assert resolving.log.lines == []


async def test_the_search_list_is_tried_until_a_name_exists(
    resolving: Resolving, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving.use("search s1.test s2.test\nnameserver 127.0.0.1\n")
    zone = Zone({"w.s2.test. A": ["10.0.0.1"], "v.s1.test. AAAA": [], "v.s2.test. A": ["10.0.0.2"]})
    async with at(monkeypatch, zone):
        assert await resolving("w") == [("10.0.0.1", 0)]
        assert zone.asked == ["w.s1.test. A udp", "w.s2.test. A udp"]
        assert await resolving("v") == []  # the name exists in the first domain, without an address


async def test_a_long_answer_comes_over_tcp(resolving: Resolving, monkeypatch: pytest.MonkeyPatch) -> None:
    zone = Zone({"a.test. A": ["10.0.0.1"]})
    zone.truncated = True
    async with at(monkeypatch, zone):
        assert await resolving("a.test") == [("10.0.0.1", 0)]
    assert zone.asked == ["a.test. A udp", "a.test. A tcp"]


async def test_a_server_that_is_down_is_named_and_passed_over(
    resolving: Resolving, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving.use("nameserver 127.0.0.2\nnameserver 127.0.0.1\n")
    async with at(monkeypatch, Zone({"a.test. A": ["10.0.0.1"]})):
        assert await resolving("a.test") == [("10.0.0.1", 0)]
    (line,) = resolving.log.lines
    assert line.startswith("WARNING DNS resolution failed ")
    assert f"127.0.0.2:{resolver._PORT}: read: connection refused" in line


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED"])
async def test_an_error_is_no_answer(
    resolving: Resolving, monkeypatch: pytest.MonkeyPatch, rcode: str
) -> None:
    zone = Zone()
    zone.rcode = rcode
    async with at(monkeypatch, zone):
        with pytest.raises(LookupFailed, match=r'^could not resolve "a\.test": all servers responded with'):
            await resolving("a.test")


async def test_a_server_that_is_silent_or_talks_nonsense_is_given_up(
    resolving: Resolving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver, "SECONDS", 0.2)
    zone = Zone({"a.test. A": ["10.0.0.1"]})
    zone.garbage = [b"", b"x", bytes(12), b"\xff" * 600]
    async with at(monkeypatch, zone):
        assert await resolving("a.test") == [("10.0.0.1", 0)]  # what is no answer to the question is skipped
        zone.silent = True
        with pytest.raises(LookupFailed):
            await resolving("a.test")
    assert "i/o timeout" in resolving.log.lines[-1]


@pytest.mark.parametrize("name", ["a..test", "x" * 64, "ü.test", "\udcff.test", "", "."], ids=ascii)
async def test_odd_names_do_no_harm(resolving: Resolving, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    async with at(monkeypatch, Zone()):
        try:
            assert await resolving(name) == []
        except LookupFailed:
            assert "dns: " in resolving.log.lines[0]


async def test_without_resolv_conf_the_reason_is_said(resolving: Resolving) -> None:
    resolving.path.unlink()
    with pytest.raises(LookupFailed) as caught:
        await resolving("a.test")
    path = resolving.path
    assert str(caught.value) == f"could not load resolv.conf: open {path}: no such file or directory"


def arguments(*names: str, every: int = 50_000_000, **given: Any) -> Arguments:
    return Arguments(names=names, refresh_interval=Duration(every), **{"type": "a", "port": 80, **given})


def discovering(given: Arguments, folder: Path) -> AbstractAsyncContextManager[Life]:
    return living(registration, given, folder)


def addresses(life: Life) -> list[str]:
    return sorted(target.own["__address__"] for target in life.exports[-1].targets)


def failure(life: Life) -> str:
    health = life.component.health()
    return "" if health is None else health.message


def counted(life: Life, name: str) -> float:
    return metric(list(life.metrics.collect()), name) or 0


async def test_targets_have_all_labels(
    resolving: Resolving, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    zone = Zone({"x.test. SRV": ["1 1 8080 h.test.", "TXT hello", "CNAME y.test."]})
    async with at(monkeypatch, zone), discovering(arguments("x.test", type="SRV"), tmp_path) as life:
        await until(lambda: addresses(life) == ["h.test:8080"])
        assert dict(life.exports[-1].targets[0].labels) == {
            "__address__": "h.test:8080",
            "__meta_dns_name": "x.test",
            "__meta_dns_srv_record_target": "h.test.",
            "__meta_dns_srv_record_port": "8080",
            "__meta_dns_mx_record_target": "",
            "__meta_dns_ns_record_target": "",
        }
        assert life.log.lines[0] == (
            "WARNING Invalid record {'record': 'x.test.\\t60\\tIN\\tTXT\\t\"hello\"'}"
        )


async def test_targets_stay_while_a_name_cannot_be_looked_up_and_go_when_it_is_gone(
    resolving: Resolving, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    zone = Zone({"a.test. A": ["10.0.0.1"], "b.test. A": ["10.0.0.2"]})
    async with at(monkeypatch, zone), discovering(arguments("a.test", "b.test"), tmp_path) as life:
        await until(lambda: addresses(life) == ["10.0.0.1:80", "10.0.0.2:80"])
        zone.rcode = "SERVFAIL"
        await until(lambda: "could not resolve" in failure(life))
        await until(lambda: counted(life, "prometheus_sd_dns_lookup_failures_total") >= 2)
        assert len(addresses(life)) == 2
        zone.rcode = ""
        del zone["b.test. A"]
        await until(lambda: addresses(life) == ["10.0.0.1:80"] and failure(life) == "")
        assert counted(life, "prometheus_sd_dns_lookups_total") >= 6


async def test_an_update_while_the_server_is_down_keeps_the_targets_of_its_names(
    resolving: Resolving, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    zone = Zone({"a.test. A": ["10.0.0.1"], "b.test. A": ["10.0.0.2"], "c.test. A": ["10.0.0.3"]})
    async with at(monkeypatch, zone), discovering(arguments("a.test", "b.test"), tmp_path) as life:
        await until(lambda: len(addresses(life)) == 2)
        zone.rcode = "SERVFAIL"
        await life.update(arguments("b.test", "c.test"))
        await until(lambda: addresses(life) == ["10.0.0.2:80"])
        zone.rcode = ""
        await until(lambda: addresses(life) == ["10.0.0.2:80", "10.0.0.3:80"] and failure(life) == "")


def test_without_dnspython_the_load_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(BuildError, match=r"pip install 'alloypy\[dns\]'"):
        Life(registration, arguments("a.test"), SocketBook(), tmp_path)


@contextmanager
def dnsmasq(folder: Path, *records: str) -> Iterator[int]:
    """A real server on loopback, and its port."""
    port = free_port()
    (folder / "empty").touch()
    command = [
        "dnsmasq", "--keep-in-foreground", "--listen-address=127.0.0.1", f"--port={port}",
        "--bind-interfaces", "--no-resolv", "--no-hosts", f"--conf-file={folder / 'empty'}", "--pid-file=",
        "--user=", "--local=/test/",
    ]  # fmt: skip
    with subprocess.Popen([*command, *records], stderr=subprocess.DEVNULL) as process:
        try:
            yield port
        finally:
            process.terminate()


@pytest.mark.skipif(not (FULL and shutil.which("dnsmasq")), reason="part of a full run, needs dnsmasq")
async def test_dnsmasq_is_understood(
    resolving: Resolving, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    many = [f"--host-record=many.test,10.1.{n // 200}.{n % 200}" for n in range(400)]
    records = [
        "--host-record=a.test,10.0.0.1,2001:db8::1",
        "--srv-host=_pyroscope._tcp.test,h1.test,8080,1,1",
        "--srv-host=_pyroscope._tcp.test,h2.test,9090,1,1",
        "--mx-host=a.test,mx.test,10",
        "--cname=c.test,a.test",
        *many,
    ]
    with dnsmasq(tmp_path, *records) as port:
        monkeypatch.setattr(resolver, "_PORT", port)
        given = arguments("_pyroscope._tcp.test", type="SRV")
        async with discovering(given, tmp_path) as life:
            await until(lambda: addresses(life) == ["h1.test:8080", "h2.test:9090"])
        assert await resolving("a.test") == [("10.0.0.1", 0)]
        assert await resolving("c.test") == [("", 0), ("10.0.0.1", 0)]
        assert await resolving("a.test", "AAAA") == [("2001:db8::1", 0)]
        assert await resolving("a.test", "MX") == [("mx.test.", 0)]
        assert len(await resolving("many.test")) == 400  # over TCP
        assert await resolving("absent.test") == []
