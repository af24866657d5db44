"""Changes that people ask for: dead letters wait again, or records are dropped.

The process that has the queue open makes them. To another one they are handed as a line of JSON (`desk`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from alloypy.queueing.books import dropped
from alloypy.queueing.errors import QueueError
from alloypy.queueing.log import Log
from alloypy.queueing.spans import Spans

_AT_ONCE = 1000
"""How many records are changed before others have their turn."""


class Order(NamedTuple):
    """What to change.

    destination: "" = all. numbers: of records; none = all. waiting: whether to drop what waits, too.
    """

    action: Literal["replay", "drop"]
    destination: str = ""
    numbers: Sequence[int] = ()
    waiting: bool = False

    def line(self) -> bytes:
        """As a line."""
        return json.dumps(self._asdict()).encode() + b"\n"


def read_order(line: bytes) -> Order:
    """The order on a line. Raises QueueError."""
    try:
        order = Order(**json.loads(line))
        numbers = list(map(int, order.numbers))
    except (ValueError, TypeError) as error:
        raise QueueError("the order cannot be read: use the same version of alloypy") from error
    if order.action not in ("replay", "drop"):
        raise QueueError(f"there is no order {order.action!r}: use the same version of alloypy")
    return order._replace(numbers=numbers)


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
        count = await self._give_up(name, _chosen(order, self._waiting(name))) if order.waiting else 0
        for first in range(0, len(letters), _AT_ONCE):
            count += await self.evict(name, letters[first : first + _AT_ONCE])
        return count

    async def _letters(self, order: Order, name: str) -> list[int]:
        letters = await self.dead_letters(name)
        return [each for each in letters if each in order.numbers] if order.numbers else letters

    def _waiting(self, name: str) -> list[tuple[int, int]]:
        """The first and last numbers of what waits."""
        account = self._books.done[name].account
        return [*account.replayed, *account.in_files()]

    async def _give_up(self, name: str, spans: Iterable[tuple[int, int]]) -> int:
        """Drop what waits and is not being delivered, with the reason `removed`; returns how many."""
        account = self._books.done[name].account
        letters = [seq for first, last in account.replayed for seq in range(first, last + 1)]
        count = 0
        for first, last in spans:
            for at in range(first, last + 1, _AT_ONCE):
                for span in self._given_out(name).missing(at, min(last, at + _AT_ONCE - 1)):
                    count += self._books.mark(account, dropped(*span, "removed"))
                await asyncio.sleep(0)
        self._graves.forget(account, [seq for seq in letters if seq not in account.replayed])
        await self._books.cleaned()
        return count

    def _given_out(self, name: str) -> Spans:
        """The numbers of what is being delivered."""
        out = Spans()
        for seq in sorted(self.cursor(name).given_out) if name in self.destinations else ():
            out.add(seq, seq)
        return out


def _chosen(order: Order, spans: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    if not order.numbers:
        return spans
    numbers = sorted(set(order.numbers))
    return [(seq, seq) for seq in numbers if any(first <= seq <= last for first, last in spans)]
