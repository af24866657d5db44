"""Pictures as SVG: texts that can be selected and searched, a title for each box, no script."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.drawing.layout import Frame, Layout, Placed, Route
from alloypy.drawing.names import shortened
from alloypy.drawing.style import STYLE

_XML = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;"}
_XML |= dict.fromkeys(
    (*range(9), 11, 12, *range(14, 32), 0x7F, 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)), "\ufffd"
)


def svg(layout: Layout, *, style: bool = True) -> str:
    """The picture as one `svg` element. style: with its style sheet, as a file of its own needs it."""
    title = _escaped(layout.title)
    linked = any(placed.box.link for placed in layout.boxes) or any(each.group.link for each in layout.frames)
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
    text = f'<text x="{frame.x + 14}" y="{frame.y + 17}">{title}</text>'
    return (
        f'<g class="frame" data-group="{_escaped(frame.group.id)}">'
        f'<rect x="{frame.x}" y="{frame.y}" width="{frame.width}" height="{frame.height}" rx="6"/>'
        f"{_linked(text, frame.group.link)}</g>"
    )


def _arrow(route: Route) -> str:
    arrow = route.arrow
    source, target = _escaped(arrow.source), _escaped(arrow.target)
    title = f"{source} → {target}" + (f": {_escaped(arrow.carries)}" if arrow.carries else "")
    return (
        f'<g class="{"arrow" if arrow.is_data else "arrow value"}" data-from="{source}" data-to="{target}">'
        f'<title>{title}</title><path d="{"".join(_way(route))}" marker-end="url(#tip)"/>{_label(route)}</g>'
    )


def _label(route: Route) -> str:
    """The text of an arrow, above the middle of its first curve."""
    if route.arrow.text is None:
        return ""
    start, end = route.curves[0]
    x, y = (start.x + end.x) // 2, (start.y + end.y) // 2 - 4
    return f'<text x="{x}" y="{y}">{_escaped(route.arrow.text)}</text>'


def _way(route: Route) -> Iterator[str]:
    """The commands of a path; the curves begin and end level."""
    for number, (start, end) in enumerate(route.curves):
        yield f"{'L' if number else 'M'}{start.x} {start.y}"
        bend = (end.x - start.x) // 2
        yield f"C{start.x + bend} {start.y} {end.x - bend} {end.y} {end.x} {end.y}"


def _box(placed: Placed) -> str:
    box, x, y = placed.box, placed.x, placed.y
    classes = f"box {box.kind.value}" + (" is-unhealthy" if box.unhealthy else "")
    title = "\n".join(_escaped(each) for each in (box.id, box.place, box.note) if each)
    parts = [f"<title>{title}</title>"]
    radius = placed.height // 2 if box.kind.value == "port" else 5
    parts.append(f'<rect x="{x}" y="{y}" width="{placed.width}" height="{placed.height}" rx="{radius}"/>')
    lines = [box.name, box.label] if box.label else [box.name]
    for number, line in enumerate(lines):
        named = ' class="label"' if number or not box.label else ""
        at = y + (17 + 15 * number if box.label else 24)
        parts.append(f'<text x="{x + 10}" y="{at}"{named}>{_escaped(shortened(line))}</text>')
    if box.unhealthy or box.link:  # in a page, health may change
        parts.append(f'<text class="sign" x="{x + placed.width - 18}" y="{y + placed.height - 8}">▲</text>')
    inner = _linked("".join(parts), box.link)
    return f'<g class="{classes}" data-id="{_escaped(box.id)}">{inner}</g>'


def _linked(inner: str, address: str) -> str:
    return f'<a href="{_escaped(address)}">{inner}</a>' if address else inner


def _escaped(text: str) -> str:
    """A text for content and attributes, without the characters that XML does not have."""
    return text.translate(_XML)
