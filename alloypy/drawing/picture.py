"""A picture: boxes, the arrows between them, and the groups that they are in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What a box stands for. The values are used in outputs.

    MODULE: what has components of its own, as a custom component has. PORT: an argument or an export of a
    module. SETTING: a block that is no component. OUTSIDE: what is in the module around.
    """

    COMPONENT = "component"
    MODULE = "module"
    PORT = "port"
    SETTING = "setting"
    OUTSIDE = "outside"


class Box(NamedTuple):
    """One box.

    id: unique in the picture. name, label: its two lines, `pyroscope.write` and `backend`; the label may be
    empty. group: the id of the group that it is in, "" for none. inside: the id of the group that shows what
    is in it, if there is one. place: where it is written, `config.alloy:12`. note: one more line about it.
    unhealthy: whether to mark it. link: an address to go to.
    """

    id: str
    name: str
    label: str
    kind: Kind = Kind.COMPONENT
    group: str = ""
    inside: str = ""
    place: str = ""
    note: str = ""
    unhealthy: bool = False
    link: str = ""

    @property
    def title(self) -> str:
        """Its name and label, joined as in a configuration."""
        return f"{self.name}.{self.label}" if self.label else self.name


class Arrow(NamedTuple):
    """What flows from one box to another in the same group.

    carries: what flows, such as `profiles` or `targets`. is_data: whether that is data that is collected;
    otherwise it is a value, such as the content of a file. text: what stands beside it, which may be empty
    for now; None if nothing will.
    """

    source: str
    target: str
    carries: str = ""
    is_data: bool = True
    text: str | None = None


class Group(NamedTuple):
    """A module whose boxes are drawn in a frame. title: such as `declare "sink"`. link: as of a box."""

    id: str
    title: str
    link: str = ""


class Picture(NamedTuple):
    """Everything that is drawn. The first arrow between two boxes counts, and none from a box to itself."""

    title: str
    boxes: Sequence[Box]
    arrows: Sequence[Arrow] = ()
    groups: Sequence[Group] = ()


class Pipeline(NamedTuple):
    """Boxes that arrows connect with each other, and those arrows."""

    boxes: Sequence[Box]
    arrows: Sequence[Arrow]


def pipelines(picture: Picture) -> dict[str, list[Pipeline]]:
    """The pipelines of each group that has boxes; those in no group come first."""
    order = ["", *(group.id for group in picture.groups)]
    boxes: dict[str, list[Box]] = {group: [] for group in order}
    for box in picture.boxes:
        boxes[box.group].append(box)
    of_box = {box.id: box.group for box in picture.boxes}
    arrows: dict[str, list[Arrow]] = {group: [] for group in order}
    for arrow in distinct(picture.arrows):
        arrows[of_box[arrow.source]].append(arrow)
    return {group: _connected(boxes[group], arrows[group]) for group in order if boxes[group]}


def distinct(arrows: Iterable[Arrow]) -> list[Arrow]:
    """The arrows, one for each pair of boxes."""
    first: dict[tuple[str, str], Arrow] = {}
    for arrow in arrows:
        if arrow.source != arrow.target:
            first.setdefault((arrow.source, arrow.target), arrow)
    return list(first.values())


def neighbours(arrows: Iterable[Arrow]) -> tuple[Mapping[str, list[str]], Mapping[str, list[str]]]:
    """What each box feeds, and what feeds it."""
    feeds: dict[str, list[str]] = {}
    fed_by: dict[str, list[str]] = {}
    for arrow in arrows:
        feeds.setdefault(arrow.source, []).append(arrow.target)
        fed_by.setdefault(arrow.target, []).append(arrow.source)
    return feeds, fed_by


def _connected(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> list[Pipeline]:
    number: dict[str, int] = {}
    feeds, fed_by = neighbours(arrows)
    count = 0
    for box in boxes:
        if box.id in number:
            continue
        waiting = [box.id]
        number[box.id] = count
        while waiting:
            here = waiting.pop()
            for other in (*feeds.get(here, ()), *fed_by.get(here, ())):
                if other not in number:
                    number[other] = count
                    waiting.append(other)
        count += 1
    parts: list[tuple[list[Box], list[Arrow]]] = [([], []) for _ in range(count)]
    for box in boxes:
        parts[number[box.id]][0].append(box)
    for arrow in arrows:
        parts[number[arrow.source]][1].append(arrow)
    return [Pipeline(*part) for part in parts]
