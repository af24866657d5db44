"""`alloypy queue replay` and `drop`: change a queue, or let the process do it that has it open."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from alloypy.cli import exit_codes, streams
from alloypy.cli.commands.queue.listing import chosen
from alloypy.cli.commands.queue.words import tell, warn
from alloypy.cli.report import counted
from alloypy.queueing.looking import Look
from alloypy.queueing.orders import Changeable, Order, Outcome
from alloypy.queueing.orders import chosen as parts_of
from alloypy.queueing.settings import LogSettings

_KEEPING = LogSettings(max_size=1 << 62, max_age=0, min_free=0, dead_letter_size=1 << 62, dead_letter_age=0)
"""Settings with which opening a queue gives nothing up."""


_SHOWN_NUMBERS = 10


class Wanted(NamedTuple):
    """What to change. destination: "" = all. numbers: of records; none = all."""

    destination: str
    numbers: frozenset[int]


def replay(queue: Look, wanted: Wanted) -> int:
    """Let dead letters wait again. Raises QueueError and OSError."""
    found = [name for name in chosen(queue, wanted.destination) if _dead(queue, wanted, name)]
    removed = [name for name in found if queue.accounts[name].left is not None]
    total = 0
    for name in found:
        if name not in removed:
            count = _obeyed(queue, Order("replay", name, wanted.numbers)).changed.get(name, 0)
            tell(f"{name}: {counted(count, 'dead letter')} {'waits' if count == 1 else 'wait'} again")
            total += count
    for name in removed:
        streams.fault(f"{name} is no destination any more: put it into forward_to to replay its dead letters")
    if removed:
        return exit_codes.FAILURE
    return exit_codes.SUCCESS if total else _nothing("dead letters", wanted)


def drop(queue: Look, wanted: Wanted, *, only_dead: bool, is_sure: bool) -> int:
    """Drop what waits and dead letters, if that is sure; else say what that would be.

    Raises QueueError and OSError.
    """
    found: dict[str, tuple[list[tuple[int, int]], list[int]]] = {}
    for name in chosen(queue, wanted.destination):
        waiting = [] if only_dead else _waiting(queue, wanted, name)
        dead = _dead(queue, wanted, name)
        if waiting or dead:
            found[name] = waiting, dead
    if found and not is_sure:
        for name, (waiting, dead) in found.items():
            count = _count(waiting)
            waits = "waits" if count == 1 else "wait"
            tell(f"{name}: would delete {count} that {waits} and {counted(len(dead), 'dead letter')}")
        streams.fault("nothing was deleted: --yes deletes these for ever")
        return exit_codes.FAILURE
    order = Order("drop", wanted.destination, wanted.numbers, waiting=not only_dead)
    if not found:
        return _nothing("dead letters" if only_dead else "records", wanted)
    counts, staying = _obeyed(queue, order)
    for name in dict.fromkeys([*counts, *staying]):
        stay = "is being delivered and stays" if staying.get(name) == 1 else "are being delivered and stay"
        tell(
            f"{name}: {counts.get(name, 0)} deleted"
            + (f"; {staying[name]} {stay}" if name in staying else "")
        )
    if counts:
        return exit_codes.SUCCESS
    if staying:
        streams.fault("nothing was deleted: all of it is being delivered at this moment")
        return exit_codes.FAILURE
    return _nothing("dead letters" if only_dead else "records", wanted)


def _nothing(what: str, wanted: Wanted) -> int:
    """Say that there is nothing to change, which is a failure only if records were named."""
    whose = f" for {wanted.destination}" if wanted.destination else ""
    if not wanted.numbers:
        tell(f"there are no {what}{whose}")
        return exit_codes.SUCCESS
    numbers, more = sorted(wanted.numbers), len(wanted.numbers) - _SHOWN_NUMBERS
    which = f"{'number' if len(numbers) == 1 else 'numbers'} {', '.join(map(str, numbers[:_SHOWN_NUMBERS]))}"
    which += f" and {more} more" if more > 0 else ""
    streams.fault(f"there are no {what}{whose} with the {which}; `alloypy queue ls --records=20` lists some")
    return exit_codes.FAILURE


def _dead(queue: Look, wanted: Wanted, name: str) -> list[int]:
    letters = queue.letters(name)
    return [seq for seq in letters if seq in wanted.numbers] if wanted.numbers else letters


def _waiting(queue: Look, wanted: Wanted, name: str) -> list[tuple[int, int]]:
    """The spans that wait, also of dead letters that wait again."""
    spans = [*queue.spans(name), *queue.accounts[name].replayed]
    return [*parts_of(wanted.numbers, spans)]


def _count(spans: list[tuple[int, int]]) -> int:
    return sum(last - first + 1 for first, last in spans)


def _obeyed(queue: Look, order: Order) -> Outcome:
    """What has become of an order. Raises QueueError."""
    if queue.holder:
        from alloypy.queueing.desk import ask

        return ask(queue.directory, queue.holder, order)
    return asyncio.run(_changed(queue, order))


async def _changed(queue: Look, order: Order) -> Outcome:
    log = await Changeable.open(queue.path, settings=_KEEPING, destinations=None)
    for each in log.warnings:
        if each not in queue.warnings:
            warn(each)
    try:
        return await log.obey(order)
    finally:
        await log.close()
