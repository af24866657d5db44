"""alloypy.queue: stores profiles on disk or in Kafka, and delivers them to each destination at its own pace.

A profile counts as delivered when it is stored: it then survives an outage of its destinations, the end of
the process, and a full disk. Only alloypy has this component.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from alloypy.components.own.delivering.arguments import Arguments, Exports
from alloypy.components.own.delivering.metrics import QueueMetrics
from alloypy.components.own.delivering.publishing import Publisher
from alloypy.components.own.delivering.storing import Receiver
from alloypy.components.uncancelled import to_its_end
from alloypy.preloading import check_installed
from alloypy.profiles.receiver import ProfilesReceiver
from alloypy.runtime.contract.component import (
    BuildError,
    Component,
    Flow,
    InFlight,
    Options,
    Registration,
    Stability,
    Table,
    UpdateError,
)
from alloypy.runtime.contract.health import Health, healthy, unhealthy

if TYPE_CHECKING:
    from alloypy.components.own.delivering.courier import Limits
    from alloypy.components.own.delivering.outcomes import Surroundings
    from alloypy.components.own.delivering.status import DebugInfo
    from alloypy.components.own.delivering.store import AnyHome, Store

_LONGEST_PAUSE_SECONDS = 5.0
"""Between two tries to open a queue that another process has, or a former component of this one."""


class Queue(Component[Arguments, Exports]):
    """Stores profiles and delivers them. runs: whether it has begun to, and not ended."""

    def __init__(self, options: Options, arguments: Arguments) -> None:
        self._options = options
        self._arguments = arguments
        self._metrics = QueueMetrics()
        self._receiver = Receiver(options, arguments, self._metrics)
        self._couriers = self._metrics.couriers
        self._changed = asyncio.Event()
        self.runs = False
        self._built_by: asyncio.Task[Any] | None = None
        options.set_exports(Exports(receiver=self._receiver))

    @property
    def id(self) -> str:
        """The component's global id."""
        return self._options.global_id

    def is_of_this_load(self, other: str) -> bool:
        """Whether this queue and another one are being built together, rather than one after the other."""
        return not self.runs and self.id != other and self._built_by is asyncio.current_task()

    async def prepare(self) -> None:
        """Check the directory, without touching it. Raises BuildError."""
        self._built_by = asyncio.current_task()
        home = self._metrics.home = self._kind(self._arguments)
        fault = self._fault(self._arguments) or await home.fault(self._arguments)
        if fault:
            raise BuildError(fault)
        self._options.metrics().register(self._metrics)

    async def prepare_update(self, arguments: Arguments) -> None:
        """Check new arguments. Raises UpdateError."""
        fault = self._fault(arguments)
        home = self._kind(arguments)
        if not fault and not self._is_at(home.place(arguments)):
            fault = await home.fault(arguments)
        if fault:
            raise UpdateError(fault)

    async def update(self, arguments: Arguments) -> None:
        """Use new arguments, within moments."""
        self._arguments = arguments
        self._receiver.children = arguments.forward_to
        self._receiver.kafka = arguments.kafka
        self._warn(arguments)
        self._changed.set()

    async def run(self) -> None:
        """Deliver until cancelled; then deliveries in progress may end. The rest stays where it is stored."""
        self.runs = True
        self._built_by = None
        self._warn(self._arguments)
        try:
            while True:
                arguments = self._arguments
                self._changed.clear()
                home = self._metrics.home = self._kind(arguments)
                log = await self._opened(home, arguments)
                try:
                    await self._serve(home, log, arguments)
                finally:
                    self._receiver.close()
                    self._metrics.log = None
                    await to_its_end(log.close())
        finally:
            self.runs = False

    def health(self) -> Health | None:
        """Unhealthy while nothing is taken, or nothing delivered because the disk takes no dead letters."""
        log = self._metrics.log
        if log is None:
            return unhealthy(self._receiver.problem) if self._receiver.problem else None
        if log.fault:
            return unhealthy(f"profiles are not taken: {log.fault}")
        held_up = [
            f"{name}: {each.undertaker.fault}" for name, each in self._couriers.items() if each.is_held_up
        ]
        if held_up:
            return unhealthy(f"nothing is delivered until dead letters can be kept for {', '.join(held_up)}")
        failing = [name for name, each in self._couriers.items() if each.fails]
        words = [f"profiles wait for {', '.join(failing)}"] if failing else []
        words += [
            f"refused profiles wait ({len(each.undertaker)}), as dead letters cannot be kept for {name}: "
            f"{each.undertaker.fault}"
            for name, each in self._couriers.items()
            if len(each.undertaker)
        ]
        words += log.hindrances
        return healthy("; ".join(words)) if words else None

    def in_flight(self) -> InFlight:
        """Deliveries in progress; what is stored need not be waited for."""
        return InFlight(profiles=sum(courier.in_flight for courier in self._couriers.values()))

    def flow(self) -> Flow:
        """What has been taken, delivered and lost."""
        from alloypy.components.own.delivering.status import flow

        return flow(self._metrics)

    def tables(self) -> Sequence[Table]:
        """What waits for each destination."""
        from alloypy.components.own.delivering.status import tables

        return tables([*self._couriers.values()], self._kind(self._arguments).since)

    def debug_info(self) -> DebugInfo:
        """What waits, and what has become of the rest."""
        from alloypy.components.own.delivering.status import debug_info

        return debug_info(self._metrics.log, [*self._couriers.values()], self._receiver.problem)

    async def _opened(self, home: AnyHome, arguments: Arguments) -> Store:
        """The store of these arguments, once whoever has it in this process leaves it."""
        from alloypy.queueing.errors import QueueError

        pause = 0.05
        while True:
            began = self._options.clock()
            try:
                log = await _kept(home.open(arguments, [*_destinations(arguments)]))
            except QueueError as reason:
                problem = str(reason)
            else:
                self._receiver.problem = ""
                self._metrics.start_seconds = self._options.clock() - began
                return log
            if self._receiver.problem != problem:
                self._receiver.problem = problem
                self._options.logger.warning("the queue is not open yet", extra={"fields": {"err": problem}})
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _serve(self, home: AnyHome, log: Store, arguments: Arguments) -> None:
        """Take and deliver profiles until the queue moves to another place."""
        from alloypy.components.own.delivering.outcomes import Surroundings
        from alloypy.components.own.delivering.quarantine import Quarantine

        place = home.place(arguments)
        quarantine = Quarantine(lambda: [end for each in self._couriers.values() for end in each.deliveries])
        publisher = Publisher(self._options.events, self.id)
        around = Surroundings(self._options.logger, self._options.clock, log.now, publisher, quarantine)
        self._metrics.log = log
        self._receiver.open(log)
        async with asyncio.TaskGroup() as group:
            tasks: dict[str, asyncio.Task[None]] = {}
            try:
                while self._is_at(place):
                    arguments = self._arguments
                    self._changed.clear()
                    home.use(log, arguments)
                    await self._keep_couriers(log, arguments, around, group, tasks)
                    await self._changed.wait()
            finally:
                for task in tasks.values():
                    task.cancel()
                if tasks:
                    await asyncio.wait(tasks.values())
                self._couriers.clear()

    async def _keep_couriers(
        self,
        log: Store,
        arguments: Arguments,
        around: Surroundings,
        group: asyncio.TaskGroup,
        tasks: dict[str, asyncio.Task[None]],
    ) -> None:
        """One courier for each destination. New ones have theirs before others have ended."""
        from alloypy.components.own.delivering.courier import Courier

        wanted, limits = _destinations(arguments), self._limits(arguments)
        gone = [name for name in tasks if name not in wanted]
        for name in gone:
            tasks[name].cancel()
        for name, receiver in wanted.items():
            courier = self._couriers.get(name)
            if courier is None:
                cursor = await log.add_destination(name)
                courier = self._couriers[name] = Courier(cursor, receiver, limits, around)
                tasks[name] = group.create_task(courier.run())
            courier.receiver = receiver
            courier.use(limits)
        if gone:
            await asyncio.wait([tasks.pop(name) for name in gone])
        for name in gone:
            self._report_left(name)
            del self._couriers[name]
            log.remove_destination(name)

    def _report_left(self, name: str) -> None:
        left = self._couriers[name].cursor.behind.records
        if left:
            fields = {"destination": name, "n": left}
            self._options.logger.warning(self._kind(self._arguments).left, extra={"fields": fields})

    def _limits(self, arguments: Arguments) -> Limits:
        from alloypy.components.own.delivering.courier import Limits
        from alloypy.components.own.delivering.pace import Pauses

        given = arguments.delivery
        drain = min(given.drain_timeout.seconds, self._options.shutdown_deadline or float("inf"))
        pauses = Pauses(
            given.min_backoff_period.seconds, given.max_backoff_period.seconds, self._options.random
        )
        return Limits(given.max_in_flight, given.max_bytes_in_flight, pauses, drain)

    def _kind(self, arguments: Arguments) -> AnyHome:
        """The kind of store that the arguments ask for."""
        if arguments.kafka is not None:
            check_installed("alloypy.components.own.delivering.on_kafka")
            from alloypy.components.own.delivering.on_kafka import OnKafka

            return OnKafka(self.id, self._options.logger)
        from alloypy.components.own.delivering.on_disk import OnDisk

        return OnDisk(self, self._options.storage / "queue", self._options.logger)

    def _is_at(self, place: object) -> bool:
        """Whether a place is that of the current arguments."""
        return self._kind(self._arguments).place(self._arguments) == place

    def _fault(self, arguments: Arguments) -> str:
        """What is wrong with arguments that are right one by one."""
        names = [receiver.component for receiver in arguments.forward_to]
        if self._receiver.component in names:
            return "a queue cannot forward to itself"
        twice = next((name for name in names if names.count(name) > 1), "")
        return f"forward_to names {twice} twice" if twice else ""

    def _warn(self, arguments: Arguments) -> None:
        """Warn of what works, but not as one might expect."""
        if arguments.disk is not None and arguments.disk.sync == "interval":
            self._options.logger.info("profiles stored within sync_interval are lost if the power fails")


def _destinations(arguments: Arguments) -> Mapping[str, ProfilesReceiver]:
    return {receiver.component: receiver for receiver in arguments.forward_to}


async def _kept(opening: Coroutine[Any, Any, Store]) -> Store:
    """What is opened; if this is cancelled meanwhile, it is closed again."""
    task = asyncio.get_running_loop().create_task(opening)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await to_its_end(_closed(task))
        raise


async def _closed(opening: asyncio.Task[Store]) -> None:
    from alloypy.queueing.errors import QueueError

    with contextlib.suppress(QueueError):
        await (await opening).close()


registration = Registration(
    "alloypy.queue",
    Stability.EXPERIMENTAL,
    Arguments,
    Exports,
    Queue,
    later=(
        "alloypy.components.own.delivering.courier",
        "alloypy.components.own.delivering.keeping",
        "alloypy.components.own.delivering.on_disk",
        "alloypy.components.own.delivering.status",
        "alloypy.queueing.log",
    ),
)
