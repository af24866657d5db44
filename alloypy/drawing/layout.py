"""Layout: where each box of a picture stands, and along which points each arrow leads, in pixels.

Columns from left to right; pipelines stand one below the other, and so do groups, each in a frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from alloypy.drawing.heights import BOX_HEIGHT, heights
from alloypy.drawing.layers import Layers, layers
from alloypy.drawing.names import MOST_COLUMNS, columns
from alloypy.drawing.picture import Arrow, Box, Group, Picture, Pipeline, pipelines
from alloypy.drawing.ranks import Edge, ranks

CHARACTER_WIDTH = 7.25
"""The width of a character in a monospaced font of 12 pixels, with a little to spare."""

_PADDING = 10
_LEAST_WIDTH = 90
_SIGN = 2
"""Columns beside the label for the sign of a box that is unhealthy."""

_BETWEEN_COLUMNS = 64
_BETWEEN_PIPELINES = 28
_BETWEEN_SINGLE = 16
_ROW_WIDTH = 960
"""Boxes without arrows stand in rows of this width, or of that of the widest pipeline."""

_MARGIN = 12
_FRAME_TITLE = 26
_FRAME_PADDING = 14


class Placed(NamedTuple):
    """A box in its place: its left upper corner and its size."""

    box: Box
    x: int
    y: int
    width: int
    height: int = BOX_HEIGHT


class Point(NamedTuple):
    """A point of a route."""

    x: int
    y: int


class Route(NamedTuple):
    """The way of an arrow: a curve from the first point of each pair to the second, level lines between."""

    arrow: Arrow
    curves: Sequence[tuple[Point, Point]]


class Frame(NamedTuple):
    """The frame of a group."""

    group: Group
    x: int
    y: int
    width: int
    height: int


class Layout(NamedTuple):
    """A picture in its places."""

    title: str
    width: int
    height: int
    boxes: Sequence[Placed]
    routes: Sequence[Route]
    frames: Sequence[Frame]


class _Shape(NamedTuple):
    """How the nodes of a pipeline stand to each other. turned: as in `Ranks`. middle: the heights."""

    made: Layers
    turned: Sequence[bool]
    middle: Sequence[int]


class _Places(NamedTuple):
    """What has been placed. shapes: of pipelines, which often are alike, by their nodes and edges."""

    boxes: list[Placed]
    routes: list[Route]
    shapes: dict[tuple[int, tuple[Edge, ...]], _Shape]


def laid_out(picture: Picture) -> Layout:
    """Find the places of everything in a picture."""
    titles = {group.id: group for group in picture.groups}
    places = _Places([], [], {})
    frames: list[Frame] = []
    width, y = 0, _MARGIN
    for group, parts in pipelines(picture).items():
        framed = titles.get(group)
        inset = _MARGIN + (_FRAME_PADDING if framed is not None else 0)
        top = y
        if framed is not None:
            y += _FRAME_TITLE
        right, bottom = _place_group(parts, Point(inset, y), places)
        if framed is not None:
            right = max(right, inset + _text_width(framed.title)) + _FRAME_PADDING
            bottom += _FRAME_PADDING
            frames.append(Frame(framed, _MARGIN, top, right - _MARGIN, bottom - top))
        width, y = max(width, right), bottom + _BETWEEN_PIPELINES
    height = y - _BETWEEN_PIPELINES + _MARGIN if places.boxes else 2 * _MARGIN
    return Layout(picture.title, width + _MARGIN, height, places.boxes, places.routes, frames)


def _place_group(parts: Sequence[Pipeline], corner: Point, places: _Places) -> tuple[int, int]:
    """Place the pipelines of a group from a corner on; returns where they end on the right and below."""
    y, right = corner.y, corner.x
    for part in parts:
        if part.arrows:
            end, bottom = _place_pipeline(part, Point(corner.x, y), places)
            right, y = max(right, end), bottom + _BETWEEN_PIPELINES
    single = [part.boxes[0] for part in parts if not part.arrows]
    x, limit = corner.x, max(right, corner.x + _ROW_WIDTH)
    for box in single:
        width = box_width([box])
        if x > corner.x and x + width > limit:
            x, y = corner.x, y + BOX_HEIGHT + _BETWEEN_SINGLE
        places.boxes.append(Placed(box, x, y, width))
        right = max(right, x + width)
        x += width + _BETWEEN_SINGLE
    return right, y + BOX_HEIGHT if single else y - _BETWEEN_PIPELINES


def _place_pipeline(part: Pipeline, corner: Point, places: _Places) -> tuple[int, int]:
    """Place a pipeline from a corner on; returns where it ends on the right and below."""
    made, turned, heights_of = _shape(part, places.shapes)
    middle = [corner.y + each for each in heights_of]
    sides, widths = _columns(made, part.boxes, corner.x)
    left = [sides[at] for at in made.column]
    for at, box in enumerate(part.boxes):
        places.boxes.append(Placed(box, left[at], middle[at] - BOX_HEIGHT // 2, widths[made.column[at]]))
    ends = list(map(Point, left, middle))
    starts = [Point(x + widths[at], y) for x, at, y in zip(left, made.column, middle, strict=True)]
    for arrow, path, back in zip(part.arrows, made.paths, turned, strict=True):
        curves = [(starts[here], ends[there]) for here, there in pairwise(path)]
        if back:
            curves = [(end, start) for start, end in reversed(curves)]
        places.routes.append(Route(arrow, curves))
    bottom = max(middle[: made.nodes]) + BOX_HEIGHT // 2
    return sides[-1] + widths[-1], max(bottom, max(middle) + 2)


def _shape(part: Pipeline, known: dict[tuple[int, tuple[Edge, ...]], _Shape]) -> _Shape:
    number = {box.id: at for at, box in enumerate(part.boxes)}
    edges = tuple([(number[arrow.source], number[arrow.target]) for arrow in part.arrows])
    key = len(number), edges
    found = known.get(key)
    if found is None:
        ranked = ranks(len(number), edges)
        made = layers(len(number), ranked)
        found = known[key] = _Shape(made, ranked.turned, heights(made))
    return found


def _columns(made: Layers, boxes: Sequence[Box], left: int) -> tuple[list[int], list[int]]:
    """The left side and the width of each column."""
    sides, widths = [], []
    for nodes in made.columns:
        width = box_width([boxes[node] for node in nodes if node < made.nodes])
        sides.append(left)
        widths.append(width)
        left += width + _BETWEEN_COLUMNS
    return sides, widths


def box_width(boxes: Sequence[Box]) -> int:
    """The width that boxes need for their texts."""
    longest = max((max(columns(box.name), columns(box.label) + _SIGN) for box in boxes), default=0)
    return max(_LEAST_WIDTH, round(min(longest, MOST_COLUMNS) * CHARACTER_WIDTH) + 2 * _PADDING)


def _text_width(text: str) -> int:
    return round(columns(text) * CHARACTER_WIDTH)
