"""Long runs of queues in Kafka: receivers, deliverers and brokers that are killed under load.

    python3 dev.py soak kafka one  [--acknowledged 5000]      kills a deliverer, a receiver and the broker
    python3 dev.py soak kafka many [--rounds 2] [--spool 1]   kills each of three brokers in turn, so often

Exit code 1 if something acknowledged was lost, or more came twice than was being delivered at a kill; figures
that a busy machine misses are only said.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tests.soak import wire
from tests.soak.queues.base import IN_FLIGHT, Outcome, Sink, report
from tests.support.kafka_broker import Broker
from tests.support.running import Running, free_port

_LARGE_BYTES = 500_000
_SMALL_BYTES = 5_000
_EACH = 60
"""One profile in so many is large."""

_ANSWER_SECONDS = 30.0
_PATIENCE = 120.0


class Machine:
    """An alloypy that is killed and started again. port: of its receiver, if it has one."""

    def __init__(self, folder: Path, text: str) -> None:
        folder.mkdir(parents=True)
        self.port = free_port()
        self._folder = folder
        (folder / "config.alloy").write_text(text.replace("RECV", str(self.port)))
        self.running: Running | None = None
        self.logs: list[str] = []

    async def start(self) -> None:
        """Start it, and wait until it is ready."""
        arguments = ["--stability.level=experimental", f"--storage.path={self._folder / 'storage'}"]
        self.running = Running([*arguments, "config.alloy"], self._folder)
        await asyncio.to_thread(self.running.wait_until_ready)

    def kill(self) -> None:
        """End it at once."""
        assert self.running is not None
        self.running.process.kill()
        self._ended()

    async def stop(self) -> int:
        """End it as a service manager does; returns its exit code."""
        assert self.running is not None
        code = await asyncio.to_thread(self.running.stop)
        self._ended()
        return code

    def _ended(self) -> None:
        assert self.running is not None
        self.running.__exit__(None, None, None)
        self.logs.append(self.running.text)
        self.running = None

    def metric(self, name: str) -> float:
        """The sum of a metric; 0 if there is none."""
        assert self.running is not None
        found = re.findall(
            rf"^alloypy_queue_{name}\{{.*\}} (\S+)$", self.running.get("/metrics").text, re.MULTILINE
        )
        return sum(map(float, found))


class Load:
    """Sends numbered profiles to receivers, and notes which are acknowledged, when, and after how long.

    first: the first number.

    slowest: the longest wait for a 200, in seconds. refused: answers other than 200, and broken connections.
    """

    def __init__(self, ports: Sequence[int], rate: float, first: int = 1) -> None:
        self.acknowledged: dict[int, float] = {}
        self.slowest = 0.0
        self.refused = 0
        self.sent = 0
        self._first = first
        self._ports = ports
        self._pause = 1 / rate
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Send until cancelled; then answers are waited for."""
        try:
            while True:
                number = self._first + self.sent
                self.sent += 1
                task = asyncio.create_task(self._one(number, self._ports[number % len(self._ports)]))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                await asyncio.sleep(self._pause)
        finally:
            if self._tasks:
                await asyncio.wait(self._tasks)

    def add(self, other: Load) -> None:
        """Count what another one has sent as this one's."""
        self.acknowledged |= other.acknowledged
        self.sent += other.sent
        self.refused += other.refused

    async def _one(self, number: int, port: int) -> None:
        began = time.monotonic()
        mark = f"soak-{number:012d} ".encode()
        body = mark.ljust(_SMALL_BYTES if number % _EACH else _LARGE_BYTES, b"x")
        target = f"/ingest?name=service{number % 12}&from=1&until=2&format=pprof"
        status = 0
        with contextlib.suppress(OSError, ValueError, IndexError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(_ANSWER_SECONDS):
                status = await _posted(port, target, body)
        if status == 200:
            now = time.monotonic()
            self.acknowledged[number] = now
            self.slowest = max(self.slowest, now - began)
        else:
            self.refused += 1


async def _posted(port: int, target: str, body: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(wire.post(target, body, connection="close"))
        answer = await wire.read_message(reader)
        return 0 if answer is None else answer.status
    finally:
        writer.close()


class World:
    """Machines around brokers, a load, and a server that counts what arrives. notes: what was done when."""

    def __init__(self, folder: Path, brokers: Sequence[Broker], sink: Sink, *, spool: bool = False) -> None:
        self.sink = sink
        names = ", ".join(f'"{each.address}"' for each in brokers)
        kafka = f'  kafka {{\n    brokers = [{names}]\n    topic   = "soak"\n  }}\n'
        self.receivers = [Machine(folder / f"r{n}", _receiver(kafka, spool=spool)) for n in range(3)]
        self.deliverers = [Machine(folder / f"d{n}", _deliverer(kafka, sink.url)) for n in range(3)]
        self.notes: list[str] = []
        self._began = time.monotonic()

    @property
    def machines(self) -> list[Machine]:
        """All of them."""
        return [*self.deliverers, *self.receivers]

    def note(self, words: str) -> None:
        """Remember when something was done."""
        self.notes.append(f"{time.monotonic() - self._began:.0f} s {words}")

    async def start(self) -> None:
        """Start all machines."""
        await asyncio.gather(*(each.start() for each in self.machines))
        self._began = time.monotonic()

    async def arrived(self, acknowledged: Callable[[], set[int]]) -> set[int]:
        """What is still missing when all has arrived, or at the end of patience."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            missing = acknowledged() - self.sink.taken
            if not missing or time.monotonic() > deadline:
                return missing
            await asyncio.sleep(0.1)

    async def stop(self) -> list[str]:
        """Stop all machines; returns what was wrong with them."""
        codes = await asyncio.gather(*(each.stop() for each in self.machines))
        faults = [f"a machine ended with {code}" for code in codes if code]
        for machine in self.machines:
            faults += [f"traceback in:\n{text}" for text in machine.logs if "Traceback" in text]
        return faults


def _receiver(kafka: str, *, spool: bool) -> str:
    first = "spool" if spool else "shared"
    text = f"""
pyroscope.receive_http "front" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = RECV
  }}
  forward_to = [alloypy.queue.{first}.receiver]
}}
alloypy.queue "shared" {{
  forward_to = []
{kafka}}}
"""
    if spool:
        text += 'alloypy.queue "spool" {\n  forward_to = [alloypy.queue.shared.receiver]\n'
        text += '  disk {\n    min_free = "0"\n  }\n}\n'
    return text


def _deliverer(kafka: str, url: str) -> str:
    return f"""
alloypy.queue "shared" {{
  forward_to = [pyroscope.write.out.receiver]
{kafka}}}
{_write(url)}"""


def _write(url: str) -> str:
    return f'pyroscope.write "out" {{\n  endpoint {{\n    url = "{url}"\n  }}\n}}\n'


def _alone(url: str) -> str:
    """A receiver with a queue on disk and no Kafka."""
    kept = "pyroscope.write.out.receiver"
    front = _receiver("", spool=True).partition("alloypy.queue")
    spool = f'alloypy.queue "spool" {{\n  forward_to = [{kept}]\n  disk {{\n    min_free = "0"\n  }}\n}}\n'
    return f"{front[0]}alloypy.queue.spool.receiver]\n}}\n{spool}{_write(url)}"


async def one(folder: Path, acknowledged: int, rate: float, pause: float) -> Outcome:
    """One broker; a deliverer, a receiver and it are killed, with pauses of so many seconds.

    Skips where there is no Java.
    """
    sink = Sink(random.Random(1))
    async with sink:
        broker = Broker(folder / "broker")
        with contextlib.ExitStack() as ends:
            ends.callback(broker.kill)
            await asyncio.to_thread(broker.start)
            world = World(folder, [broker], sink)
            ends.callback(_end, world)
            await world.start()
            load = Load([each.port for each in world.receivers], rate)
            sending = asyncio.create_task(load.run())
            await asyncio.sleep(pause)
            world.note("deliverer killed")
            world.deliverers[1].kill()
            await asyncio.sleep(pause)
            await world.deliverers[1].start()
            world.note("receiver killed")
            world.receivers[1].kill()
            await asyncio.sleep(pause / 2)
            await world.receivers[1].start()
            await asyncio.sleep(pause / 2)
            world.note("broker killed")
            broker.kill()
            await asyncio.sleep(pause / 2)
            await asyncio.to_thread(broker.start)
            back = time.monotonic()
            world.note("broker back")
            while len(load.acknowledged) < acknowledged or time.monotonic() - back < 2 * pause:
                await asyncio.sleep(0.1)
                if time.monotonic() - back > _PATIENCE:
                    break
            sending.cancel()
            await asyncio.wait([sending])
            missing = await world.arrived(lambda: set(load.acknowledged))
            return await _outcome(world, load, missing, acknowledged, back)


def _end(world: World) -> None:
    for machine in world.machines:
        if machine.running is not None:
            machine.kill()


async def _outcome(world: World, load: Load, missing: set[int], acknowledged: int, back: float) -> Outcome:
    sink = world.sink
    unknown = sum(each.metric("unknown_sends_total") for each in world.receivers)
    faults = await world.stop()
    acks = sorted(each for each in load.acknowledged.values() if each > back)
    arrivals = sorted(each for each in sink.at.values() if each > back)
    flows = max((each[0] - back for each in (acks, arrivals) if each), default=_PATIENCE)
    unsaid = len(sink.taken - load.acknowledged.keys())
    report = [
        f"{len(load.acknowledged)} acknowledged of {load.sent}, {load.refused} refused",
        f"lost {len(missing)}, twice {sink.twice}, delivered though not acknowledged {unsaid}",
        f"sends of unknown outcome {unknown:.0f}, slowest acknowledgement {load.slowest:.2f} s",
        f"sending and delivering work {flows:.1f} s after the broker is back",
        *world.notes,
    ]
    if missing:
        faults.append(f"lost: {sorted(missing)[:20]}")
    if sink.twice > IN_FLIGHT:
        faults.append(f"{sink.twice} came twice, more than the {IN_FLIGHT} that a deliverer has at a time")
    if len(load.acknowledged) < acknowledged:
        faults.append(f"only {len(load.acknowledged)} were acknowledged")
    missed = [f"recovery took {flows:.1f} s"] if flows > 30 else []
    return Outcome(report, faults, missed)


async def many(folder: Path, rounds: int, rate: float, *, spool: bool) -> Outcome:
    """Three brokers, each of which is killed in turn, so often.

    spool: receivers have a queue on disk in front, and one without Kafka is measured beside them.
    """
    sink = Sink(random.Random(1))
    async with sink:
        ports = [free_port() for _ in range(3)]
        brokers = [Broker(folder / f"broker{n}", number=n, peers=ports, modest=True) for n in (1, 2, 3)]
        with contextlib.ExitStack() as ends:
            for broker in brokers:
                ends.callback(broker.kill)
                broker.begin()
            for broker in brokers:
                await asyncio.to_thread(broker.wait)
            await asyncio.sleep(5)
            world = World(folder, brokers, sink, spool=spool)
            alone = Machine(folder / "alone", _alone(sink.url))
            ends.callback(_end, world)
            await world.start()
            loads = [Load([each.port for each in world.receivers], rate)]
            if spool:
                ends.callback(alone.kill)
                await alone.start()
                loads.append(Load([alone.port], rate / 3, first=1_000_000))
            sending = [asyncio.create_task(each.run()) for each in loads]
            await asyncio.sleep(10)  # the first ones wait for modules and connections
            slowest = await _kill_each(brokers, world, loads, rounds)
            back = time.monotonic()
            await asyncio.sleep(5)
            for task in sending:
                task.cancel()
            await asyncio.wait(sending)
            for load in loads[1:]:
                loads[0].add(load)
            loads[0].slowest = slowest[0]
            missing = await world.arrived(lambda: set(loads[0].acknowledged))
            outcome = await _outcome(world, loads[0], missing, 1, back)
    limit = max(0.5, 1.5 * slowest[1]) if spool else 10.0
    if slowest[0] >= limit:
        outcome.missed.append(f"slowest acknowledgement {slowest[0]:.1f} s, not {limit:.1f} s")
    return outcome


async def _kill_each(
    brokers: Sequence[Broker], world: World, loads: Sequence[Load], rounds: int
) -> list[float]:
    """Kill brokers in turn, and start them again; returns the slowest acknowledgement of each load."""
    slowest = [0.0 for _ in loads]
    for number in [*range(len(brokers))] * rounds:
        for load in loads:
            load.slowest = 0.0
        world.note(f"broker {number + 1} killed")
        brokers[number].kill()
        await asyncio.sleep(15)
        await asyncio.to_thread(brokers[number].start)
        await asyncio.sleep(20)
        found = [each.slowest for each in loads]
        beside = f", {found[1]:.2f} s on disk alone" if found[1:] else ""
        world.note(f"slowest acknowledgement since then {found[0]:.2f} s{beside}")
        slowest = list(map(max, slowest, found))
    return slowest


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py soak kafka", description="Long runs of queues in Kafka.")
    runs = parser.add_subparsers(required=True)
    single = runs.add_parser("one", help="one broker; it, a receiver and a deliverer are killed")
    single.add_argument("--acknowledged", type=int, default=5000)
    single.set_defaults(run=lambda given, folder: one(folder, given.acknowledged, 100, 8))
    several = runs.add_parser("many", help="three brokers; each is killed in turn")
    several.add_argument("--rounds", type=int, default=2)
    several.add_argument("--spool", type=int, default=0)
    several.set_defaults(run=lambda given, folder: many(folder, given.rounds, 60, spool=bool(given.spool)))
    return parser


def main() -> None:
    """Run one and print the report."""
    given = _parser().parse_args()
    report(partial(given.run, given))


if __name__ == "__main__":
    main()
