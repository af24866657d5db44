"""From the arguments' targets to what is scraped: duplicates, shares of a cluster, bad targets.

Source: docs/spec/PYROSCOPE.md, section 8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

from alloypy.components.pyroscope.scraping.arguments import Arguments
from alloypy.components.pyroscope.scraping.pool import Pool
from alloypy.components.pyroscope.scraping.targets import BadTarget, Recipe, Wanted, sharing_key
from alloypy.lang.targets import Target
from alloypy.net.descriptors import limit
from alloypy.runtime.contract.component import Options
from alloypy.runtime.pace import Pace

_MOST_LOGGED = 5
_OTHER_FILES = 200
"""Files, besides those of scrapes, that may be open: connections of clients and to servers, logs, modules."""

_NO_LABELS_HASH = 17241709254077376921
"""What Alloy calls the group of targets that share no labels."""


class Bad(NamedTuple):
    """Targets of which nothing is scraped. number: how many; reason: why the first one is not."""

    number: int = 0
    reason: str = ""


NONE_BAD = Bad()

_Owner: TypeAlias = Callable[[bytes], bool]


class _Known(NamedTuple):
    """What has been worked out for a target. key: decides on duplicates and shares."""

    key: bytes
    wanted: Sequence[Wanted]
    fault: str


class Syncing:
    """Works out what is to be scraped, and remembers it for targets that stay."""

    def __init__(self, options: Options, arguments: Arguments) -> None:
        self._options = options
        self._arguments = arguments
        self._recipe = Recipe(arguments)
        self._known: dict[Target, _Known] = {}
        self.bad = NONE_BAD
        self._warned_of = 0

    def use(self, arguments: Arguments) -> None:
        """Follow new arguments from the next time on."""
        if not _alike(arguments, self._arguments):
            self._known = {}
        self._arguments = arguments
        self._recipe = Recipe(arguments)

    async def into(self, pool: Pool) -> None:
        """Have the pool scrape what the current targets want."""
        logger = self._options.logger
        logger.info("syncing target groups", extra={"fields": {"job": self._arguments.job_name}})
        found = await self._find()
        self._warn_of_limit(len(found))
        await pool.keep(found)

    def _warn_of_limit(self, profiles: int) -> None:
        """Say if scraping all profiles at the same time takes more open files than are allowed."""
        needed = profiles + _OTHER_FILES
        if needed > limit() and profiles > self._warned_of:
            self._warned_of = profiles
            fields = {"profiles": profiles, "needed": needed, "limit": limit()}
            self._options.logger.warning(
                "too few files may be open to scrape all targets at the same time: raise the hard limit "
                "(ulimit -Hn, LimitNOFILE= of systemd)",
                extra={"fields": fields},
            )

    async def _find(self) -> dict[bytes, Wanted]:
        """What to scrape, by identity; of what differs only in private labels, the first one."""
        arguments, recipe, pace = self._arguments, self._recipe, Pace()
        owns = self._owner()
        known: dict[Target, _Known] = {}
        found: dict[bytes, Wanted] = {}
        seen: set[bytes] = set()
        numbers: dict[int, int] = {}
        bad: list[tuple[str, str]] = []
        for target in arguments.targets:
            entry = known.get(target) or self._known.get(target) or _work_out(recipe, target)
            known[target] = entry
            if entry.key not in seen and owns(entry.key):
                seen.add(entry.key)
                number = numbers.get(id(target.group), 0)
                numbers[id(target.group)] = number + 1
                for wanted in entry.wanted:
                    found.setdefault(wanted.identity, wanted)
                if entry.fault:
                    bad.append((f"instance {number} in group {self._group(target)}", entry.fault))
            await pace.breathe()
        if arguments is self._arguments:
            self._known = known
        self._report(bad)
        return found

    def _owner(self) -> _Owner:
        cluster = self._options.cluster
        if not (self._arguments.clustering.enabled and cluster.enabled):
            return _all
        return cluster.owns if cluster.ready else _none

    def _group(self, target: Target) -> str:
        """The name of a target's group in messages."""
        job = self._arguments.job_name or self._options.id
        if not target.group:
            return f"{job}_part_{_NO_LABELS_HASH}"
        text = repr(sorted(target.group.items())).encode(errors="surrogateescape")
        return f"{job}_part_{int.from_bytes(blake2b(text, digest_size=8).digest(), 'big')}"

    def _report(self, bad: Sequence[tuple[str, str]]) -> None:
        """Log which targets are bad, and why."""
        self.bad = Bad(len(bad), bad[0][1]) if bad else NONE_BAD
        for which, fault in bad[:_MOST_LOGGED]:
            fields = {"err": f"{which}: {fault}"}
            self._options.logger.error("creating targets failed", extra={"fields": fields})
        if len(bad) > _MOST_LOGGED:
            more = {"targets": len(bad) - _MOST_LOGGED}
            self._options.logger.error("creating more targets failed", extra={"fields": more})


def _all(_key: bytes) -> bool:
    return True


def _none(_key: bytes) -> bool:
    return False


def _work_out(recipe: Recipe, target: Target) -> _Known:
    key = sharing_key(target)
    try:
        return _Known(key, recipe.wanted(target), "")
    except BadTarget as reason:
        return _Known(key, (), str(reason))


def _alike(one: Arguments, other: Arguments) -> bool:
    """Whether targets that are the same mean the same with both arguments."""
    return (
        one.profiling_config == other.profiling_config
        and one.job_name == other.job_name
        and one.scheme == other.scheme
        and one.params == other.params
        and one.delta_profiling_duration == other.delta_profiling_duration
        and one.scrape_interval == other.scrape_interval
    )
