"""What is found in configurations, kept until something changes that it depends on.

A check that runs when a text changes that it has read ends: its result would be about an older text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from alloypy.lsp.features.diagnostics import Judgement, is_current, judge, looked_at, units_of
from alloypy.lsp.wire.worker import Urgency

if TYPE_CHECKING:
    from alloypy.lsp.wire.server import Server
    from alloypy.lsp.workspace.workspace import Workspace


class Moment(NamedTuple):
    """The texts as they were. number: how many changes there had been."""

    texts: Workspace
    number: int


class _Running:
    """A check that runs, and those that wait for it.

    read: what it has looked at so far. changed: the texts that have changed meanwhile.
    """

    def __init__(self, files: tuple[str, ...], changed: set[str]) -> None:
        self.files = files
        self.read = set(files)
        self.changed = changed
        self.waiting = 0
        self.done: asyncio.Future[Judgement | None] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[Judgement] | None = None

    @property
    def ends(self) -> bool:
        """Whether it is over, or was given up."""
        return self.task is not None and (self.task.done() or self.task.cancelling() > 0)

    def end(self) -> None:
        """Give the check up."""
        if self.task is not None:
            self.task.cancel()


class Judgements:
    """Judgements by the name of their configuration. Only the loop's thread calls the methods."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._kept: dict[str, Judgement] = {}
        self._running: dict[str, _Running] = {}
        self._number = 0
        self._changed: dict[str, int] = {}

    def __iter__(self) -> Iterator[Judgement]:
        return iter(self._kept.values())

    def text_changed(self, path: str) -> None:
        """Forget what depends on a text, and end the checks that have read it."""
        self._number += 1
        self._changed[path] = self._number
        for name, each in list(self._kept.items()):
            if each.looked_at(path):
                del self._kept[name]
        for running in self._running.values():
            running.changed.add(path)
            if looked_at(path, running.read):
                running.end()

    def now(self) -> Moment:
        """The texts as they are."""
        return Moment(self._server.texts.frozen(), self._number)

    async def units(self, moment: Moment, paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The configurations of texts. What is kept of them is forgotten if it is not true any more."""
        kept = dict(self._kept)
        work = self._server.worker.run(Urgency.DIAGNOSTICS, _looked_up, moment.texts, list(paths), kept)
        units, outdated = await work
        for name in outdated:
            if self._kept.get(name) is kept[name]:
                del self._kept[name]
        return units

    def keep(self, units: dict[str, tuple[str, ...]]) -> None:
        """Forget all other configurations."""
        self._kept = {name: each for name, each in self._kept.items() if units.get(name) == each.files}

    async def judged(self, moment: Moment, name: str, files: tuple[str, ...]) -> Judgement | None:
        """The judgement of a configuration; None if a text that it depends on has changed since the moment.

        Those who ask for the same share one check, which ends when nobody waits for it any more.
        """
        kept = self._kept.get(name)
        if kept is not None and kept.files == files:
            return kept
        running = self._running.get(name)
        if running is None or running.files != files or running.ends:
            changed = {path for path, number in self._changed.items() if number > moment.number}
            if not changed.isdisjoint(files):
                return None
            running = self._running[name] = _Running(files, changed)
            work = self._server.worker.run(
                Urgency.DIAGNOSTICS, judge, moment.texts, name, files, running.read
            )
            running.task = asyncio.ensure_future(work)
            running.task.add_done_callback(partial(self._finished, name, running))
        running.waiting += 1
        try:
            return await asyncio.shield(running.done)
        finally:
            running.waiting -= 1
            if not running.waiting:
                running.end()

    def _finished(self, name: str, running: _Running, task: asyncio.Task[Judgement]) -> None:
        if self._running.get(name) is running:
            del self._running[name]
        error = None if task.cancelled() else task.exception()
        if error is not None:
            running.done.set_exception(error)
            return
        found = None if task.cancelled() else task.result()
        if found is not None and any(map(found.looked_at, running.changed)):
            found = None
        if found is not None:
            self._kept[name] = found
        running.done.set_result(found)


def _looked_up(
    texts: Workspace, paths: list[str], kept: dict[str, Judgement]
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The configurations of texts, and the names of those whose judgements are not true any more."""
    return units_of(texts, paths), [name for name, each in kept.items() if not is_current(texts, each)]
