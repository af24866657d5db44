"""The threads of the language server: what goes first, what stands still, what is given up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.check.configuration import Context, check_files
from alloypy.check.modules.imports import Files, Location
from alloypy.graph.admission import Gate
from alloypy.lsp.wire.urgent import Urgent
from alloypy.lsp.wire.worker import Urgency, Worker
from alloypy.lsp.workspace.interrupting import Interrupted, pause
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source

PATIENCE = 30.0


@contextmanager
def worker_with(urgent: Urgent) -> Iterator[Worker]:
    worker = Worker(urgent, lambda: None)
    try:
        yield worker
    finally:
        worker.stop(PATIENCE)


def test_a_request_does_not_wait_for_a_check() -> None:
    answered = threading.Event()

    async def both() -> bool:
        with worker_with(Urgent()) as worker:
            check = asyncio.ensure_future(worker.run(Urgency.DIAGNOSTICS, answered.wait, PATIENCE))
            await worker.run(Urgency.REQUEST, answered.set)
            return await check

    assert asyncio.run(both())


def test_a_check_stands_still_while_a_message_is_handled_but_not_for_ever() -> None:
    urgent = Urgent()
    steps: list[str] = []

    def check() -> None:
        steps.append("begun")
        pause()
        steps.append("went on")

    async def run() -> None:
        with worker_with(urgent) as worker:
            urgent.begin()
            task = asyncio.ensure_future(worker.run(Urgency.DIAGNOSTICS, check))
            while not steps:
                await asyncio.sleep(0.001)
            urgent.end()
            await task
            urgent.begin()  # and never ends
            await worker.run(Urgency.DIAGNOSTICS, check)

    asyncio.run(asyncio.wait_for(run(), PATIENCE))
    assert steps == ["begun", "went on"] * 2


def test_a_check_that_nobody_wants_ends_at_its_next_step() -> None:
    begun, ended = threading.Event(), threading.Event()

    def check() -> None:
        begun.set()
        try:
            while True:
                pause()
        except Interrupted:
            ended.set()
            raise

    async def run() -> None:
        with worker_with(Urgent()) as worker:
            task = asyncio.ensure_future(worker.run(Urgency.DIAGNOSTICS, check))
            await asyncio.to_thread(begun.wait, PATIENCE)
            task.cancel()
            assert await asyncio.to_thread(ended.wait, PATIENCE)
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())


def test_a_check_can_be_ended_between_any_two_of_its_steps() -> None:
    text = b"\n".join(
        b'declare "d%d" {\n\tprometheus.echo "e" {}\n\tdiscovery.relabel "r" { targets = [] }\n}\nd%d "x" {}'
        % (n, n)
        for n in range(3)
    )
    steps = 0

    def until(last: int) -> bool:
        """Whether the check ends early, if its step of that number raises."""
        nonlocal steps
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1
            if steps == last:
                raise Interrupted

        files = Files(lambda path: None, ".", lambda path: Location(path, "."))
        context = Context({}, files, pause=step)
        try:
            check_files([parse_file(Source("a.alloy", text))], load_catalog(), Gate(), context)
        except Interrupted:
            return True
        return False

    assert not until(0)
    every = steps
    assert every > 3 * 6  # once for each block by each of two passes
    assert all(until(last) for last in range(1, every + 1))
