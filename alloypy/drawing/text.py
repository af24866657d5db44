"""Pictures as trees of lines, for terminals.

Each box stands below one that feeds it. A box that several feed stands below each of them; what it feeds
itself is listed the first time only. What is more than 30 levels deep has a tree of its own further below, so
that long chains stay readable, and short.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from alloypy.drawing.picture import Box, Picture, Pipeline, neighbours, pipelines


class _Lines(NamedTuple):
    """How branches are drawn. above, below: what is added to a box whose branches are listed elsewhere."""

    branch: str
    last: str
    down: str
    blank: str
    above: str
    below: str


_DRAWN = _Lines("├─ ", "└─ ", "│  ", "   ", " ↑", " ↓")
_ASCII = _Lines("|- ", "`- ", "|  ", "   ", " ^", " v")
_DEEPEST = 30


def text(picture: Picture, *, ascii_only: bool = False) -> str:
    """The picture as trees. ascii_only: for terminals without further characters."""
    lines = _ASCII if ascii_only else _DRAWN
    titles = {group.id: group.title for group in picture.groups}
    blocks: list[str] = []
    for group, parts in pipelines(picture).items():
        indent = "  " if group in titles else ""
        trees = [list(_tree(part, lines)) for part in parts if part.arrows]
        single = [part.boxes[0].title for part in parts if not part.arrows]
        trees += [single] if single else []
        shown = ["\n".join(f"{indent}{line}" for line in tree) for tree in trees]
        if group in titles and shown:
            shown[0] = f"{titles[group]}:\n{shown[0]}"
        blocks += shown
    return "\n\n".join(blocks) + "\n" if blocks else "no components\n"


def _tree(part: Pipeline, lines: _Lines) -> Iterator[str]:
    boxes = {box.id: box for box in part.boxes}
    feeds, fed_by = neighbours(part.arrows)
    listed: set[str] = set()
    roots = [box.id for box in part.boxes if box.id not in fed_by]
    for start in (*roots, *boxes):  # whatever no root reaches goes round in a circle
        later = deque([start])
        while later:
            root = later.popleft()
            if root not in listed:
                yield from _branches(root, boxes, feeds, lines, listed, later)


def _branches(
    root: str,
    boxes: Mapping[str, Box],
    feeds: Mapping[str, Sequence[str]],
    lines: _Lines,
    listed: set[str],
    later: deque[str],
) -> Iterator[str]:
    """The lines of one tree; not recursive, because pipelines may be long.

    listed: the boxes whose branches have been listed, to which those of this tree are added. later: gets the
    boxes that are too deep.
    """
    waiting = [(root, "", "")]
    while waiting:
        box, start, below = waiting.pop()
        children = feeds.get(box, ())
        if box in listed:
            elsewhere = lines.above if children else ""
        elif children and len(below) >= _DEEPEST * len(lines.blank):
            elsewhere = lines.below
            later.append(box)
        else:
            elsewhere = ""
            listed.add(box)
        yield f"{start}{boxes[box].title}{elsewhere}"
        if elsewhere:
            continue
        for number in range(len(children) - 1, -1, -1):
            last = number == len(children) - 1
            first, rest = (lines.last, lines.blank) if last else (lines.branch, lines.down)
            waiting.append((children[number], below + first, below + rest))
