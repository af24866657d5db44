"""The controller: loads configurations, runs what they define, and reloads completely or not at all.

```python
async with Controller(ControllerOptions(...)) as controller:
    await controller.load(files, module_path)     # DiagnosticsError: nothing has been started or changed
    ...
    await controller.load(files, module_path)     # a reload: the same, atomic
# leaving stops everything, producers first, within the deadlines
```

Source: docs/spec/RUNTIME.md, sections 2, 3, 7.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterator, Sequence
from types import TracebackType

from alloypy.graph.codes import STOPPING
from alloypy.graph.definitions import Definitions
from alloypy.graph.nodes import Kind
from alloypy.graph.sections import Sections, root_sections
from alloypy.runtime.contract.component import NO_ACTIVITY, Activity, InFlight, Table
from alloypy.runtime.contract.options import (
    ComponentInfo,
    ControllerInfo,
    ControllerOptions,
    ImportInfo,
    LoadResult,
    MetricsSource,
    Outline,
    Passage,
)
from alloypy.runtime.evaluating.dispatch import EVALUATORS
from alloypy.runtime.evaluating.evaluation import Shared
from alloypy.runtime.evaluating.loading import load_module, placed
from alloypy.runtime.evaluating.reactive import react, restart
from alloypy.runtime.pace import computed
from alloypy.runtime.running.context import Context
from alloypy.runtime.running.instances import ComponentInstance
from alloypy.runtime.running.modules import State, present
from alloypy.runtime.running.snapshot import (
    component_info,
    component_infos,
    component_tables,
    controller_infos,
    import_infos,
    metrics_sources,
    module_ids,
    outlines,
    passages,
    unhealthy_names,
)
from alloypy.runtime.running.transaction import StepError, Transaction, Update
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.tree import File

_STOPPING = Diagnostic(None, "not loaded: alloypy is stopping", STOPPING)


class Controller:
    """Owns the graph, the running components, their sockets and their modules."""

    def __init__(self, options: ControllerOptions) -> None:
        self._context = Context(options)
        self._loading = asyncio.Lock()
        self._background: list[asyncio.Task[None]] = []
        self._evaluating: asyncio.Task[State] | None = None
        self._stopping = False

    async def __aenter__(self) -> Controller:
        self._background = [
            asyncio.create_task(react(self._context), name="reacting"),
            asyncio.create_task(restart(self._context), name="restarting"),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def load(self, files: Sequence[File], module_path: str) -> LoadResult:
        """Evaluate the parsed files completely, then run them.

        module_path: directory of the root configuration, the value of `module_path`.
        Raises DiagnosticsError with everything that is wrong; then nothing has changed. Loads wait for
        each other. A load cancelled before its changes begin changes nothing either. It returns once
        everything that it removed has stopped.
        """
        size = sum(len(file.source.data) for file in files)
        sections = await computed(lambda: root_sections(files), size)
        context = self._context
        async with self._loading:
            async with context.evaluating:
                if self._stopping:
                    raise DiagnosticsError([_STOPPING])
                transaction = Transaction(context)
                await self._evaluate(transaction, sections, module_path)
                result = _result(transaction)
                try:
                    await transaction.commit()
                except StepError as failed:
                    raise DiagnosticsError(self._fault(failed)) from None
            if transaction.retiring is not None:
                await asyncio.shield(transaction.retiring)
            return result

    async def _evaluate(self, transaction: Transaction, sections: Sections, module_path: str) -> None:
        """Evaluate the root into the transaction; on failure drop the transaction. Raises DiagnosticsError.

        It runs in a task of its own, so that `stop` can end it without ending the caller's task.
        """
        definitions = Definitions(None, {"module_path": module_path})
        root = self._context.root
        shared = Shared(self._context, transaction, EVALUATORS)
        evaluation = load_module(shared, root, sections, definitions, {})
        self._evaluating = asyncio.create_task(evaluation, name="evaluating")
        try:
            await self._evaluating
            self._close(transaction)
        except asyncio.CancelledError:
            transaction.drop()
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise DiagnosticsError([_STOPPING]) from None
        except BaseException:
            transaction.drop()
            raise
        finally:
            self._evaluating = None

    def _close(self, transaction: Transaction) -> None:
        """Close the transaction. Raises DiagnosticsError if components would listen on the same address."""
        failures = transaction.close()
        if failures:
            raise DiagnosticsError([each for failed in failures for each in self._fault(failed)])

    def _fault(self, failed: StepError) -> Sequence[Diagnostic]:
        fields = {"node": failed.node.id, "err": str(failed.fault)}
        failed.module.log.error("failed to evaluate config", extra={"fields": fields})
        return placed(failed.node, failed.fault)

    async def stop(self) -> None:
        """Stop everything, producers first; returns when all have stopped or their deadline has passed.

        It does not wait for a load that is only waiting for what it removed to stop.
        """
        self._stopping = True
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        self._background.clear()
        if self._evaluating is not None:
            self._evaluating.cancel()
        async with self._context.evaluating:
            tree = present(self._context.root)
            if tree is not None:
                await self._context.supervisor.retire(tree, set(tree.instances()))
                self._services_stopped()
            await self._context.supervisor.all_retired()
            self._context.root.state = None
            self._context.book.close()

    def _services_stopped(self) -> None:
        root = self._context.root
        for node in root.state.order if root.state is not None else ():
            if node.kind is Kind.SERVICE:
                fields = {"node": node.id}
                root.task_log.info("node exited without error", extra={"fields": fields})

    @property
    def ready(self) -> bool:
        """Whether a load has succeeded; false again only when the controller stops."""
        return self._context.root.state is not None and not self._stopping

    def in_flight(self) -> InFlight:
        """Work that components have accepted and not finished, including components that are stopping."""
        found = [each.in_flight() for each in self._context.supervisor.instances()]
        return InFlight(sum(each.requests for each in found), sum(each.profiles for each in found))

    def activities(self) -> dict[Hashable, Activity]:
        """What has become of profiles, for each component, including components that are stopping."""
        found = ((each, each.activity()) for each in self._context.supervisor.instances())
        return {each: activity for each, activity in found if activity != NO_ACTIVITY}

    def listening(self) -> list[str]:
        """The addresses at which components take connections, in evaluation order."""
        tree = present(self._context.root)
        instances = tree.instances() if tree is not None else ()
        return [address for each in instances if (address := each.listens_on())]

    def components(self, module: str = "") -> list[ComponentInfo]:
        """The components of a module in evaluation order; raises KeyError for an unknown module."""
        return component_infos(self._context, module)

    def modules(self) -> list[str]:
        """The ids of all modules, "" for the root; none before the first load."""
        return module_ids(self._context)

    def component(self, module: str, local_id: str) -> ComponentInfo:
        """One component; raises KeyError when there is none."""
        return component_info(self._context, module, local_id)

    def tables(self, module: str, local_id: str) -> Sequence[Table]:
        """Figures about the parts of a component; raises KeyError when there is none."""
        return component_tables(self._context, module, local_id)

    def outlines(self) -> list[Outline]:
        """The components of all modules, in evaluation order; may be called in any thread."""
        return list(outlines(self._context))

    def passages(self) -> Iterator[Passage]:
        """The health of every component of all modules, and what has passed through it."""
        return passages(self._context)

    def imports(self) -> list[ImportInfo]:
        """The imports of all modules."""
        return list(import_infos(self._context))

    def unhealthy(self) -> list[str]:
        """Names (`pyroscope.write`) of the root's unhealthy components and of all failed ones."""
        return unhealthy_names(self._context)

    def controllers(self) -> list[ControllerInfo]:
        """The root and every module, for metrics."""
        return controller_infos(self._context)

    def metrics(self) -> Iterator[MetricsSource]:
        """The metrics of every component that has any."""
        return metrics_sources(self._context)


def _result(transaction: Transaction) -> LoadResult:
    """What the transaction is going to do to components."""
    updated = [step.instance for step in transaction.steps if isinstance(step, Update)]
    created = [each for each in transaction.started if isinstance(each, ComponentInstance)]
    kept = [each for each in transaction.kept if isinstance(each, ComponentInstance)]
    removed = [each for each in transaction.removed if isinstance(each, ComponentInstance)]
    groups = (created, updated, removed, kept)
    return LoadResult(*(tuple(each.global_id for each in group) for group in groups))
