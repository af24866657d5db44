"""Pictures as SVG: texts that can be selected and searched, a title for each box, no script."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.drawing.layout import Frame, Layout, Placed, Route
from alloypy.drawing.names import shortened

STYLE = """\
.drawing{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;background:#fff}
.drawing text{fill:#17212b;white-space:pre}
.drawing .label{font-weight:600}
.drawing .box rect{fill:#eef3fa;stroke:#4f6d96;stroke-width:1.2}
.drawing .module rect{stroke-width:2.6}
.drawing .setting rect,.drawing .outside rect{stroke-dasharray:5 3}
.drawing .unhealthy rect{stroke:#c62828;stroke-width:3}
.drawing .arrow path{fill:none;stroke:#5d6f86;stroke-width:1.4}
.drawing .value path{stroke-dasharray:4 3}
.drawing .frame rect{fill:none;stroke:#8493a6;stroke-dasharray:2 3}
.drawing .tip{fill:#5d6f86}
.drawing a{text-decoration:none}
@media (prefers-color-scheme:dark){
.drawing{background:#12181f}
.drawing text{fill:#e4eaf1}
.drawing .box rect{fill:#1e2936;stroke:#7f9cc4}
.drawing .unhealthy rect{stroke:#ff6f6a}
.drawing .arrow path{stroke:#93a4b8}
.drawing .frame rect{stroke:#71839a}
.drawing .tip{fill:#93a4b8}
}
"""
"""How pictures look. Part of each file; a page that shows a picture has it in its own style sheet."""

_XML = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;"}
_XML |= dict.fromkeys(
    (*range(9), 11, 12, *range(14, 32), 0x7F, 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)), "\ufffd"
)


def svg(layout: Layout, *, style: bool = True) -> str:
    """The picture as one `svg` element. style: with its style sheet, as a file of its own needs it."""
    title = _escaped(layout.title)
    linked = any(placed.box.link for placed in layout.boxes)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="drawing" role="{"group" if linked else "img"}" '
        f'aria-label="{title}" width="{layout.width}" height="{layout.height}" '
        f'viewBox="0 0 {layout.width} {layout.height}">'
    )
    lines = [head, f"<title>{title}</title>"]
    if style:
        lines.append(f"<style>{STYLE}</style>")
    lines.append(
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>'
    )
    lines += map(_frame, layout.frames)
    lines += map(_arrow, layout.routes)
    lines += map(_box, layout.boxes)
    return "\n".join([*lines, "</svg>", ""])


def _frame(frame: Frame) -> str:
    title = _escaped(frame.group.title)
    return (
        f'<g class="frame" data-group="{_escaped(frame.group.id)}">'
        f'<rect x="{frame.x}" y="{frame.y}" width="{frame.width}" height="{frame.height}" rx="6"/>'
        f'<text x="{frame.x + 14}" y="{frame.y + 17}">{title}</text></g>'
    )


def _arrow(route: Route) -> str:
    arrow = route.arrow
    source, target = _escaped(arrow.source), _escaped(arrow.target)
    title = f"{source} → {target}" + (f": {_escaped(arrow.carries)}" if arrow.carries else "")
    return (
        f'<g class="{"arrow" if arrow.is_data else "arrow value"}" data-from="{source}" data-to="{target}">'
        f'<title>{title}</title><path d="{"".join(_way(route))}" marker-end="url(#tip)"/></g>'
    )


def _way(route: Route) -> Iterator[str]:
    """The commands of a path; the curves begin and end level."""
    for number, (start, end) in enumerate(route.curves):
        yield f"{'L' if number else 'M'}{start.x} {start.y}"
        bend = (end.x - start.x) // 2
        yield f"C{start.x + bend} {start.y} {end.x - bend} {end.y} {end.x} {end.y}"


def _box(placed: Placed) -> str:
    box, x, y = placed.box, placed.x, placed.y
    classes = f"box {box.kind.value}" + (" unhealthy" if box.unhealthy else "")
    title = "\n".join(_escaped(each) for each in (box.id, box.place) if each)
    parts = [f"<title>{title}</title>"]
    radius = placed.height // 2 if box.kind.value == "port" else 5
    parts.append(f'<rect x="{x}" y="{y}" width="{placed.width}" height="{placed.height}" rx="{radius}"/>')
    lines = [box.name, box.label] if box.label else [box.name]
    for number, line in enumerate(lines):
        named = ' class="label"' if number or not box.label else ""
        at = y + (17 + 15 * number if box.label else 24)
        parts.append(f'<text x="{x + 10}" y="{at}"{named}>{_escaped(shortened(line))}</text>')
    inner = "".join(parts)
    if box.link:
        inner = f'<a href="{_escaped(box.link)}">{inner}</a>'
    return f'<g class="{classes}" data-id="{_escaped(box.id)}">{inner}</g>'


def _escaped(text: str) -> str:
    """A text for content and attributes, without the characters that XML does not have."""
    return text.translate(_XML)
