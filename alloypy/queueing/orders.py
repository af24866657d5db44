"""Changes that people ask for: dead letters wait again, or records are dropped.

The process that has the queue open makes them. To another one they are handed as a line of JSON (`desk`).
"""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from alloypy.queueing.books import dropped
from alloypy.queueing.errors import QueueError
from alloypy.queueing.log import Log
from alloypy.queueing.spans import Spans

_AT_ONCE = 1000
"""How many records are changed before others have their turn."""

MOST_BYTES = 4 << 20
"""The longest line of an order: some 400,000 numbers."""


class Order(NamedTuple):
    """What to change.

    destination: "" = all. numbers: of records; none = all. waiting: whether to drop what waits, too.
    """

    action: Literal["replay", "drop"]
    destination: str = ""
    numbers: Collection[int] = ()
    waiting: bool = False

    def line(self) -> bytes:
        """As a line. Raises QueueError if it is longer than any process takes."""
        line = (
            json.dumps(self._replace(numbers=[*self.numbers])._asdict(), separators=(",", ":")).encode()
            + b"\n"
        )
        if len(line) > MOST_BYTES:
            raise QueueError(
                f"{len(self.numbers)} numbers are too many for one order: name fewer, or none for all"
            )
        return line


def read_order(line: bytes) -> Order:
    """The order on a line. Raises QueueError."""
    try:
        order = Order(**json.loads(line))
        numbers = frozenset(order.numbers)
        if not isinstance(order.destination, str) or not set(map(type, numbers)) <= {int}:
            raise TypeError("a name and numbers")
    except (ValueError, TypeError, RecursionError) as error:
        raise QueueError("the order cannot be read: use the same version of alloypy") from error
    if order.action not in ("replay", "drop"):
        raise QueueError(f"there is no order {order.action!r}: use the same version of alloypy")
    return order._replace(numbers=numbers)


def chosen(numbers: Collection[int], spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The parts of spans that have one of these numbers; all if there are none."""
    if not numbers:
        yield from spans
        return
    ordered = sorted(set(numbers))
    for first, last in spans:
        at, end = bisect_left(ordered, first), bisect_right(ordered, last)
        while at < end:
            begin = at
            while at + 1 < end and ordered[at + 1] == ordered[at] + 1:
                at += 1
            yield ordered[begin], ordered[at]
            at += 1


class Changeable(Log):
    """A log that obeys orders."""

    async def obey(self, order: Order) -> Mapping[str, int]:
        """Change what an order says; returns how many records have changed by destination.

        Raises QueueError.
        """
        if order.destination and order.destination not in self._books.done:
            raise QueueError(f"nothing is delivered to {order.destination} by this queue")
        names = [order.destination] if order.destination else list(self._books.done)
        if order.action == "replay":
            return await self._replayed(order, names)
        return {name: count for name in names if (count := await self._dropped(order, name))}

    async def _replayed(self, order: Order, names: Sequence[str]) -> Mapping[str, int]:
        letters = {name: await self._letters(order, name) for name in names}
        removed = [name for name, found in letters.items() if found and name not in self.destinations]
        if removed:
            raise QueueError(f"{removed[0]} is no destination any more: put it back into forward_to first")
        return {name: await self._all_replayed(name, found) for name, found in letters.items() if found}

    async def _all_replayed(self, name: str, letters: Sequence[int]) -> int:
        count = 0
        for first in range(0, len(letters), _AT_ONCE):
            count += self.replay(name, letters[first : first + _AT_ONCE])
            await asyncio.sleep(0)
        return count

    async def _dropped(self, order: Order, name: str) -> int:
        letters = await self._letters(order, name)
        count = await self._give_up(name, chosen(order.numbers, self._waiting(name))) if order.waiting else 0
        for first in range(0, len(letters), _AT_ONCE):
            count += await self.evict(name, letters[first : first + _AT_ONCE])
        return count

    async def _letters(self, order: Order, name: str) -> list[int]:
        letters = await self.dead_letters(name)
        wanted = frozenset(order.numbers)
        return [each for each in letters if each in wanted] if wanted else letters

    def _waiting(self, name: str) -> list[tuple[int, int]]:
        """The first and last numbers of what waits."""
        account = self._books.done[name].account
        return [*account.replayed, *account.in_files()]

    async def _give_up(self, name: str, spans: Iterable[tuple[int, int]]) -> int:
        """Drop what waits and is not being delivered, with the reason `removed`; returns how many."""
        account = self._books.done[name].account
        letters = [seq for first, last in account.replayed for seq in range(first, last + 1)]
        count = since = 0
        out = self._given_out(name)
        for first, last in spans:
            for at in range(first, last + 1, _AT_ONCE):
                end = min(last, at + _AT_ONCE - 1)
                for span in out.missing(at, end):
                    count += self._books.mark(account, dropped(*span, "removed"))
                since += end + 1 - at
                if since >= _AT_ONCE:
                    await asyncio.sleep(0)
                    since, out = 0, self._given_out(name)
        self._graves.forget(account, [seq for seq in letters if seq not in account.replayed])
        await self._books.cleaned()
        return count

    def _given_out(self, name: str) -> Spans:
        """The numbers of what is being delivered."""
        out = Spans()
        for seq in sorted(self.cursor(name).given_out) if name in self.destinations else ():
            out.add(seq, seq)
        return out
