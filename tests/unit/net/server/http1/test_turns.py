"""How connections share the turns of the event loop."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial

import pytest

from alloypy.net.server.http1.turns import PER_TURN, PER_VISIT, turns_of

pytestmark = pytest.mark.anyio


async def test_a_turn_takes_no_longer_however_many_wait_and_all_get_on() -> None:
    turns = turns_of(asyncio.get_running_loop())
    wanted = Counter(dict.fromkeys(range(100), 3 * PER_VISIT + 1))
    visited: list[int] = []
    spent = 0

    def visit(number: int) -> None:
        nonlocal spent
        steps = min(turns.steps, wanted[number])
        assert 0 < steps <= PER_VISIT
        wanted[number] -= steps
        spent += steps
        visited.append(number)
        turns.spend(steps)
        if wanted[number]:
            turns.wait(partial(visit, number))

    for number in wanted:
        turns.wait(partial(visit, number))
    total, passed = sum(wanted.values()), 0
    while +wanted:
        before = spent
        await asyncio.sleep(0)
        passed += 1
        assert 0 < spent - before <= PER_TURN
    assert passed <= total // PER_TURN + 2
    for first in range(0, 300, 100):
        assert visited[first : first + 100] == list(range(100))


async def test_what_is_used_up_in_a_turn_is_there_again_in_the_next() -> None:
    turns = turns_of(asyncio.get_running_loop())
    turns.spend(PER_TURN)
    assert turns.steps == 0
    await asyncio.sleep(0)
    assert turns.steps == PER_VISIT


async def test_a_failing_one_keeps_nobody_else_waiting() -> None:
    loop = asyncio.get_running_loop()
    turns = turns_of(loop)
    told: list[object] = []
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
    done: list[str] = []

    def fail() -> None:
        raise ValueError

    turns.wait(fail)
    turns.wait(lambda: done.append("second"))
    for _ in range(3):
        await asyncio.sleep(0)
    assert done == ["second"]
    assert len(told) == 1
