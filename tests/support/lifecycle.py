"""Drives a component through its life cycle as the controller does, and checks that nothing is left."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alloypy.runtime.contract.component import Metrics, Registration
from alloypy.runtime.running.sockets import Claims, OwnedSockets, SocketBook
from tests.support.receiving import LogLines, component_options

_PATIENCE_SECONDS = 20.0


class Life:
    """One component from creation to end. exports: all exports that it has set."""

    def __init__(self, registration: Registration, arguments: Any, book: SocketBook, storage: Path) -> None:
        self.exports: list[Any] = []
        self.metrics = Metrics()
        self.log = LogLines()
        self._book = book
        self._update = Claims(book)
        self._sockets = OwnedSockets(self)
        logger = logging.Logger("lifecycle", logging.DEBUG)
        logger.addHandler(self.log)
        options = component_options(
            self.metrics,  # type: ignore[arg-type]
            logger,
            id=f"{registration.name}.test",
            set_exports=self.exports.append,
            sockets=self._sockets,
            storage=storage,
        )
        self.component = registration.component(options, arguments)
        self.task: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """The first step of a load; raises what the component raises."""
        claims = self._book.begin()
        try:
            with self._sockets.claiming(claims):
                await self.component.prepare()
        except BaseException:
            claims.drop()
            raise
        claims.commit()

    def start(self) -> asyncio.Task[None]:
        """Run it."""
        self.task = asyncio.create_task(self.component.run())
        return self.task

    async def settle(self) -> None:
        """Let what has begun make progress."""
        for _ in range(5):
            await asyncio.sleep(0)

    async def begin_update(self, arguments: Any) -> Any:
        """The first step of a reload; returns the new exports. `make_update` or `refuse_update` follows."""
        self._update = self._book.begin()
        try:
            with self._sockets.claiming(self._update):
                return await self.component.prepare_update(arguments)
        except BaseException:
            self._update.drop()
            raise

    async def make_update(self, arguments: Any) -> None:
        """The rest of a reload that succeeds."""
        await self.component.update(arguments)
        self._update.commit()

    def refuse_update(self) -> None:
        """The rest of a reload that another component has refused."""
        self._update.drop()

    async def take_back(self, arguments: Any, before: Any) -> None:
        """The rest of a reload that failed halfway through its changes. before: the old arguments."""
        refused = self._update
        await self.component.update(arguments)
        await self.begin_update(before)
        await self.make_update(before)
        refused.drop()

    async def update(self, arguments: Any) -> None:
        """A reload."""
        await self.begin_update(arguments)
        await self.make_update(arguments)

    async def stop(self, times: int = 1) -> None:
        """Cancel it `times` times, and wait until it ends."""
        if self.task is not None:
            for _ in range(times):
                self.task.cancel()
                await asyncio.sleep(0)
            await asyncio.wait([self.task])
            if not self.task.cancelled():
                assert self.task.exception() is None
        self._book.release(self)

    def give_up(self) -> None:
        """Release it after a refused load."""
        self._book.release(self)


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Fail if a task or a descriptor outlives the block."""
    before = set(asyncio.all_tasks()), _descriptors()
    yield
    end = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    while True:  # a closed connection goes away in a later turn of the loop
        gc.collect()
        await asyncio.sleep(0)
        after = set(asyncio.all_tasks()), _descriptors()
        left = after[0] - before[0], after[1] - before[1]
        if not any(left) or asyncio.get_running_loop().time() > end:
            break
        await asyncio.sleep(0.01)
    assert left == (set(), set()), left


def _descriptors() -> set[tuple[str, str]]:
    """Open descriptors and their targets, without the one that uvloop keeps in reserve."""
    found = set()
    for each in sorted(Path("/proc/self/fd").iterdir()):
        try:
            found.add((each.name, str(each.readlink())))
        except FileNotFoundError:  # the descriptor of this listing
            continue
    return {(number, what) for number, what in found if what != "/dev/null"}


@asynccontextmanager
async def living(registration: Registration, given: Any, folder: Path) -> AsyncIterator[Life]:
    """A component that runs while the block lasts."""
    life = Life(registration, given, SocketBook(), folder)
    await life.prepare()
    life.start()
    try:
        yield life
    finally:
        await life.stop()
