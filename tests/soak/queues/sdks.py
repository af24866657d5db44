"""The four real SDKs send to a queue that is killed every few seconds.

Between them and the queue, a tap notes each request and its answer. What was acknowledged has arrived at the
destination, byte for byte.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from alloypy.profiles.pb import push_pb2
from tests.soak import wire
from tests.soak.backend import Backend
from tests.soak.queues.base import IN_FLIGHT, Outcome, Process, drained, lawless
from tests.support.queue_law import Law
from tests.support.running import environment
from tests.support.sdks import HAS_PYTHON, PYTHON, SDKS, Missing

_END_SECONDS = 60.0
_KEY_BYTES = 64


def profiles(message: wire.Message) -> Iterator[str]:
    """What identifies the profiles of a request: times may be put before those of a Push."""
    if "/ingest" in message.start:
        yield hashlib.sha256(message.body).hexdigest()
        return
    for series in push_pb2.PushRequest.FromString(wire.unpacked(message)).series:
        for sample in series.samples:
            yield hashlib.sha256(sample.raw_profile[-_KEY_BYTES:]).hexdigest()


class Destination(Backend):
    """Takes everything. arrived: how often each profile has."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(chance)
        self.arrived: Counter[str] = Counter()

    def take(self, request: wire.Message) -> None:
        """Count the profiles of a request."""
        self.arrived.update(profiles(request))


class Tap:
    """Passes requests on to a port. By SDK: sent, and acknowledged, and how often that failed."""

    def __init__(self, port: int) -> None:
        self.sent: Counter[str] = Counter()
        self.acknowledged: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self._port = port

    @contextlib.asynccontextmanager
    async def listening(self, name: str) -> AsyncIterator[str]:
        """The URL for an SDK."""
        tasks: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await self._serve(name, reader, writer)
            finally:
                tasks.discard(task)
                writer.transport.abort()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 24)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError, ValueError, asyncio.CancelledError):
            while (request := await wire.read_message(reader)) is not None:
                found = list(profiles(request))
                self.sent.update(found)
                try:
                    answer = await self._passed_on(request)
                except (OSError, EOFError, ValueError):
                    answer = None
                status = answer.status if answer is not None else 0
                self.answers[f"{name}: {status or 'broken off'}"] += 1
                if answer is None:
                    return
                if status == 200:
                    self.acknowledged.update(found)
                writer.write(_answer(answer))
                await writer.drain()

    async def _passed_on(self, request: wire.Message) -> wire.Message | None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            method, target, _ = request.start.split(" ", 2)
            assert method == "POST", request.start
            headers = {
                key: value for key, value in request.headers.items() if key not in wire.OF_ONE_CONNECTION
            }
            headers["content-length"] = str(len(request.body))
            writer.write(wire.post(target, request.body, **headers))
            return await wire.read_message(reader)
        finally:
            writer.transport.abort()


def _answer(answer: wire.Message) -> bytes:
    headers = {key: value for key, value in answer.headers.items() if key not in wire.OF_ONE_CONNECTION}
    headers["content-length"] = str(len(answer.body))
    lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    return f"{answer.start}\r\n{lines}\r\n".encode() + answer.body


async def soak(seconds: float, every: float, seed: int, folder: Path) -> Outcome:
    """All SDKs that can be built here, for so long, with a kill every so many seconds."""
    built, report = [], []
    for sdk in [*([PYTHON] if HAS_PYTHON else []), *SDKS]:
        try:
            built.append((sdk, await asyncio.to_thread(sdk.built, folder)))
        except Missing as reason:
            report.append(f"without {sdk.name}: {reason}")
    kills, ends = 0, {}
    async with Destination(random.Random(seed)) as destination, contextlib.AsyncExitStack() as stack:
        assert isinstance(destination, Destination)
        process = Process(folder, {"out": destination.url})
        tap = Tap(process.port)
        running = process.started()
        drivers = {}
        try:
            await process.ready(running, time.monotonic())
            for sdk, where in built:
                url = await stack.enter_async_context(tap.listening(sdk.name))
                drivers[sdk.name] = await asyncio.create_subprocess_exec(
                    *sdk.run,
                    url,
                    str(seconds),
                    cwd=where,
                    env=environment(),
                    stderr=asyncio.subprocess.DEVNULL,
                )
            deadline = time.monotonic() + seconds
            while time.monotonic() + every < deadline:
                await asyncio.sleep(every)
                with running:
                    running.process.kill()
                kills += 1
                running = process.started()
                await process.ready(running, time.monotonic())
            async with asyncio.timeout(seconds + _END_SECONDS):
                for name, driver in drivers.items():
                    ends[name] = await driver.wait()
            found = await drained(running)
            code = await asyncio.to_thread(running.stop)
        finally:
            with running:
                pass
            for driver in drivers.values():
                if driver.returncode is None:
                    driver.kill()
                    await driver.wait()
    report += _report(tap, destination, kills, found, ends)
    report.append(process.starts_report())
    faults = [*process.faults, *_faults(tap, destination, kills, found)]
    if code or "Traceback" in running.text:
        faults.append(f"the last run ended with {code}:\n{running.text}")
    if not built:
        faults.append("no SDK can be built here")
    return Outcome(report, faults, [f"{name} ended with {end}" for name, end in ends.items() if end])


def _report(
    tap: Tap, destination: Destination, kills: int, found: dict[str, Law], ends: dict[str, int]
) -> list[str]:
    lost = (tap.acknowledged - destination.arrived).total()
    twice = (destination.arrived - tap.sent).total()
    acknowledged, sent = tap.acknowledged.total(), tap.sent.total()
    return [
        f"{sent} sent by {', '.join(ends)}, {acknowledged} acknowledged, {lost} lost",
        f"{kills} kills, {twice} arrived twice",
        f"counts: {found}",
        "answers: " + ", ".join(f"{name} x{count}" for name, count in sorted(tap.answers.items())),
    ]


def _faults(tap: Tap, destination: Destination, kills: int, found: dict[str, Law]) -> list[str]:
    faults = lawless(found, tap.acknowledged.total())
    lost = tap.acknowledged - destination.arrived
    if lost:
        faults.append(f"{lost.total()} lost")
    if foreign := destination.arrived.keys() - tap.sent.keys():
        faults.append(f"{len(foreign)} arrived that nobody has sent")
    if (destination.arrived - tap.sent).total() > kills * IN_FLIGHT:
        faults.append(f"too many arrived twice: {(destination.arrived - tap.sent).total()}")
    if any(each.dropped or each.dead for each in found.values()):
        faults.append(f"profiles were given up: {found}")
    if not tap.acknowledged:
        faults.append("nothing was acknowledged")
    return faults
