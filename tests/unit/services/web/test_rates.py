"""Rates between two looks, and which components belong together."""

from __future__ import annotations

import pytest

from alloypy.runtime.contract.component import Flow
from alloypy.runtime.contract.health import healthy
from alloypy.runtime.contract.options import Outline, Passage
from alloypy.services.web.pipelines import ALONE, pipelines
from alloypy.services.web.rates import PerSecond, Rates


class Counting:
    """A component whose counts are set, and a clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.flow: Flow | None = Flow("profiles", 0, 0, 0)
        self.rates = Rates(self.passages, lambda: self.now)

    def passages(self) -> list[Passage]:
        return [Passage("x", healthy(""), self.flow)]

    async def rate(self, at: float, entered: int, left: int = 0, lost: int = 0) -> PerSecond | None:
        self.now, self.flow = at, Flow("profiles", entered, left, lost)
        return (await self.rates.now())[1].get("x")


@pytest.mark.anyio
async def test_a_rate_needs_two_looks_that_are_a_second_apart() -> None:
    counting = Counting()
    assert await counting.rate(0.0, 100) is None
    assert await counting.rate(0.5, 110) is None
    assert await counting.rate(2.0, 300, 200, 10) == PerSecond(100.0, 100.0, 5.0)


@pytest.mark.anyio
async def test_rates_are_those_of_the_last_seconds() -> None:
    counting = Counting()
    for second in range(60):
        rate = await counting.rate(float(second), 10 * second if second < 30 else 300)
    assert rate == PerSecond(0.0, 0.0, 0.0)
    assert await counting.rate(1000.0, 300) is None


@pytest.mark.anyio
async def test_a_component_that_was_built_anew_has_no_rate_at_first() -> None:
    counting = Counting()
    await counting.rate(0.0, 100)
    assert await counting.rate(2.0, 5) is None
    counting.flow = None
    assert (await counting.rates.now())[1] == {}


def outline(name: str, *flow: str, module: str = "", modules: tuple[str, ...] = ()) -> Outline:
    return Outline(name, module, name, "", flow, modules, "")


def test_pipelines_are_named_for_where_data_enters() -> None:
    found = pipelines(
        [
            outline("write", modules=()),
            outline("relabel", "write"),
            outline("receive", "relabel"),
            outline("scrape", "relabel"),
            outline("file"),
            outline("other.receive", "other.write"),
            outline("other.write"),
        ]
    )
    assert {found[each] for each in ("write", "relabel", "receive", "scrape")} == {"receive and 1 more"}
    assert found["file"] == ALONE
    assert found["other.write"] == "other.receive"


def test_what_is_inside_a_module_belongs_to_the_pipeline_of_the_module() -> None:
    found = pipelines(
        [
            outline("write"),
            outline("m.x", "write", modules=("m.x",)),
            outline("receive", "m.x"),
            outline("relabel", module="m.x"),
            outline("foreach.f", modules=("foreach.f/a", "foreach.f/b")),
            outline("in", "out", module="foreach.f/a"),
            outline("out", module="foreach.f/a"),
            outline("in", module="foreach.f/b"),
        ]
    )
    assert found["m.x/relabel"] == found["write"] == found["receive"] == "receive"
    assert found["foreach.f/a/out"] == found["foreach.f/b/in"] == "foreach.f"
