"""Changes that people ask for: dead letters wait again, or records are dropped.

The process that has the queue open makes them. To another one they are handed as a line of JSON (`desk`).
"""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple

from alloypy.queueing.books import dropped
from alloypy.queueing.errors import QueueError
from alloypy.queueing.log import Log
from alloypy.queueing.marks import Account
from alloypy.queueing.reader import sizes
from alloypy.queueing.segments import Segment
from alloypy.queueing.spans import Spans
from alloypy.queueing.writer import SYNC_SECONDS

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


class Outcome(NamedTuple):
    """What has become of an order, in records by destination.

    changed: what it says. staying: those that it means and that were being delivered at that moment.
    """

    changed: Mapping[str, int]
    staying: Mapping[str, int]


class Changeable(Log):
    """A log that obeys orders."""

    async def obey(self, order: Order) -> Outcome:
        """Change what an order says. Raises QueueError."""
        if order.destination and order.destination not in self._books.done:
            raise QueueError(f"nothing is delivered to {order.destination} by this queue")
        names = [order.destination] if order.destination else list(self._books.done)
        if order.action == "replay":
            return Outcome(await self._replayed(order, names), {})
        counts = {name: await self._dropped(order, name) for name in names}
        return Outcome(
            {name: count for name, (count, _) in counts.items() if count},
            {name: staying for name, (_, staying) in counts.items() if staying},
        )

    async def _replayed(self, order: Order, names: Sequence[str]) -> Mapping[str, int]:
        letters = {name: await self._letters(order, name) for name in names}
        removed = [name for name, found in letters.items() if found and name not in self.destinations]
        if removed:
            raise QueueError(f"{removed[0]} is no destination any more: put it back into forward_to first")
        return {name: await self._all_replayed(name, found) for name, found in letters.items() if found}

    async def _all_replayed(self, name: str, letters: Sequence[int]) -> int:
        count = 0
        for first in range(0, len(letters), _AT_ONCE):
            if name not in self.destinations:  # taken out by a reload meanwhile
                break
            count += self.replay(name, letters[first : first + _AT_ONCE])
            await asyncio.sleep(0)
        return count

    async def _dropped(self, order: Order, name: str) -> tuple[int, int]:
        """How many are dropped for a destination, and how many stay."""
        letters = await self._letters(order, name)
        count, staying = await self._give_up(order, name) if order.waiting else (0, 0)
        for first in range(0, len(letters), _AT_ONCE):
            count += await self.evict(name, letters[first : first + _AT_ONCE])
        return count, staying

    async def _letters(self, order: Order, name: str) -> list[int]:
        letters = await self.dead_letters(name)
        wanted = frozenset(order.numbers)
        return [each for each in letters if each in wanted] if wanted else letters

    async def _give_up(self, order: Order, name: str) -> tuple[int, int]:
        """Drop what waits and is not being delivered, with the reason `removed`.

        Returns how many that are, and how many stay.
        """
        if name not in self._books.done:  # it has left, and nothing waits for it any more
            return 0, 0
        account = self._books.done[name].account
        letters = [seq for first, last in account.replayed for seq in range(first, last + 1)]
        count = staying = since = 0
        segment: Segment | None = None
        found: Mapping[int, int] = {}
        for first, last in chosen(order.numbers, [*account.replayed, *account.in_files()]):
            if first not in account.accounted and segment is not self.segment_holding(first):
                segment = self.segment_holding(first)
                is_left = segment is not None and self._goes_on(segment, order, name)
                found = await self._sizes(segment) if segment is not None and is_left else {}
            for at in range(first, last + 1, _AT_ONCE):
                end = min(last, at + _AT_ONCE - 1)
                gone, stay = self._give_up_span(name, account, at, end, found)
                count, staying, since = count + gone, staying + stay, since + end + 1 - at
                if since >= _AT_ONCE:
                    await asyncio.sleep(0)
                    since = 0
        self._graves.forget(account, [seq for seq in letters if seq not in account.replayed])
        await self._books.cleaned()
        return count, staying

    def _give_up_span(
        self, name: str, account: Account, first: int, last: int, found: Mapping[int, int]
    ) -> tuple[int, int]:
        """Drop some numbers; returns how many that are, and how many stay. found: the bytes of records."""
        out, count = Spans(), 0
        for seq in self._being_tried(name):
            if first <= seq <= last and account.is_waiting(seq):
                out.add(seq, seq)
        for span in out.missing(first, last):
            for begin, end in account.accounted.missing(*span):
                size = sum(found.get(seq, 0) for seq in range(begin, end + 1))
                count += self._books.mark(account, dropped(begin, end, "removed", size))
            if account.replayed.count:
                count += self._books.mark(account, dropped(*span, "removed"))
        if name in self.destinations:
            self.cursor(name).forget_dropped()
        return count, out.count

    def _being_tried(self, name: str) -> Sequence[int]:
        return self.cursor(name).being_tried if name in self.destinations else ()

    def _goes_on(self, segment: Segment, order: Order, name: str) -> bool:
        """Whether something of a file may wait after an order: then the bytes of what is dropped matter."""
        if order.numbers or segment is self._writer.open_segment:
            return True
        return any(segment.first <= seq <= segment.last for seq in self._being_tried(name))

    async def _sizes(self, segment: Segment) -> Mapping[int, int]:
        """The bytes of the records of a file, as far as they can be read."""
        try:
            return await self._threads.run(partial(sizes, self._disk, segment), SYNC_SECONDS, segment.path)
        except OSError:
            return {}
