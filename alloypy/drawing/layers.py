"""Layers: the nodes of each column from top to bottom, with few crossings between the edges.

An edge that passes columns has a bend in each of them, which takes its place there like a node.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from alloypy.drawing.ranks import Ranks

_SWEEPS = 8
_MOST_CROSSINGS_COUNTED = 4_000
"""With more segments than this in all, crossings are not counted, and the last order is taken."""


class Layers(NamedTuple):
    """The nodes by column; numbers from `nodes` on are bends.

    column: that of each node. before, after: the neighbours of each node in the columns on its left and on
    its right. paths: the nodes along each edge, from left to right.
    """

    nodes: int
    columns: list[list[int]]
    column: list[int]
    before: list[list[int]]
    after: list[list[int]]
    paths: list[list[int]]


def layers(count: int, ranks: Ranks) -> Layers:
    """Sort nodes and bends into columns, and order each column."""
    made = _with_bends(count, ranks)
    made = made._replace(columns=_first_order(made))
    return made._replace(columns=_swept(made))


def _with_bends(count: int, ranks: Ranks) -> Layers:
    column = list(ranks.of_node)
    paths: list[list[int]] = [[source, target] for source, target in ranks.forward]
    lengths = [column[target] - column[source] for source, target in ranks.forward]
    left = (
        4 * count + 2_000
    )  # bends; if there are too many, the longest edges get none and are drawn straight
    for length, number in sorted([(each, at) for at, each in enumerate(lengths) if each > 1]):
        if length - 1 <= left:
            left -= length - 1
            source, target = ranks.forward[number]
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
    return Layers(count, columns, column, before, after, paths)


def _first_order(made: Layers) -> list[list[int]]:
    """The order of a search in depth, which keeps together what is connected."""
    columns: list[list[int]] = [[] for _ in made.columns]
    seen = [False] * len(made.after)
    for root in [node for nodes in made.columns for node in nodes]:
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if seen[node]:
                continue
            seen[node] = True
            columns[made.column[node]].append(node)
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
    before: list[list[int]] = []
    for sweep in range(_SWEEPS):
        if counted and not fewest:
            break
        earlier, before = before, columns
        columns = _sorted(columns, made, position, rightwards=sweep % 2 == 0)
        if columns == earlier and (counted or columns == before):  # what follows has been there before
            break
        if columns != before:
            crossings = _crossings(columns, made, position) if counted else 0
            if crossings < fewest or not counted:
                best, fewest = columns, crossings
    return best


def _sorted(
    columns: Sequence[list[int]], made: Layers, position: list[int], *, rightwards: bool
) -> list[list[int]]:
    """The columns, each sorted by the places of what is in the column before it, or after it."""
    near = made.before if rightwards else made.after
    found = list(columns)
    for at in range(len(found)) if rightwards else range(len(found) - 1, -1, -1):
        column = found[at]
        if len(column) > 1:
            wanted = {node: _wanted(near[node], position, position[node]) for node in column}
            found[at] = sorted(column, key=wanted.__getitem__)
            _number(found[at], position)
    return found


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
    after = made.after
    for column in columns:
        if len(column) > 1:
            ends: list[int] = []
            for node in column:
                ends += sorted([position[each] for each in after[node]])
            total += _inversions(ends)
    return total


def _inversions(numbers: Sequence[int]) -> int:
    """How many pairs stand in the wrong order."""
    if sorted(numbers) == numbers:  # as in most columns, and much quicker
        return 0
    total = 0
    before: list[int] = []
    for number in numbers:
        total += len(before) - bisect_right(before, number)
        insort(before, number)
    return total
