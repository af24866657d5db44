"""An outage of a real Pyroscope that is longer than the age up to which one of two tenants takes profiles.

Both servers are down while profiles arrive. One refuses what is older than a limit that is shorter than the
outage: exactly that is counted as too old. The other's limit is longer: it gets everything, and at the times
at which it was received.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

from alloypy.profiles.model import RawSample, Series
from alloypy.profiles.push_wire import encode_push
from tests.soak import wire
from tests.soak.clients import PUSH, World
from tests.soak.queues.base import Outcome, Process, metrics_of
from tests.support.pprof import pprof
from tests.support.pyroscope_server import PyroscopeServer
from tests.support.queue_law import Law, laws
from tests.support.running import Running

LENIENT, STRICT = "lenient", "strict"
_SERVICE = "outage"
_SELECTOR = f'{{service_name="{_SERVICE}"}}'
_WINDOW_SECONDS = 10.0
_CLOSE_SECONDS = 1.0
_SHOWN_SECONDS = 60.0
_DRAIN_SECONDS = 1800.0
_IN_FLIGHT = 128
_DELIVERY = 'max_backoff_period = "5s"'


class Sent:
    """What was acknowledged. at: when, in seconds since 1970, by number."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.at: dict[int, float] = {}
        self._world = world
        self._chance = chance

    async def keep_sending(self, rate: float, seconds: float) -> None:
        """Send for so long."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for step in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + step / rate - loop.time()))
            number, _ = self._world.profile(1)
            await self._world.send(self._request(number), [number])
            if number in self._world.acknowledged:
                self.at[number] = time.time()

    def _request(self, number: int) -> bytes:
        """With a time of its own or without, by Push or /ingest."""
        dated = time.time_ns() if self._chance.random() < 0.5 else 0
        profile = pprof(name_of(number), 1, dated)
        if self._chance.random() < 0.5:
            target = f"/ingest?name={_SERVICE}&format=pprof"
            return wire.post(target, profile, content_type="application/octet-stream")
        labels = {"__name__": "process_cpu", "service_name": _SERVICE, "n": str(number % 50)}
        body = b"".join(map(bytes, encode_push([Series(labels, (RawSample(profile),))])))
        return wire.post(PUSH, body, content_type="application/proto")


def name_of(number: int) -> str:
    """The function in the profile with this number."""
    return f"f{number}"


async def soak(seconds: float, limit: float, rate: float, binary: str, seed: int, folder: Path) -> Outcome:
    """So many seconds of outage, at a server that refuses what is older than `limit` seconds and another."""
    chance = random.Random(seed)
    servers = {
        STRICT: _server(binary, folder, STRICT, limit),
        LENIENT: _server(binary, folder, LENIENT, 10 * (seconds + 600)),
    }
    urls = {name: server.url for name, server in servers.items()}
    process = Process(folder, urls, delivery=_DELIVERY, in_flight=_IN_FLIGHT)
    sent = Sent(World("127.0.0.1", process.port, chance, 50), chance)
    try:
        with process.started() as running:
            await process.ready(running, time.monotonic())
            await sent.keep_sending(rate, seconds)
            await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers.values()))
            ready = time.time()
            found = await _delivered(running)
            ended = time.time()
            too_old = _too_old(await metrics_of(running))
            code = await asyncio.to_thread(running.stop)
        shown = {name: await _shown(server, sent, found[_write(name)]) for name, server in servers.items()}
        times = await asyncio.to_thread(lambda: list(_shifted(servers[LENIENT], sent)))
    finally:
        for server in servers.values():
            await asyncio.to_thread(server.stop)
    faults = _faults(sent, found, shown, too_old, ready - limit, ended - limit)
    faults += times
    if code or "Traceback" in running.text:
        faults.append(f"alloypy ended with {code}:\n{running.text}")
    report = [
        f"{len(sent.at)} acknowledged in {seconds:.0f} s of outage; too old at {limit:.0f} s: {too_old}",
        f"counts: {found}",
        f"drained in {ended - ready:.1f} s; shown: {', '.join(f'{n}: {len(s)}' for n, s in shown.items())}",
    ]
    return Outcome(report, faults, [])


def _server(binary: str, folder: Path, name: str, limit: float) -> PyroscopeServer:
    flags = {"validation.reject-older-than": f"{limit:.0f}s"}
    return PyroscopeServer(binary, folder / name, flags)


def _write(name: str) -> str:
    return f"pyroscope.write.{name}"


async def _delivered(running: Running) -> dict[str, Law]:
    deadline = time.monotonic() + _DRAIN_SECONDS
    while True:
        found = laws(await metrics_of(running))
        if not any(each.waiting for each in found.values()) or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.2)


def _too_old(metrics: str) -> dict[str, int]:
    pattern = r'^alloypy_queue_dropped_total\{.*destination="([^"]*)".*reason="too_old".*\} (\S+)$'
    return {name: int(float(count)) for name, count in re.findall(pattern, metrics, re.MULTILINE)}


async def _shown(server: PyroscopeServer, sent: Sent, law: Law) -> set[int]:
    """The numbers that a server shows, once they are as many as were delivered."""
    deadline = time.monotonic() + _SHOWN_SECONDS
    begin, end = min(sent.at.values()) - 60, max(sent.at.values()) + 60
    while True:
        found: set[int] = set()
        for at in range(int(begin), int(end), 60):
            values = await asyncio.to_thread(server.values, _SELECTOR, at, at + 60)
            found |= {int(name.removeprefix("f")) for name in values if name.startswith("f")}
        if len(found) >= law.delivered or time.monotonic() > deadline:
            return found
        await asyncio.sleep(1.0)


def _shifted(server: PyroscopeServer, sent: Sent) -> Iterator[str]:
    """What is not shown in the window of time in which it was received, or not once, or in another."""
    first, last = min(sent.at.values()), max(sent.at.values())
    begin = first
    while begin < last:
        end = begin + _WINDOW_SECONDS
        values = server.values(_SELECTOR, begin, end)
        found = {int(name.removeprefix("f")): value for name, value in values.items() if name != "other"}
        within = {n for n, at in sent.at.items() if begin + _CLOSE_SECONDS < at < end - _CLOSE_SECONDS}
        around = {n for n, at in sent.at.items() if begin - _CLOSE_SECONDS < at < end + _CLOSE_SECONDS}
        if not within <= found.keys() <= around:
            yield f"shifted: {sorted(within - found.keys())[:5]} {sorted(found.keys() - around)[:5]}"
        if set(found.values()) != {1}:
            yield f"counted twice: {[n for n, value in found.items() if value != 1][:5]}"
        begin = end


def _faults(
    sent: Sent,
    found: dict[str, Law],
    shown: dict[str, set[int]],
    too_old: dict[str, int],
    surely: float,
    possibly: float,
) -> list[str]:
    """surely, possibly: what was sent before is too old for the strict server, or may be."""
    faults = [f"{name} breaks the law: {law}" for name, law in found.items() if not law.holds or law.waiting]
    strict, lenient = found[_write(STRICT)], found[_write(LENIENT)]
    everything, count = set(sent.at), too_old.get(_write(STRICT), 0)
    if lenient != Law(len(everything), len(everything), 0, 0, 0) or too_old.get(_write(LENIENT)):
        faults.append(f"with a limit longer than the outage not all was delivered: {lenient}")
    if strict != Law(len(everything), len(everything) - count, count, 0, 0):
        faults.append(f"more than what is too old was given up: {strict}, {count} too old")
    if shown[LENIENT] != everything:
        faults.append(f"missing on the server: {sorted(everything - shown[LENIENT])[:10]}")
    missing = everything - shown[STRICT]
    if len(missing) != count:
        faults.append(f"{len(missing)} are missing where {count} were too old")
    if wrong := [n for n in missing if sent.at[n] > possibly + _CLOSE_SECONDS]:
        faults.append(f"refused although young: {wrong[:10]}")
    if wrong := [n for n in shown[STRICT] & everything if sent.at[n] < surely - _CLOSE_SECONDS]:
        faults.append(f"taken although too old: {wrong[:10]}")
    if not count or count == len(everything):
        faults.append(f"the outage shows nothing: {count} of {len(everything)} were too old")
    return faults
