"""The state that the parts of one controller share.

Source: docs/spec/RUNTIME.md, section 2.
"""

from __future__ import annotations

import asyncio

from alloypy.graph.admission import Gate, Gates
from alloypy.lang.stdlib import Stdlib
from alloypy.runtime.contract.options import ControllerOptions
from alloypy.runtime.pace import Pace
from alloypy.runtime.running.instances import ComponentInstance, Instance
from alloypy.runtime.running.modules import Module
from alloypy.runtime.running.restarts import Restarts
from alloypy.runtime.running.sockets import SocketBook
from alloypy.runtime.running.supervisor import Supervisor


class Context:
    """Options, root module, sockets, tasks, and which nodes have changed.

    evaluating: held while anything is evaluated or changed, so that evaluations run one at a time.
    """

    def __init__(self, options: ControllerOptions) -> None:
        self.options = options
        self.stdlib = Stdlib(options.environ)
        self.gates = Gates(options.registry, Gate(options.stability, options.community), options.vocabulary)
        self.root = Module("")
        self.book = SocketBook()
        self.supervisor = Supervisor(options.shutdown_deadline, self.book.leave, self._ended)
        self.evaluating = asyncio.Lock()
        self.changes = Changes(options)
        self.restarts = Restarts(options.restart_pause, options.random)
        self.pace = Pace()

    def _ended(self, instance: Instance, failed: bool) -> None:
        if failed and isinstance(instance, ComponentInstance):
            self.book.keep(instance)
            self.restarts.add(instance)
        else:
            self.book.release(instance)

    def exports_changed(self, instance: ComponentInstance) -> None:
        """Have the dependants of an instance evaluated again."""
        self.changes.add(instance.module, instance.id)


class Changes:
    """Nodes whose exports have changed, and whose dependants have not been evaluated since."""

    def __init__(self, options: ControllerOptions) -> None:
        self._clock = options.clock
        self._nodes: dict[tuple[Module, str], float] = {}
        self._some = asyncio.Event()

    def add(self, module: Module, node_id: str) -> None:
        """Note a node; if it is noted several times before `take`, the first time counts."""
        self._nodes.setdefault((module, node_id), self._clock())
        self._some.set()

    async def wait(self) -> None:
        """Wait until there is a node."""
        await self._some.wait()

    def take(self) -> dict[tuple[Module, str], float]:
        """All nodes with the times of their changes; the list is emptied."""
        nodes, self._nodes = self._nodes, {}
        self._some.clear()
        return nodes

    def count(self, module: Module) -> int:
        """How many nodes of a module are waiting."""
        return sum(1 for other, _ in self._nodes if other is module)
