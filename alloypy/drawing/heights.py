"""Heights: where the nodes of each column stand: edges are level where possible, and nothing overlaps."""

from __future__ import annotations

from collections.abc import Sequence

from alloypy.drawing.layers import Layers

BOX_HEIGHT = 40
_BEND_HEIGHT = 4
_GAP = 14
_SWEEPS = 8


def heights(made: Layers) -> list[int]:
    """The middle of each node and bend in pixels; the topmost one begins at 0."""
    half = [(BOX_HEIGHT if node < made.nodes else _BEND_HEIGHT) / 2 for node in range(len(made.after))]
    middle = [0.0] * len(half)
    for column in made.columns:
        _stack(column, [0.0] * len(column), half, middle)
    for sweep in range(_SWEEPS):
        rightwards = sweep % 2 == 0
        near = made.before if rightwards else made.after
        for column in made.columns if rightwards else reversed(made.columns):
            wanted = [_mean(near[node], middle, middle[node]) for node in column]
            _settle(column, wanted, half, middle)
    top = min((each - size for each, size in zip(middle, half, strict=True)), default=0.0)
    return [round(each - top) for each in middle]


def _mean(near: Sequence[int], middle: Sequence[float], own: float) -> float:
    if len(near) < 2:  # as most have, and much quicker
        return middle[near[0]] if near else own
    return sum([middle[each] for each in near]) / len(near)


def _stack(
    column: Sequence[int], wanted: Sequence[float], half: Sequence[float], middle: list[float]
) -> None:
    """Place each node where it wants to be, or below the one before it."""
    bottom = float("-inf")
    for node, want in zip(column, wanted, strict=True):
        middle[node] = max(want, bottom + _GAP + half[node])
        bottom = middle[node] + half[node]


def _settle(
    column: Sequence[int], wanted: Sequence[float], half: Sequence[float], middle: list[float]
) -> None:
    """Place each node near where it wants to be: halfway between pushing others down and pushing them up.

    Both keep the order and the gaps of the column, so the middle of the two does.
    """
    _stack(column, wanted, half, middle)
    below = [middle[node] for node in column]
    top = float("inf")
    for at in range(len(column) - 1, -1, -1):
        node = column[at]
        above = min(wanted[at], top - _GAP - half[node])
        top = above - half[node]
        middle[node] = (below[at] + above) / 2
