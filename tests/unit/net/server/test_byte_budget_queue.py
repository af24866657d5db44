"""Large bodies come one after the other once much is held: the queue of the byte budget."""

from __future__ import annotations

import asyncio

import pytest

from alloypy.net.server.budget import ByteBudget, Claim
from tests.support.loops import both_event_loops

pytestmark = pytest.mark.anyio
anyio_backend = both_event_loops

NEVER = 3600.0


class Bodies:
    """Bodies that arrive whole as soon as their turn has come. came: their names, in that order."""

    def __init__(self, budget: ByteBudget) -> None:
        self.budget = budget
        self.came: list[str] = []
        self.refused: list[str] = []
        self.claims: dict[str, Claim] = {}
        self._changed = asyncio.Event()

    def begin(self, name: str, size: int, begun: int = 0) -> Claim:
        assert self.budget.take(begun)
        return self.claim(name, size, begun)

    def claim(self, name: str, size: int, begun: int) -> Claim:
        claim = self.budget.claim(size - begun, begun, lambda: self._arrive(name))
        self.claims[name] = claim
        if not claim.waits:
            self._arrive(name)
        return claim

    def leave(self, name: str) -> None:
        claim = self.claims[name]
        self.budget.settle(claim, claim.count)

    async def until(self, count: int) -> list[str]:
        """The bodies that came, once there are `count`."""
        while len(self.came) + len(self.refused) < count:
            self._changed.clear()
            await self._changed.wait()
        return self.came

    def _arrive(self, name: str) -> None:
        claim = self.claims[name]
        if self.budget.take(claim.count):
            self.came.append(name)
        else:
            self.refused.append(name)
        self.budget.settle(claim, claim.count)
        self._changed.set()


async def settled() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def is_clean(budget: ByteBudget) -> bool:
    """Whether nothing is held, promised or waiting, and no timer runs."""
    return (budget.held, budget.waiting, budget._promised, budget._held_in_queue, budget._timer) == (
        0,
        0,
        0,
        0,
        None,
    )


def test_the_mark_is_half_of_the_limit_and_at_most_192_mebibytes() -> None:
    assert ByteBudget(100).mark == 50
    assert ByteBudget(1 << 40).mark == 192 << 20
    assert ByteBudget(100, 30).mark == 30


async def test_beyond_the_mark_they_come_in_the_order_in_which_they_asked() -> None:
    budget = ByteBudget(1000, 100, NEVER)
    bodies = Bodies(budget)
    for name, size in (("a", 60), ("b", 40), ("c", 50), ("d", 1), ("e", 50)):
        bodies.begin(name, size)
    assert await bodies.until(2) == ["a", "b"]
    await settled()
    assert budget.waiting == 3  # also the one that would fit: there is no overtaking
    budget.give_back(40)
    await settled()
    assert bodies.came == ["a", "b"]
    budget.give_back(60)
    assert await bodies.until(4) == ["a", "b", "c", "d"]
    await settled()
    assert budget.waiting == 1
    budget.give_back(51)
    assert await bodies.until(5) == ["a", "b", "c", "d", "e"]
    budget.give_back(50)
    assert is_clean(budget)


async def test_what_is_promised_counts_before_it_is_taken() -> None:
    budget = ByteBudget(1000, 100, NEVER)
    first = budget.claim(60, 0, pytest.fail)
    second = budget.claim(60, 0, pytest.fail)
    assert (first.waits, second.waits, budget.held) == (False, True, 0)
    assert budget.take(20)
    budget.settle(first, 20)
    assert second.waits
    budget.settle(second, second.count)
    budget.settle(first, first.count)
    budget.give_back(20)
    assert is_clean(budget)


async def test_a_body_that_breaks_off_makes_room_for_the_next() -> None:
    budget = ByteBudget(1000, 100, NEVER)
    bodies = Bodies(budget)
    begun = budget.claim(90, 0, pytest.fail)
    for name in ("b", "c"):
        bodies.begin(name, 60)
    bodies.leave("b")
    assert budget.waiting == 1
    budget.settle(begun, 90)
    assert await bodies.until(1) == ["c"]
    budget.give_back(60)
    await settled()
    assert bodies.came == ["c"]
    assert is_clean(budget)


async def test_what_waits_with_a_part_received_does_not_keep_others_waiting() -> None:
    budget = ByteBudget(10_000, 100, NEVER)
    bodies = Bodies(budget)
    assert budget.take(90)
    for number in range(20):  # 200 bytes of parts: more than the mark
        bodies.begin(f"{number}", 60, 10)
    await settled()
    assert bodies.came == []
    budget.give_back(90)
    for number in range(20):
        assert await bodies.until(number + 1) == [f"{each}" for each in range(number + 1)]
        await settled()
        assert len(bodies.came) == number + 1
        budget.give_back(60)
    assert is_clean(budget)


async def test_parts_of_many_bodies_that_fill_the_mark_together_block_nobody() -> None:
    budget = ByteBudget(10_000, 100, NEVER)
    bodies = Bodies(budget)
    assert budget.take(20 * 10)
    for number in range(20):
        bodies.claim(f"{number}", 60, 10)
    for number in range(20):
        assert await bodies.until(number + 1) == [f"{each}" for each in range(number + 1)]
        await settled()
        assert len(bodies.came) == number + 1
        budget.give_back(60)
    assert is_clean(budget)


async def test_one_larger_than_the_mark_comes_when_little_else_is_held() -> None:
    budget = ByteBudget(1000, 100, NEVER)
    bodies = Bodies(budget)
    assert budget.take(50)
    bodies.begin("huge", 500, 10)
    bodies.begin("next", 20)
    await settled()
    assert bodies.came == []
    budget.give_back(40)
    assert await bodies.until(1) == ["huge"]
    await settled()
    assert bodies.came == ["huge"]
    budget.give_back(500)
    assert await bodies.until(2) == ["huge", "next"]
    budget.give_back(30)
    assert is_clean(budget)


async def test_patience_ends_and_then_only_the_limit_counts() -> None:
    budget = ByteBudget(200, 100, 0.02)
    bodies = Bodies(budget)
    for name in "abcd":
        bodies.begin(name, 80)
    await bodies.until(4)
    assert (bodies.came, bodies.refused) == (["a", "b"], ["c", "d"])
    assert budget._timer is None
    budget.give_back(160)
    assert is_clean(budget)


async def test_each_has_its_own_time_to_wait_with_one_timer() -> None:
    budget = ByteBudget(1000, 100, 0.02)
    bodies = Bodies(budget)
    for name in ("a", "b", "c"):
        bodies.begin(name, 100)
    timer = budget._timer
    budget._patience = NEVER
    late = bodies.begin("d", 100)
    assert budget._timer is timer is not None
    assert await bodies.until(3) == ["a", "b", "c"]
    await settled()
    assert late.waits
    assert budget._timer is not None
    bodies.leave("d")
    budget.give_back(300)
    assert is_clean(budget)


async def test_what_the_limit_does_not_allow_need_not_wait() -> None:
    budget = ByteBudget(200, 100, NEVER)
    bodies = Bodies(budget)
    bodies.begin("a", 100)
    bodies.begin("b", 50)
    bodies.begin("c", 150)
    await bodies.until(2)
    assert (bodies.came, bodies.refused, budget.waiting) == (["a"], ["c"], 1)
    bodies.leave("b")
    budget.give_back(100)
    assert is_clean(budget)


async def test_a_budget_outlives_an_event_loop() -> None:
    budget = ByteBudget(1000, 100, NEVER)

    async def wait_in_vain() -> None:
        budget.take(100)
        claim = budget.claim(60, 0, pytest.fail)
        assert budget._timer is not None
        budget.settle(claim, claim.count)
        budget.give_back(100)

    for _ in range(2):
        await asyncio.to_thread(asyncio.run, wait_in_vain())
    assert is_clean(budget)


# Turns that are lost


class Stalled:
    """A body of `size` bytes of which only the first `received` ever come. turns: how often its turn came."""

    def __init__(self, budget: ByteBudget, size: int, received: int) -> None:
        self.budget = budget
        self.size = size
        self.held = self.received = received
        self.turns = 0
        assert budget.take(received)
        self.claim = budget.claim(size - received, received, self._go_on, self._lose)
        if not self.claim.waits:
            self._go_on()

    def _go_on(self) -> None:
        self.turns += 1
        assert self.budget.take(self.claim.count)
        self.held = self.size
        self.budget.settle(self.claim, self.claim.count)

    def _lose(self) -> tuple[int, int]:
        self.held = self.received
        self.budget.give_back(self.size - self.received)
        return self.size - self.received, self.received

    async def leave(self) -> None:
        self.budget.end(self.claim)
        self.budget.give_back(self.held)
        await settled()


def let_pass(claim: Claim, seconds: float) -> None:
    claim.last -= seconds


async def test_an_upload_that_stalls_loses_the_turn_immediately_when_another_asks() -> None:
    budget = ByteBudget(1000, 100, NEVER)
    bodies = Bodies(budget)
    stalled = Stalled(budget, 80, 10)
    let_pass(stalled.claim, 2)
    bodies.begin("honest", 50)
    assert (bodies.came, stalled.claim.waits) == (["honest"], True)
    assert budget.held == 60
    budget.give_back(50)
    await settled()
    assert stalled.turns == 2
    await stalled.leave()
    assert is_clean(budget)


async def test_a_turn_is_lost_while_others_wait() -> None:
    budget = ByteBudget(1000, 100, NEVER)
    bodies = Bodies(budget)
    stalled = [Stalled(budget, 45, 5) for _ in range(3)]
    assert [each.claim.waits for each in stalled] == [False, False, True]
    for each in stalled[:2]:
        let_pass(each.claim, 0.95)
    bodies.begin("honest", 50)
    assert bodies.came == []
    assert await bodies.until(1) == ["honest"]
    assert stalled[2].turns == 1  # the one that waited longer came first
    budget.give_back(50)
    for each in stalled:
        await each.leave()
    assert is_clean(budget)


async def test_an_upload_that_makes_progress_keeps_the_turn() -> None:
    budget = ByteBudget(1 << 20, 100, NEVER)
    bodies = Bodies(budget)
    steady, dripping = (Stalled(budget, 45, 5) for _ in range(2))
    for each, came in ((steady, 16 << 10), (dripping, 1)):
        let_pass(each.claim, 2)
        budget.came(each.claim, came)
    bodies.begin("honest", 45)
    assert (bodies.came, steady.claim.waits, dripping.claim.waits) == (["honest"], False, True)
    budget.give_back(45)
    for each in (steady, dripping):
        await each.leave()
    assert is_clean(budget)


async def test_small_bodies_are_not_refused_for_those_that_stall() -> None:
    budget = ByteBudget(100, 100, NEVER)
    stalled = Stalled(budget, 80, 10)
    assert not budget.take(50)
    let_pass(stalled.claim, 2)
    assert budget.take(50)
    budget.give_back(50)
    await stalled.leave()
    assert is_clean(budget)
