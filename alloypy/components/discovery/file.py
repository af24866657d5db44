"""discovery.file: targets from lists in JSON and YAML files.

Source: the behaviour recorded in tests/golden/components/discovery.file.jsonl.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence

from alloypy.components.discovery.file_scan import NOTHING, Content, Scan, scan
from alloypy.components.discovery.refresh import Durations
from alloypy.components.discovery.shell import Discoverer, DiscoveryComponent, Exports, Findings, Group
from alloypy.families import Family, counter, gauges
from alloypy.lang.go.duration import MINUTE, Duration
from alloypy.rules import faults_of
from alloypy.runtime.contract.component import Options, Registration, Stability
from alloypy.runtime.contract.watching import FREQUENCY_DOC
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute
from alloypy.threads import FILES

_LOOK_SECONDS = 0.25
_SETTLE_SECONDS = 0.1
_MOST_SETTLE_SECONDS = 2.0
_LOOK_AGAIN_SECONDS = 2.1
_SCAN_SECONDS = 60.0
_NO_ANSWER = "the files do not answer"


@arguments(rules="discovery.file")
class Arguments:
    """Arguments of discovery.file."""

    files: tuple[str, ...] = attribute(doc="Files to read; `*`, `?` and `[a-z]` match several.")
    refresh_interval: Duration = attribute(default=Duration(5 * MINUTE), doc=FREQUENCY_DOC)

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


class FileDiscoverer(Discoverer):
    """Reads the files, and again when they change."""

    def __init__(self, options: Options, arguments: Arguments) -> None:
        self._patterns = arguments.files
        self._interval = arguments.refresh_interval.seconds
        self._logger = options.logger
        self._key = object()
        self._scan = NOTHING
        self._counts: dict[str, int] = {}
        self._skipped: set[str] = set()
        self._read_at: dict[str, float] = {}
        self._read_errors = 0
        self._durations = Durations()

    async def run(self, found: Findings) -> None:
        whole = True
        while True:
            await self._refresh(found, whole=whole)
            whole = await self._waited()

    async def _refresh(self, found: Findings, *, whole: bool) -> None:
        """Read what has changed, or everything."""
        began = time.monotonic()
        known = self._scan
        try:
            new = await FILES.run(lambda: scan(self._patterns, known, whole=whole), _SCAN_SECONDS, self._key)
        except TimeoutError as error:
            self._log("Error reading files", err=str(error))
            found.failed(f"Error reading files: {_NO_ANSWER}", "all")
            return
        self._durations.observe(time.monotonic() - began)
        found.well("all")
        self._scan = new
        self._report_places(new, found, whole=whole)
        found([*self._read(new, known, found, whole=whole)])

    def _report_places(self, new: Scan, found: Findings, *, whole: bool) -> None:
        """Log patterns that are malformed and directories that are absent: at a full read only."""
        for pattern in new.patterns:
            if whole:
                self._log("Error expanding glob", glob=pattern, err="syntax error in pattern")
            found.failed(f"Error expanding glob {pattern}: syntax error in pattern", f"glob {pattern}")
        if whole:
            for directory, fault in new.absent.items():
                self._log("Error adding file watch", path=directory, err=fault)
        for path in new.skipped:
            if path not in self._skipped:
                self._skipped.add(path)
                fields = {"path": path, "reason": "its name does not end in .json, .yml or .yaml"}
                self._logger.warning("skipping a file", extra={"fields": fields})

    def _read(self, new: Scan, known: Scan, found: Findings, *, whole: bool) -> Iterator[Group]:
        """The groups that have changed, and empty ones for those that are gone."""
        for path, content in new.files.items():
            if not whole and _same(content, known.files.get(path)):
                continue
            if content.groups is None:
                self._read_errors += 1
                self._log("Error reading file", path=path, err=content.fault)
                found.failed(f"Error reading file {path}: {content.fault}", path)
                if path not in self._counts:
                    found.keep(f"{path}:")
                continue
            found.well(path)
            found.release(f"{path}:")
            if content.state is not None:
                self._read_at[path] = content.state.mtime_ns // 10**9
            yield from self._groups_of(path, content.groups)
        for path in known.files.keys() - new.files.keys():
            found.well(path)
            found.release(f"{path}:")
            yield from self._groups_of(path, ())
            self._read_at.pop(path, None)

    def _groups_of(self, path: str, groups: Sequence[Group]) -> Iterator[Group]:
        yield from groups
        for gone in range(len(groups), self._counts.get(path, 0)):
            yield Group(f"{path}:{gone}", ())
        self._counts[path] = len(groups)

    async def _waited(self) -> bool:
        """Wait until something changes, or for the interval; returns whether the interval has passed."""
        seen = self._scan
        end = time.monotonic() + self._interval
        again = None if seen.is_settled else time.monotonic() + _LOOK_AGAIN_SECONDS
        while (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(_LOOK_SECONDS, left))
            state = await self._state(seen)
            if state != seen.seen:
                await self._settled(seen, state)
                return False
            if again is not None and time.monotonic() >= again:
                return False
        return True

    async def _settled(self, seen: Scan, state: object) -> None:
        """Wait until whoever writes has finished, but not for long."""
        end = time.monotonic() + _MOST_SETTLE_SECONDS
        while time.monotonic() < end:
            await asyncio.sleep(_SETTLE_SECONDS)
            before, state = state, await self._state(seen)
            if state == before:
                return

    async def _state(self, seen: Scan) -> object:
        """The state of all files; a file system that does not answer is a state, too."""
        try:
            return await FILES.run(seen.now, _SCAN_SECONDS, self._key)
        except TimeoutError as error:
            return error.errno

    def _log(self, message: str, **fields: str) -> None:
        self._logger.error(message, extra={"fields": fields})

    def collect(self) -> Iterator[Family]:
        yield gauges(
            "prometheus_sd_file_mtime_seconds",
            "Timestamp (mtime) of files read by FileSD. Timestamp is set at read time.",
            ("filename",),
            {(path,): at for path, at in self._read_at.items()},
        )
        yield counter(
            "prometheus_sd_file_read_errors_total", "The number of File-SD read errors.", self._read_errors
        )
        yield counter(
            "prometheus_sd_file_watcher_errors_total",
            "The number of File-SD errors caused by filesystem watch failures.",
            0,
        )
        yield self._durations.summary(
            "prometheus_sd_file_scan_duration_seconds", "The duration of the File-SD scan in seconds."
        )


def _same(one: Content, other: Content | None) -> bool:
    """Whether a file is as it was, though its fingerprint may have changed."""
    return other is not None and one.digest == other.digest and one.fault == other.fault


class File(DiscoveryComponent[Arguments]):
    """Exports the targets that are listed in files."""

    def discoverer(self, arguments: Arguments) -> Discoverer:
        return FileDiscoverer(self.options, arguments)


registration = Registration(
    "discovery.file",
    Stability.GENERALLY_AVAILABLE,
    Arguments,
    Exports,
    File,
    later=("alloypy.components.discovery.target_groups_yaml", "alloypy.lang.stdlib.json.reader"),
)
