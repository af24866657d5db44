"""The graph itself: nodes, edges from each dependant to its dependencies, order and cycles.

Everything keeps the order in which it was added, so that two loads of one file behave alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alloypy.graph.nodes import Kind, Node

_NAMED_IN_CYCLE = 50

_URGENCY = {Kind.LOGGING: 3, Kind.TRACING: 2, Kind.SERVICE: 1}


class Graph:
    """Nodes by id, and their dependencies. Built once, then only read."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._out: dict[str, dict[str, None]] = {}
        self._in: dict[str, dict[str, None]] = {}

    def add(self, node: Node) -> None:
        """Add a node whose id is new."""
        self._nodes[node.id] = node
        self._out[node.id] = {}
        self._in[node.id] = {}

    def connect(self, dependant: str, dependency: str) -> None:
        """Add an edge: one node depends on another, or on itself."""
        self._out[dependant][dependency] = None
        self._in[dependency][dependant] = None

    def get(self, node_id: str) -> Node | None:
        """The node of that id, if there is one."""
        return self._nodes.get(node_id)

    def __getitem__(self, node_id: str) -> Node:
        return self._nodes[node_id]

    def __contains__(self, node_id: str) -> bool:
        return node_id in self._nodes

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def __len__(self) -> int:
        return len(self._nodes)

    def dependencies(self, node_id: str) -> list[Node]:
        """The nodes on which this one depends directly."""
        return [self._nodes[other] for other in self._out[node_id]]

    def dependants(self, node_id: str) -> list[Node]:
        """The nodes that depend on this one directly."""
        return [self._nodes[other] for other in self._in[node_id]]

    def order(self) -> list[Node]:
        """Every node after its dependencies. Nodes in a cycle, and their dependants, are left out.

        As in Alloy, of the nodes that could come next, the one that became free last is taken; but
        nodes that concern the whole process, such as logging, come before all others.
        """
        waiting = {node_id: len(out) for node_id, out in self._out.items()}
        free = [node_id for node_id, count in waiting.items() if count == 0]
        free.sort(key=lambda node_id: _URGENCY.get(self._nodes[node_id].kind, 0))
        result = []
        while free:
            node_id = free.pop()
            result.append(self._nodes[node_id])
            for dependant in self._in[node_id]:
                waiting[dependant] -= 1
                if waiting[dependant] == 0:
                    free.append(dependant)
        return result

    def cycles(self) -> list[list[str]]:
        """Groups of more than one node that depend on each other, each group sorted."""
        return [sorted(group) for group in self._strongly_connected() if len(group) > 1]

    def self_references(self) -> list[str]:
        """Nodes that depend on themselves."""
        return [node_id for node_id, out in self._out.items() if node_id in out]

    def _strongly_connected(self) -> list[list[str]]:
        """Groups of nodes that depend on each other, mostly without the nodes that depend on none.

        Tarjan's algorithm without recursion, so that a long chain of components is possible.
        """
        number: dict[str, int] = {}
        low: dict[str, int] = {}
        stack: list[str] = []
        stacked: set[str] = set()
        groups: list[list[str]] = []
        for root in self._nodes:
            if root in number or not self._out[root]:
                continue
            work = [(root, iter(self._out[root]))]
            number[root] = low[root] = len(number)
            stack.append(root)
            stacked.add(root)
            while work:
                node_id, rest = work[-1]
                for other in rest:
                    if other not in number:
                        number[other] = low[other] = len(number)
                        stack.append(other)
                        stacked.add(other)
                        work.append((other, iter(self._out[other])))
                        break
                    if other in stacked:
                        low[node_id] = min(low[node_id], number[other])
                else:
                    work.pop()
                    if work:
                        low[work[-1][0]] = min(low[work[-1][0]], low[node_id])
                    if low[node_id] == number[node_id]:
                        groups.append(_cut(stack, stacked, node_id))
        return groups


def cycle_text(cycle: Sequence[str]) -> str:
    """The nodes of a cycle for a message: all of them, or the first fifty and the number of the others."""
    more = len(cycle) - _NAMED_IN_CYCLE
    return ", ".join(cycle[:_NAMED_IN_CYCLE]) + (f" and {more} more" if more > 0 else "")


def _cut(stack: list[str], stacked: set[str], root: str) -> list[str]:
    at = len(stack) - 1
    while stack[at] != root:
        at -= 1
    group = stack[at:]
    del stack[at:]
    stacked.difference_update(group)
    return group
