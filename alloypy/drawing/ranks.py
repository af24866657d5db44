"""Ranks: the column of each box, so that arrows lead from left to right.

Nodes are numbers from 0 on. Where arrows go round in a circle, some of them have to lead back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

Edge: TypeAlias = tuple[int, int]


class Ranks(NamedTuple):
    """The column of each node. forward: the edges, those that lead back turned round. turned: which ones."""

    of_node: list[int]
    forward: list[Edge]
    turned: list[bool]


def ranks(count: int, edges: Sequence[Edge]) -> Ranks:
    """The columns of `count` nodes: each node to the right of those that lead to it, but no further."""
    back = _back_edges(count, edges)
    forward = [(b, a) if turned else (a, b) for (a, b), turned in zip(edges, back, strict=True)]
    following: list[list[int]] = [[] for _ in range(count)]
    leading = [0] * count
    for source, target in forward:
        following[source].append(target)
        leading[target] += 1
    order = _order(following, list(leading))
    found = [0] * count
    for node in order:
        for other in following[node]:
            found[other] = max(found[other], found[node] + 1)
    # What has more arrows to the right than to the left is moved right, which makes them shorter.
    for node in reversed(order):
        if following[node] and leading[node] < len(following[node]):
            found[node] = min(found[other] for other in following[node]) - 1
    lowest = min(found, default=0)
    return Ranks([each - lowest for each in found], forward, back)


def _order(following: Sequence[Sequence[int]], waiting: list[int]) -> list[int]:
    """Every node after those that lead to it. waiting: how many these are."""
    order = [node for node, number in enumerate(waiting) if not number]
    for node in order:
        for other in following[node]:
            waiting[other] -= 1
            if not waiting[other]:
                order.append(other)
    return order


def _back_edges(count: int, edges: Sequence[Edge]) -> list[bool]:
    """Whether each edge leads back to a node from which its own source is reached, in a search in depth."""
    leaving: list[list[int]] = [[] for _ in range(count)]
    entered = [False] * count
    for number, (source, target) in enumerate(edges):
        leaving[source].append(number)
        entered[target] = True
    back = [False] * len(edges)
    state = [0] * count  # 1: on the way, 2: done
    for root in sorted(range(count), key=entered.__getitem__):
        if state[root]:
            continue
        state[root] = 1
        path = [(root, iter(leaving[root]))]
        while path:
            node, rest = path[-1]
            for number in rest:
                target = edges[number][1]
                if state[target] == 1:
                    back[number] = True
                elif not state[target]:
                    state[target] = 1
                    path.append((target, iter(leaving[target])))
                    break
            else:
                state[node] = 2
                path.pop()
    return back
