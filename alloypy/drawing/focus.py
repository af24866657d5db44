"""Parts of a picture: what feeds a box, and what that box feeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alloypy.drawing.picture import Picture, neighbours


def focused(picture: Picture, box: str) -> Picture:
    """The picture of a box, of all that feeds it and of all that it feeds, with what is inside these.

    Raises KeyError for an unknown box.
    """
    if not any(each.id == box for each in picture.boxes):
        raise KeyError(box)
    feeds, fed_by = neighbours(picture.arrows)
    kept = {box, *_reached(box, feeds), *_reached(box, fed_by)}
    return _part(picture, kept | _inside(picture, kept))


def matching(picture: Picture, text: str) -> list[str]:
    """The ids of the boxes that a user may mean: the one with that id, or else those named so in a group."""
    ids = [box.id for box in picture.boxes if box.id == text]
    return ids or [box.id for box in picture.boxes if box.title == text]


def _inside(picture: Picture, kept: set[str]) -> set[str]:
    """The boxes in the groups that show what is in the boxes kept."""
    groups = {box.inside for box in picture.boxes if box.id in kept and box.inside}
    waiting = list(groups)
    found: set[str] = set()
    while waiting:
        group = waiting.pop()
        for box in picture.boxes:
            if box.group == group:
                found.add(box.id)
                if box.inside and box.inside not in groups:
                    groups.add(box.inside)
                    waiting.append(box.inside)
    return found


def _reached(box: str, along: Mapping[str, Sequence[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [box]
    while waiting:
        for other in along.get(waiting.pop(), ()):
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    return reached


def _part(picture: Picture, kept: set[str]) -> Picture:
    boxes = [box for box in picture.boxes if box.id in kept]
    arrows = [arrow for arrow in picture.arrows if arrow.source in kept and arrow.target in kept]
    used = {box.group for box in boxes}
    return Picture(picture.title, boxes, arrows, [group for group in picture.groups if group.id in used])
