import asyncio

import pytest

from alloypy.services.admin.messages import Answer, text
from alloypy.services.admin.shared_answers import SharedAnswers

pytestmark = pytest.mark.anyio


class Making:
    """Makes answers that say how many were made before, and records how many are made at the same time."""

    def __init__(self) -> None:
        self.made = 0
        self.at_once = 0
        self.most = 0

    async def answer(self) -> Answer:
        self.made += 1
        number = self.made
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0.01)
        self.at_once -= 1
        return text(200, str(number))


async def test_all_who_wait_share_one_answer_begun_after_they_asked() -> None:
    shared, making = SharedAnswers(), Making()
    first = asyncio.create_task(shared.get("/metrics", making.answer))
    while not making.at_once:
        await asyncio.sleep(0)
    later = await asyncio.gather(*(shared.get("/metrics", making.answer) for _ in range(300)))
    assert (await first).body == b"1"
    assert {each.body for each in later} == {b"2"}


async def test_different_answers_are_made_one_after_the_other() -> None:
    shared, making = SharedAnswers(), Making()
    answers = await asyncio.gather(*(shared.get(f"/{number}", making.answer) for number in range(5)))
    assert [each.body for each in answers] == [b"1", b"2", b"3", b"4", b"5"]
    assert making.most == 1


async def test_a_client_that_leaves_does_not_take_the_answer_from_others() -> None:
    shared, making = SharedAnswers(), Making()
    leaving, staying = (asyncio.create_task(shared.get("/", making.answer)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).body == b"1"


async def test_a_fault_reaches_all_and_the_next_answer_is_made_anyway() -> None:
    async def fail() -> Answer:
        raise KeyError("no")

    shared = SharedAnswers()
    found = await asyncio.gather(*(shared.get("/", fail) for _ in range(2)), return_exceptions=True)
    assert [type(each) for each in found] == [KeyError, KeyError]
    assert (await shared.get("/", Making().answer)).body == b"1"


async def test_it_is_handed_out_to_one_after_the_other() -> None:
    shared, making = SharedAnswers(), Making()
    turns = 0

    async def go_on() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def ask() -> int:
        await shared.get("/metrics", making.answer)
        return turns

    other = asyncio.create_task(go_on())
    when = await asyncio.gather(*(ask() for _ in range(100)))
    other.cancel()
    assert len(set(when)) == 100
