"""The supervisor: one task for each running instance; a failing task affects no other.

The tasks are not in a task group: one that ignores its cancellation is given up after the shutdown
deadline, and must not keep everything else from stopping.
Source: docs/spec/RUNTIME.md, sections 6, 7.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

from alloypy.runtime.contract.faults import described
from alloypy.runtime.pace import Pace
from alloypy.runtime.running.instances import Instance
from alloypy.runtime.running.modules import Branch

_WARNING_SECONDS = 60.0
_LAST_GRACE_SECONDS = 1.0

_log = logging.getLogger("alloypy.runtime")


class Supervisor:
    """Starts and stops instances.

    deadline: seconds an instance may take to stop; 0 waits without limit.
    leaving: called with every instance that is about to be stopped.
    ended: called when an instance's run has ended: with the instance, and whether it failed.
    """

    def __init__(
        self,
        deadline: float,
        leaving: Callable[[Instance], None],
        ended: Callable[[Instance, bool], None],
    ) -> None:
        self._deadline = deadline
        self._leaving = leaving
        self._ended = ended
        self._tasks: dict[Instance, asyncio.Task[None]] = {}
        self._stopping: set[Instance] = set()
        self._retiring: set[asyncio.Task[None]] = set()
        self._pace = Pace()

    def __len__(self) -> int:
        return len(self._tasks)

    def instances(self) -> list[Instance]:
        """Everything whose task has not ended."""
        return list(self._tasks)

    def start(self, instance: Instance) -> None:
        """Run an instance in its own task."""
        instance.started()
        _log.debug("Starting task", extra={"fields": _task_fields(instance)})
        self._tasks[instance] = asyncio.create_task(self._run(instance), name=instance.global_id)

    async def _run(self, instance: Instance) -> None:
        error = None
        try:
            await instance.run()
        except asyncio.CancelledError:
            if instance not in self._stopping:
                error = "cancelled"
        except GeneratorExit:
            raise  # the loop is being thrown away
        except BaseException as raised:
            error = described(raised)
        self._tasks.pop(instance, None)
        self._finished(instance, error)

    def _finished(self, instance: Instance, error: str | None) -> None:
        if instance.ended:
            return
        failed = error is not None and instance not in self._stopping
        instance.stopped(error, failed=failed)
        self._ended(instance, failed)
        log, fields = instance.module.task_log, {"node": instance.id}
        if error is None:
            log.info("node exited without error", extra={"fields": fields})
        else:
            log.error("node exited with error", extra={"fields": fields | {"err": error}})

    async def stop(self, instance: Instance) -> None:
        """Stop an instance; returns when it has stopped or its deadline has passed."""
        task = self._tasks.get(instance)
        if task is None:
            return
        _log.debug("Stopping task", extra={"fields": _task_fields(instance)})
        self._stopping.add(instance)
        self._leaving(instance)
        task.cancel()
        try:
            if await self._wait(task, instance):
                return
            self._finished(instance, "task shutdown deadline exceeded")
            task.cancel()
            await asyncio.wait([task], timeout=_LAST_GRACE_SECONDS)
        finally:
            self._stopping.discard(instance)

    async def _wait(self, task: asyncio.Task[None], instance: Instance) -> bool:
        """Whether the task ends before the deadline; logs a warning every minute until then."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._deadline if self._deadline else None
        while True:
            left = _WARNING_SECONDS if end is None else min(_WARNING_SECONDS, end - loop.time())
            done, _ = await asyncio.wait([task], timeout=max(left, 0.0))
            if done:
                return True
            if end is not None and loop.time() >= end:
                return False
            message = "task shutdown is taking longer than expected"
            _log.warning(message, extra={"fields": _task_fields(instance)})

    def retiring(self, tree: Branch, chosen: Collection[Instance]) -> asyncio.Task[None]:
        """A task that stops the chosen instances of a tree, even if its caller stops waiting for it."""
        task = asyncio.create_task(self.retire(tree, chosen), name="retiring")
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)
        return task

    async def all_retired(self) -> None:
        """Wait until everything removed has stopped."""
        while self._retiring:
            await asyncio.wait(set(self._retiring))

    async def retire(self, tree: Branch, chosen: Collection[Instance]) -> None:
        """Stop the chosen instances of a tree, each after everything that depends on it.

        Instances that do not depend on each other stop at the same time.
        """
        graph = tree.state.graph
        done = {node.id: asyncio.Event() for node in graph}

        async def retire_node(node_id: str) -> None:
            for dependant in graph.dependants(node_id):
                await done[dependant.id].wait()
            for child in tree.children.get(node_id, ()):
                await self.retire(child, chosen)
            instance = tree.state.live.get(node_id)
            if instance is not None and instance in chosen:
                await self.stop(instance)
            done[node_id].set()

        async with asyncio.TaskGroup() as group:
            for node in graph:
                group.create_task(retire_node(node.id))
                await self._pace.breathe()


def _task_fields(instance: Instance) -> dict[str, str]:
    return {"controller_id": instance.module.id, "taskID": instance.id, "id": instance.id}
