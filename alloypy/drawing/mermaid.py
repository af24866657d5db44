"""Pictures as Mermaid flowcharts, which GitHub and others draw in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.drawing.picture import Box, Kind, Picture, distinct

MOST_ARROWS = 500
MOST_CHARACTERS = 50_000
"""What Mermaid draws unless it is configured otherwise: `maxEdges` and `maxTextSize`."""

_SHAPES = {
    Kind.COMPONENT: ("[", "]"),
    Kind.MODULE: ("[[", "]]"),
    Kind.PORT: ("([", "])"),
    Kind.SETTING: ("[/", "/]"),
    Kind.OUTSIDE: ("[/", "/]"),
}
_ENTITIES = {ord(each): f"#{ord(each)};" for each in '#"<>&`\\;[](){}|'}
_ENTITIES |= dict.fromkeys((*range(32), *range(0xD800, 0xE000)), " ")


def mermaid(picture: Picture) -> str:
    """The picture as a flowchart."""
    number = {box.id: f"n{at}" for at, box in enumerate(picture.boxes)}
    lines = ["flowchart LR"]
    lines += (f"  {_box(box, number)}" for box in picture.boxes if not box.group)
    for at, group in enumerate(picture.groups):
        lines.append(f'  subgraph m{at}["{_text(group.title)}"]')
        lines += (f"    {_box(box, number)}" for box in picture.boxes if box.group == group.id)
        lines.append("  end")
    for arrow in distinct(picture.arrows):
        line = "-->" if arrow.is_data else "-.->"
        lines.append(f"  {number[arrow.source]} {line} {number[arrow.target]}")
    lines += _marked(picture, number)
    return "\n".join([*lines, ""])


def _box(box: Box, number: dict[str, str]) -> str:
    start, end = _SHAPES[box.kind]
    text = _text(box.name) + (f"<br/>{_text(box.label)}" if box.label else "")
    return f'{number[box.id]}{start}"{text}"{end}'


def _marked(picture: Picture, number: dict[str, str]) -> Iterator[str]:
    unhealthy = [number[box.id] for box in picture.boxes if box.unhealthy]
    if unhealthy:
        yield "  classDef unhealthy stroke:#c62828,stroke-width:3px"
        yield f"  class {','.join(unhealthy)} unhealthy"


def _text(text: str) -> str:
    """A text between quotes: characters with a meaning there as entities."""
    return text.translate(_ENTITIES)
