"""How scraping goes: the debug information, and the component's health.

Source: docs/spec/PYROSCOPE.md, section 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, cast, overload

from alloypy.components.http_client import earlier_contents
from alloypy.components.pyroscope.scraping.loop import Loop, LoopHealth
from alloypy.components.pyroscope.scraping.pool import Pool
from alloypy.components.pyroscope.scraping.syncing import Bad
from alloypy.components.pyroscope.scraping.targets import Wanted
from alloypy.lang.brief import brief
from alloypy.lang.go.duration import Duration
from alloypy.schema.fields import attribute, block, export, exports

_NEVER = "0001-01-01T00:00:00Z"
_ERROR_CHARACTERS = 500


@exports
class TargetStatus:
    """One type of profile of one target."""

    job: str = export(doc="The argument `job_name`.")
    url: str = export(doc="Where it is scraped.")
    health: str = export(doc="How the last scrape went: up, down, or unknown before the first.")
    labels: Mapping[str, str] = export(doc="All labels of the target, private ones included.")
    last_error: str = attribute(default="", doc="Why the last scrape failed.")
    last_scrape: str = export(doc="When the last scrape began.")
    last_scrape_duration: Duration = attribute(default=Duration(0), doc="How long the last scrape took.")


@exports
class DebugInfo:
    """Everything that is scraped."""

    target: tuple[TargetStatus, ...] = block(default=(), doc="What is scraped, and how that goes.")


class Trouble(NamedTuple):
    """What is wrong. complete: whether nothing at all can be scraped."""

    text: str
    complete: bool


class _Moment(NamedTuple):
    """What is shown of a loop, as it is at one time."""

    wanted: Wanted
    health: LoopHealth
    error: str
    began: float
    seconds: float


class _Statuses(Sequence[TargetStatus]):
    """The state of all loops at one time; each status is made when it is looked at: most never are."""

    def __init__(self, loops: Iterable[Loop], job: str) -> None:
        self._job = job
        self._moments = [
            _Moment(loop.wanted, loop.health, loop.error, loop.began, loop.seconds) for loop in loops
        ]

    def __len__(self) -> int:
        return len(self._moments)

    @overload
    def __getitem__(self, index: int) -> TargetStatus: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[TargetStatus]: ...
    def __getitem__(self, index: int | slice) -> TargetStatus | Sequence[TargetStatus]:
        if isinstance(index, slice):
            return [_status(each, self._job) for each in self._moments[index]]
        return _status(self._moments[index], self._job)


def debug_info(pool: Pool, job: str) -> DebugInfo:
    """The state of all loops."""
    return DebugInfo(target=cast("tuple[TargetStatus, ...]", _Statuses(pool.loops.values(), job)))


def _status(moment: _Moment, job: str) -> TargetStatus:
    return TargetStatus(
        job=job,
        url=moment.wanted.url,
        health=moment.health.value,
        labels=moment.wanted.labels,
        last_error=moment.error,
        last_scrape=_time(moment.began),
        last_scrape_duration=Duration(round(moment.seconds * 1e9)),
    )


def _time(seconds: float) -> str:
    if not seconds:
        return _NEVER
    moment = datetime.fromtimestamp(seconds, UTC)
    fraction = f".{moment.microsecond:06}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def trouble(pool: Pool, bad: Bad, problems: Sequence[str]) -> Trouble | None:
    """What is wrong with targets and files; None if nothing is."""
    down, every = pool.healths[LoopHealth.DOWN], len(pool.loops)
    if not down and not bad.number and not problems:
        return None
    texts = []
    if down:
        error = brief(next(pool.last_errors(), ""), _ERROR_CHARACTERS)
        texts.append(f"{down} of {every} profiles cannot be scraped: {error}")
    if bad.number:
        texts.append(
            f"{bad.number} {'target is' if bad.number == 1 else 'targets are'} not valid: {bad.reason}"
        )
    if problems:
        texts.append(earlier_contents(problems))
    return Trouble("; ".join(texts), bool(down or bad.number) and down == every)
