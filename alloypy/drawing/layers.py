"""Layers: the nodes of each column from top to bottom, with few crossings between the edges.

An edge that passes columns has a bend in each of them, which takes its place there like a node.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from alloypy.drawing.ranks import Edge, Ranks

_SWEEPS = 8
_MOST_CROSSINGS_COUNTED = 4_000
"""With more segments than this in all, crossings are not counted, and the last order is taken."""


class Layers(NamedTuple):
    """The nodes by column; numbers from `nodes` on are bends.

    before, after: the neighbours of each node in the columns on its left and on its right.
    paths: the nodes along each edge, from left to right.
    """

    nodes: int
    columns: list[list[int]]
    before: list[list[int]]
    after: list[list[int]]
    paths: list[list[int]]


def layers(count: int, ranks: Ranks) -> Layers:
    """Sort nodes and bends into columns, and order each column."""
    made = _with_bends(count, ranks)
    columns = _first_order(made)
    made = made._replace(columns=columns)
    return made._replace(columns=_swept(made))


def _with_bends(count: int, ranks: Ranks) -> Layers:
    column = list(ranks.of_node)
    paths: list[list[int]] = [[source, target] for source, target in ranks.forward]
    left = (
        4 * count + 2_000
    )  # bends; if there are too many, the longest edges get none and are drawn straight
    for number in sorted(range(len(paths)), key=lambda each: (_length(ranks.forward[each], column), each)):
        source, target = ranks.forward[number]
        length = _length((source, target), column)
        if length > 1 and length - 1 <= left:
            left -= length - 1
            bends = range(len(column), len(column) + length - 1)
            column.extend(range(column[source] + 1, column[target]))
            paths[number] = [source, *bends, target]
    columns: list[list[int]] = [[] for _ in range(max(column, default=-1) + 1)]
    for node, at in enumerate(column):
        columns[at].append(node)
    before: list[list[int]] = [[] for _ in column]
    after: list[list[int]] = [[] for _ in column]
    for path in paths:
        for here, there in pairwise(path):
            if column[there] - column[here] == 1:
                after[here].append(there)
                before[there].append(here)
    return Layers(count, columns, before, after, paths)


def _length(edge: Edge, column: Sequence[int]) -> int:
    return column[edge[1]] - column[edge[0]]


def _first_order(made: Layers) -> list[list[int]]:
    """The order of a search in depth, which keeps together what is connected."""
    column = {node: at for at, nodes in enumerate(made.columns) for node in nodes}
    columns: list[list[int]] = [[] for _ in made.columns]
    seen = [False] * len(made.after)
    for root in [node for nodes in made.columns for node in nodes]:
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if seen[node]:
                continue
            seen[node] = True
            columns[column[node]].append(node)
            waiting += [each for each in reversed(made.before[node]) if not seen[each]]
            waiting += [each for each in reversed(made.after[node]) if not seen[each]]
    return columns


def _swept(made: Layers) -> list[list[int]]:
    """The columns, sorted several times by the places of the neighbours; the best order that was found."""
    columns = made.columns
    position = [0] * len(made.after)
    for column in columns:
        _number(column, position)
    counted = sum(map(len, made.after)) <= _MOST_CROSSINGS_COUNTED
    best, fewest = columns, _crossings(columns, made, position) if counted else 0
    unchanged = 0
    for sweep in range(_SWEEPS):
        if (counted and not fewest) or unchanged == 2:  # in neither direction
            break
        rightwards = sweep % 2 == 0
        near = made.before if rightwards else made.after
        before, columns = columns, [list(column) for column in columns]
        for column in columns if rightwards else reversed(columns):
            column.sort(key=lambda node: _wanted(near[node], position, position[node]))
            _number(column, position)
        if columns == before:
            unchanged += 1
            continue
        unchanged = 0
        crossings = _crossings(columns, made, position) if counted else 0
        if crossings < fewest or not counted:
            best, fewest = columns, crossings
    return best


def _number(column: Sequence[int], position: list[int]) -> None:
    for at, node in enumerate(column):
        position[node] = at


def _wanted(near: Sequence[int], position: Sequence[int], own: int) -> int:
    """The median place of the neighbours; its own place for a node that has none."""
    if len(near) < 2:  # as most have, and much quicker
        return position[near[0]] if near else own
    return sorted([position[each] for each in near])[(len(near) - 1) // 2]


def _crossings(columns: Sequence[Sequence[int]], made: Layers, position: Sequence[int]) -> int:
    total = 0
    for column in columns:
        ends: list[int] = []
        for node in column:
            places = sorted([position[each] for each in made.after[node]])
            for place in places:
                total += len(ends) - bisect_right(ends, place)
            for place in places:
                insort(ends, place)
    return total
