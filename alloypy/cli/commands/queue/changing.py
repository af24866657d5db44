"""`alloypy queue replay` and `drop`: change a queue that is stopped."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from alloypy.cli import exit_codes
from alloypy.cli.commands.queue.listing import chosen
from alloypy.queueing.errors import QueueError
from alloypy.queueing.log import Log
from alloypy.queueing.looking import Look
from alloypy.queueing.settings import LogSettings

_KEEPING = LogSettings(max_size=1 << 62, max_age=0, min_free=0, dead_letter_size=1 << 62, dead_letter_age=0)
"""Settings with which opening a queue gives nothing up."""


class Wanted(NamedTuple):
    """What to change. destination: "" = all. numbers: of records; none = all."""

    path: str
    destination: str
    numbers: list[int]


def replay(queue: Look, wanted: Wanted) -> int:
    """Let dead letters wait again. Raises QueueError and OSError."""
    _check_stopped(queue)
    names = [name for name in chosen(queue, wanted.destination) if _dead(queue, wanted, name)]
    if not names:
        return _nothing("dead letters", wanted)

    async def work(log: Log, name: str) -> int:
        return log.replay(name, _dead(queue, wanted, name))

    for name, count in asyncio.run(_changed(queue, wanted.path, names, work)).items():
        print(f"{name}: {count} dead letters wait again")
    return exit_codes.SUCCESS


def drop(queue: Look, wanted: Wanted, *, only_dead: bool, is_sure: bool) -> int:
    """Drop what waits and dead letters, if that is sure; else say what that would be.

    Raises QueueError and OSError.
    """
    _check_stopped(queue)
    found: dict[str, tuple[list[tuple[int, int]], list[int]]] = {}
    for name in chosen(queue, wanted.destination):
        waiting = [] if only_dead else _waiting(queue, wanted, name)
        dead = _dead(queue, wanted, name)
        if waiting or dead:
            found[name] = waiting, dead
    if not found:
        return _nothing("dead letters" if only_dead else "records", wanted)
    if not is_sure:
        for name, (waiting, dead) in found.items():
            print(f"{name}: {_count(waiting)} that wait and {len(dead)} dead letters")
        print("Error: nothing was deleted: --yes deletes these for ever", file=sys.stderr)
        return exit_codes.FAILURE

    async def work(log: Log, name: str) -> int:
        waiting, dead = found[name]
        return await log.give_up(name, waiting) + await log.evict(name, dead)

    for name, count in asyncio.run(_changed(queue, wanted.path, [*found], work)).items():
        print(f"{name}: {count} deleted")
    return exit_codes.SUCCESS


def _check_stopped(queue: Look) -> None:
    if queue.holder:
        raise QueueError(
            f"process {queue.holder} has {queue.directory} open, and only it may change the queue: stop that "
            "process first; `ls` and `show` work meanwhile"
        )


def _nothing(what: str, wanted: Wanted) -> int:
    numbers = f" with the numbers {', '.join(map(str, wanted.numbers))}" if wanted.numbers else ""
    print(
        f"Error: there are no such {what}{numbers}; `alloypy queue ls` lists what there is", file=sys.stderr
    )
    return exit_codes.FAILURE


def _dead(queue: Look, wanted: Wanted, name: str) -> list[int]:
    letters = queue.letters(name)
    return [seq for seq in letters if seq in wanted.numbers] if wanted.numbers else letters


def _waiting(queue: Look, wanted: Wanted, name: str) -> list[tuple[int, int]]:
    """The spans that wait, also of dead letters that wait again."""
    spans = [*queue.spans(name), *queue.accounts[name].replayed]
    if not wanted.numbers:
        return spans
    numbers = sorted(set(wanted.numbers))
    return [(seq, seq) for seq in numbers if any(first <= seq <= last for first, last in spans)]


def _count(spans: list[tuple[int, int]]) -> int:
    return sum(last - first + 1 for first, last in spans)


async def _changed(
    queue: Look, path: str, names: list[str], work: Callable[[Log, str], Awaitable[int]]
) -> dict[str, int]:
    """What `work` returns for each destination. Raises QueueError."""
    kept = [name for name, account in queue.accounts.items() if account.left is None]
    log = await Log.open(path, settings=_KEEPING, destinations=[*dict.fromkeys([*kept, *names])])
    try:
        return {name: await work(log, name) for name in names}
    finally:
        await log.close()
