"""Pictures in the DOT language of Graphviz."""

from __future__ import annotations

from alloypy.drawing.picture import Arrow, Box, Kind, Picture, distinct

_HEAD = """\
digraph alloy {
  rankdir=LR
  node [shape=box style=rounded fontname="monospace" fontsize=11]
  edge [color="#5d6f86"]"""
_LOOKS = {
    Kind.COMPONENT: "",
    Kind.MODULE: " peripheries=2",
    Kind.PORT: " shape=ellipse",
    Kind.SETTING: ' style="rounded,dashed"',
    Kind.OUTSIDE: ' style="rounded,dashed"',
}
_ESCAPES = {ord("\\"): "\\\\", ord('"'): '\\"', ord("&"): "&amp;"}
_ESCAPES |= dict.fromkeys((*range(32), *range(0xD800, 0xE000)), " ")


def dot(picture: Picture) -> str:
    """The picture as a directed graph."""
    lines = [_HEAD, f"  label={_quoted(picture.title)}"]
    lines += (f"  {_box(box)}" for box in picture.boxes if not box.group)
    for at, group in enumerate(picture.groups):
        lines += [f"  subgraph cluster_{at} {{", f"    label={_quoted(group.title)}", "    style=dashed"]
        lines += (f"    {_box(box)}" for box in picture.boxes if box.group == group.id)
        lines.append("  }")
    lines += (f"  {_arrow(arrow)}" for arrow in distinct(picture.arrows))
    return "\n".join([*lines, "}", ""])


def _box(box: Box) -> str:
    text = f'"{_text(box.name)}\\n{_text(box.label)}"' if box.label else _quoted(box.name)
    place = f" tooltip={_quoted(box.place)}" if box.place else ""
    unhealthy = ' color="#c62828" penwidth=3' if box.unhealthy else ""
    return f"{_quoted(box.id)} [label={text}{_LOOKS[box.kind]}{place}{unhealthy}]"


def _arrow(arrow: Arrow) -> str:
    looks = [f"tooltip={_quoted(arrow.carries)}"] if arrow.carries else []
    looks += [] if arrow.is_data else ["style=dashed"]
    return f"{_quoted(arrow.source)} -> {_quoted(arrow.target)}" + (f" [{' '.join(looks)}]" if looks else "")


def _quoted(text: str) -> str:
    return f'"{_text(text)}"'


def _text(text: str) -> str:
    return text.translate(_ESCAPES)
