"""Heights: where the nodes of each column stand: edges are level where possible, and nothing overlaps."""

from __future__ import annotations

from collections.abc import Sequence

from alloypy.drawing.layers import Layers

BOX_HEIGHT = 40
_BEND_HEIGHT = 4
_GAP = 14
_SWEEPS = 4
"""To the right and back."""


def heights(made: Layers) -> list[int]:
    """The middle of each node and bend in pixels; the topmost one begins at 0."""
    half = [(BOX_HEIGHT if node < made.nodes else _BEND_HEIGHT) / 2 for node in range(len(made.after))]
    middle = [0.0] * len(half)
    for column in made.columns:
        _stack(column, [0.0] * len(column), half, middle)
    for _ in range(_SWEEPS):
        before = middle.copy()
        _sweep(made.columns, made.before, half, middle)
        _sweep(made.columns[::-1], made.after, half, middle)
        if middle == before:
            break
    top = min((each - size for each, size in zip(middle, half, strict=True)), default=0.0)
    return [round(each - top) for each in middle]


def _sweep(
    columns: Sequence[Sequence[int]],
    near: Sequence[Sequence[int]],
    half: Sequence[float],
    middle: list[float],
) -> None:
    """Place each node near the mean of its neighbours on one side."""
    for column in columns:
        wanted = []
        for node in column:
            others = near[node]
            if len(others) == 1:  # as most have, and much quicker
                wanted.append(middle[others[0]])
            elif others:
                wanted.append(sum([middle[each] for each in others]) / len(others))
            else:
                wanted.append(middle[node])
        if len(column) == 1:
            middle[column[0]] = wanted[0]
        else:
            _settle(column, wanted, half, middle)


def _stack(
    column: Sequence[int], wanted: Sequence[float], half: Sequence[float], middle: list[float]
) -> None:
    """Place each node where it wants to be, or below the one before it."""
    bottom = float("-inf")
    for node, want in zip(column, wanted, strict=True):
        size = half[node]
        middle[node] = at = max(want, bottom + size)
        bottom = at + size + _GAP


def _settle(
    column: Sequence[int], wanted: Sequence[float], half: Sequence[float], middle: list[float]
) -> None:
    """Place each node near where it wants to be: halfway between pushing others down and pushing them up.

    Both keep the order and the gaps of the column, so the middle of the two does.
    """
    _stack(column, wanted, half, middle)
    top = float("inf")
    for node, want in zip(reversed(column), reversed(wanted), strict=True):
        size = half[node]
        at = min(want, top - size)
        middle[node] = (middle[node] + at) / 2
        top = at - size - _GAP
