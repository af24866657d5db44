"""The store of a queue on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from logging import Logger
from pathlib import Path
from typing import Protocol
from weakref import WeakValueDictionary

from alloypy.components.own.delivering.arguments import Arguments, DiskArguments
from alloypy.families import Family, Sample, gauges, histograms
from alloypy.queueing.desk import Attended
from alloypy.queueing.directory import VERSION
from alloypy.queueing.errors import QueueError
from alloypy.queueing.log import Log, LogFacts
from alloypy.queueing.settings import LogSettings


class Owner(Protocol):
    """The queue that a directory is for."""

    @property
    def id(self) -> str: ...

    def is_of_this_load(self, other: str) -> bool: ...


_claims: WeakValueDictionary[Path, Owner] = WeakValueDictionary()
"""By directory, the queue that was last built for it."""


class OnDisk:
    """Opens the directory of a queue. default: the directory that it has if it names none."""

    left = "a destination was taken out while profiles wait for it: they are kept for max_age"
    since = "over restarts"

    def __init__(self, owner: Owner, default: Path, logger: Logger) -> None:
        self._owner = owner
        self._default = default
        self._logger = logger

    def place(self, arguments: Arguments) -> Path:
        """The directory."""
        disk = arguments.disk
        return Path(disk.path) if disk is not None and disk.path else self._default

    async def fault(self, arguments: Arguments) -> str:
        """Why a queue cannot be in the directory, as far as can be seen without changing anything."""
        path = self.place(arguments).absolute()
        try:
            _settings(arguments)
            real = Path(await Log.check(str(path)))
        except QueueError as reason:
            return str(reason)
        for kept, other in [*_claims.items()]:
            if not other.is_of_this_load(self._owner.id):
                continue
            if kept == real:
                return (
                    f"{path} is the directory of {other.id} and {self._owner.id}: two queues cannot share one"
                )
            if real.is_relative_to(kept / VERSION) or kept.is_relative_to(real / VERSION):
                return (
                    f"{path} of {self._owner.id} and {kept} of {other.id} lie one among the files of the "
                    "other: name another directory"
                )
        _claims[real] = self._owner
        return ""

    async def open(self, arguments: Arguments, destinations: Sequence[str]) -> Log:
        """Open the directory, or make it. Raises QueueError."""
        path = str(self.place(arguments))
        log = await Attended.open(path, settings=_settings(arguments), destinations=destinations)
        log.watch_evictions(self._evicted)
        await log.attend()
        for each in log.warnings:
            self._logger.warning(
                "the directory of the queue is not as it was left", extra={"fields": {"err": each}}
            )
        for name, waiting in log.facts().removed.items():
            if waiting:
                fields = {"destination": name, "n": waiting}
                self._logger.warning(self.left, extra={"fields": fields})
        return log

    def _evicted(self, destination: str, limit: str, count: int) -> None:
        fields = {"destination": destination, "n": count, "limit": f"max_{limit}"}
        self._logger.warning("dead letters are deleted: they have reached a limit", extra={"fields": fields})

    def use(self, store: Log, arguments: Arguments) -> None:
        """Let a log have other settings."""
        store.use(_settings(arguments))

    def families(self, store: Log | None) -> Iterator[Family]:
        """The metrics of a log; without values while it is not open."""
        facts = store.facts() if store is not None else None
        for name, kind, documentation, read in _OF_LOG:
            value = None if facts is None else read(facts)
            full = f"alloypy_queue_{name}"
            yield Family(full, documentation, kind, [] if value is None else [Sample(full, {}, value)])
        dead: dict[tuple[str, ...], float] = {}
        if facts is not None:
            dead = {(name,): size for name, size in facts.dead_bytes.items()}
        documentation = "Bytes of the files of dead letters."
        yield gauges("alloypy_queue_dead_letter_bytes", documentation, ("destination",), dead)
        syncs = [] if facts is None else [((), facts.syncs.buckets(), facts.syncs.total)]
        yield histograms(
            "alloypy_queue_sync_seconds", "Time that the disk takes to store a batch.", (), syncs
        )


def _settings(arguments: Arguments) -> LogSettings:
    """The settings of the log. Raises QueueError."""
    disk, dead = arguments.disk or DiskArguments(), arguments.dead_letter
    return LogSettings(
        max_size=arguments.max_size,
        max_age=arguments.max_age.seconds,
        when_full="drop_oldest" if arguments.when_full == "drop_oldest" else "reject",
        sync="interval" if disk.sync == "interval" else "always",
        sync_interval=disk.sync_interval.seconds,
        segment_size=disk.segment_size,
        min_free=disk.min_free,
        memory=arguments.delivery.max_bytes_in_flight,
        dead_letter_size=dead.max_size,
        dead_letter_age=dead.max_age.seconds,
    )


_OF_LOG: Sequence[tuple[str, str, str, Callable[[LogFacts], float | None]]] = (
    ("disk_bytes", "gauge", "Bytes of the files of records.", lambda facts: facts.disk_bytes),
    ("disk_free_bytes", "gauge", "Bytes that the file system has left.", lambda facts: facts.free),
    ("max_bytes", "gauge", "The setting max_size.", lambda facts: facts.max_size),
    ("min_free_bytes", "gauge", "The setting min_free.", lambda facts: facts.min_free),
    ("segments", "gauge", "Files of records.", lambda facts: facts.segments),
    ("replayed_total", "counter", "Records that waited at the start.", lambda facts: facts.found),
    (
        "damaged_records_total",
        "counter",
        "Records found damaged or missing, each once.",
        lambda facts: facts.damaged,
    ),
    (
        "truncated_bytes_total",
        "counter",
        "Bytes that a crash had left unfinished.",
        lambda facts: facts.cut_bytes,
    ),
    ("write_errors_total", "counter", "Errors of the disk.", lambda facts: facts.write_errors),
)
