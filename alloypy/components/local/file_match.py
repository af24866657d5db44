"""local.file_match: targets for the files that patterns match.

Source: the behaviour recorded in tests/golden/components/local.file_match.jsonl.
"""

from __future__ import annotations

import asyncio
import posixpath
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from stat import S_ISDIR
from typing import NamedTuple

from alloypy.components.discovery.shell import Exports
from alloypy.components.paths.doublestar import excludes, expand
from alloypy.components.paths.glob import BadPatternError
from alloypy.lang.go.duration import SECOND, Duration
from alloypy.lang.targets import Target
from alloypy.os_errors import system_words
from alloypy.rules import faults_of
from alloypy.runtime.contract.component import (
    BuildError,
    Component,
    Options,
    Registration,
    Stability,
    UpdateError,
)
from alloypy.runtime.contract.health import Health, unhealthy
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute
from alloypy.threads import FILES

_PATH, _EXCLUDE = "__path__", "__path_exclude__"
_SCAN_SECONDS = 60.0


@arguments(rules="local.file_match")
class Arguments:
    """Arguments of local.file_match."""

    path_targets: tuple[Target, ...] = attribute(
        doc="Targets with a pattern in `__path__`, and one for files to leave out in `__path_exclude__`."
    )
    sync_period: Duration = attribute(
        default=Duration(10 * SECOND), doc="Time between two searches for files."
    )
    ignore_older_than: Duration = attribute(
        default=Duration(0), doc="Leave out files that have not changed for longer; 0 takes all."
    )

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


class Trouble(NamedTuple):
    """What went wrong in a search, as the log says it.

    lasting: whether only another configuration helps.
    """

    message: str
    fields: tuple[tuple[str, str], ...]
    lasting: bool = True

    def __str__(self) -> str:
        return f"{self.message}: " + " ".join(f"{name}={value}" for name, value in self.fields if value)


class Search(NamedTuple):
    """What a search has found. Frozen. made: the target of each file, by the place of its pattern."""

    made: Mapping[tuple[int, str], Target] = {}
    troubles: tuple[Trouble, ...] = ()


def search(given: Arguments, known: Search, sources: Sequence[Target]) -> Search:
    """Find the files of all patterns. Call it in a thread.

    known: the search before, and sources: the targets that it was made for; equal results are used again.
    """
    made: dict[tuple[int, str], Target] = {}
    troubles: list[Trouble] = []
    oldest = time.time() - given.ignore_older_than.seconds if given.ignore_older_than else None
    for number, target in enumerate(given.path_targets):
        same = number < len(sources) and sources[number] == target
        labels = {name: value for name, value in target.labels.items() if value}
        for path in _files(target, oldest, troubles):
            before = known.made.get((number, path)) if same else None
            made[number, path] = before or Target({**labels, _PATH: path})
    return Search(made, tuple(dict.fromkeys(troubles)))


def _files(target: Target, oldest: float | None, troubles: list[Trouble]) -> Iterator[str]:
    """The absolute paths of the files that a target's pattern matches."""
    pattern, exclude = target.get(_PATH) or "", target.get(_EXCLUDE) or ""
    try:
        left_out = excludes(exclude) if exclude else None
    except BadPatternError as error:
        left_out = None
        troubles.append(
            Trouble("error reading the exclude pattern", (("excluded", exclude), ("err", str(error))))
        )
    try:
        paths = expand(pattern)
    except BadPatternError as error:
        fields = ("path", pattern), ("excluded", exclude), ("err", str(error))
        troubles.append(Trouble("error getting paths", fields))
        return
    for path in paths:
        if not _is_left_out(path, left_out):
            absolute = path if path.startswith("/") else posixpath.normpath(f"{Path.cwd()}/{path}")
            try:
                found = Path(absolute).stat()
            except (OSError, ValueError) as error:
                words = f"stat {absolute}: {system_words(error)}"
                troubles.append(
                    Trouble("error getting os stat", (("path", absolute), ("err", words)), lasting=False)
                )
                continue
            if not S_ISDIR(found.st_mode) and (oldest is None or found.st_mtime >= oldest):
                yield absolute


def _is_left_out(path: str, left_out: re.Pattern[str] | None) -> bool:
    return left_out is not None and left_out.fullmatch(path) is not None


class FileMatch(Component[Arguments, Exports]):
    """Searches at the start, at each update and in each period."""

    def __init__(self, options: Options, arguments: Arguments) -> None:
        _check(arguments, BuildError)
        self._options = options
        self._arguments = arguments
        self._key = object()
        self._updated = asyncio.Event()
        self._found = Search()
        self._sources: Sequence[Target] = ()
        self._health: Health | None = None
        self._told: frozenset[Trouble] = frozenset()
        options.set_exports(Exports(targets=()))

    async def run(self) -> None:
        """Search again and again."""
        while True:
            self._updated.clear()
            await self._search()
            try:
                async with asyncio.timeout(self._arguments.sync_period.seconds):
                    await self._updated.wait()
            except TimeoutError:
                continue

    async def _search(self) -> None:
        given, known, sources = self._arguments, self._found, self._sources
        try:
            found = await FILES.run(lambda: search(given, known, sources), _SCAN_SECONDS, self._key)
        except TimeoutError as error:
            self._tell((Trouble("error getting paths", (("err", str(error)),)),))
            return
        self._tell(found.troubles)
        self._found, self._sources = found, given.path_targets
        self._options.set_exports(Exports(targets=tuple(found.made.values())))

    def _tell(self, troubles: tuple[Trouble, ...]) -> None:
        """Log each trouble when it begins; be unhealthy while there is one."""
        for trouble in troubles:
            if trouble not in self._told:
                self._options.logger.error(trouble.message, extra={"fields": dict(trouble.fields)})
        if frozenset(troubles) != self._told:
            self._told = frozenset(troubles)
            lasting = [str(each) for each in troubles if each.lasting]
            self._health = unhealthy(lasting[0]) if lasting else None

    async def prepare_update(self, arguments: Arguments) -> None:
        """Check the arguments. Raises UpdateError."""
        _check(arguments, UpdateError)

    async def update(self, arguments: Arguments) -> None:
        """Search with the new arguments."""
        self._arguments = arguments
        self._updated.set()

    def health(self) -> Health | None:
        """Unhealthy while a pattern or a file is at fault."""
        return self._health


def _check(arguments: Arguments, error: type[BuildError | UpdateError]) -> None:
    for fault in faults_of(arguments):
        raise error(fault.message)


registration = Registration("local.file_match", Stability.GENERALLY_AVAILABLE, Arguments, Exports, FileMatch)
