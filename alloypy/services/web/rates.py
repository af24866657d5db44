"""How much passes through each component, from two looks at what the components count anyway."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from alloypy.runtime.contract.component import Flow
from alloypy.runtime.contract.options import Passage
from alloypy.runtime.pace import Pace

_SHORTEST_SECONDS = 1.0
_LONGEST_SECONDS = 15.0


class PerSecond(NamedTuple):
    """Profiles or requests per second."""

    entered: float
    left: float
    lost: float


_NONE = PerSecond(0.0, 0.0, 0.0)


class _Look(NamedTuple):
    at: float
    flows: Mapping[str, Flow]


class Seen(NamedTuple):
    """The components at one moment. last: what they had counted. before: the same earlier, if known."""

    passages: Sequence[Passage]
    last: _Look
    before: _Look | None

    def rates(self) -> Mapping[str, PerSecond]:
        """Rates by id; none if it is not known what was counted before."""
        if self.before is None:
            return {}
        found = {}
        for each, flow in self.last.flows.items():
            rate = _rate(self.before.flows.get(each), flow, self.last.at - self.before.at)
            if rate is not None:
                found[each] = rate
        return found


class Rates:
    """Rates over the last seconds in which a page was open. passages: looks at the components one by one."""

    def __init__(
        self, passages: Callable[[], Iterable[Passage]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._passages = passages
        self._clock = clock
        self._looks: deque[_Look] = deque()

    async def now(self) -> tuple[Sequence[Passage], Mapping[str, PerSecond]]:
        """The components as they are, and rates by id; none after a long time without a look."""
        seen = await self.look()
        return seen.passages, seen.rates()

    async def look(self) -> Seen:
        """The components as they are. Other tasks may run while there are many to look at."""
        now = self._clock()
        pace, passages = Pace(), []
        for passage in self._passages():
            passages.append(passage)
            await pace.breathe()
        looks = self._looks
        while looks and now - looks[0].at > _LONGEST_SECONDS:
            looks.popleft()
        before = next((each for each in looks if now - each.at >= _SHORTEST_SECONDS), None)
        last = _Look(now, {each.id: each.flow for each in passages if each.flow is not None})
        if not looks or now - looks[-1].at >= _SHORTEST_SECONDS:
            looks.append(last)
        return Seen(passages, last, before)


def _rate(before: Flow | None, now: Flow, seconds: float) -> PerSecond | None:
    """The rate between two looks; None if the component has been built anew in between."""
    if before is None or now.entered < before.entered:
        return None
    if now == before:  # as of most components of a long list
        return _NONE
    differences = (now.entered - before.entered, now.left - before.left, now.lost - before.lost)
    return PerSecond(*(max(0.0, round(each / seconds, 3)) for each in differences))
