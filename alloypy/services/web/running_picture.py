"""Pictures of the components that run: which ones, what flows between them, and how much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alloypy.drawing.picture import Arrow, Box, Group, Kind, Picture
from alloypy.runtime.contract.health import Health
from alloypy.runtime.contract.options import Outline
from alloypy.services.web.rates import PerSecond
from alloypy.services.web.shell import link

MOST_BOXES = 2_000
"""With more, the modules inside the one that is shown are left out."""


def drawn_of(outlines: Sequence[Outline], module: str) -> list[Outline]:
    """The components to draw of those in and inside a module, in the order in which they are written."""
    kept = outlines
    if len(outlines) > MOST_BOXES:
        kept = [each for each in outlines if each.module == module]
    return sorted(kept, key=written)


def is_in(module: str, outer: str) -> bool:
    """Whether a module is another one or inside it; everything is inside the root."""
    return not outer or module == outer or module.startswith(f"{outer}/")


def picture_of(title: str, module: str, part: Sequence[Outline], healths: Mapping[str, Health]) -> Picture:
    """The picture of components. Modules inside `module` have frames; ids are global."""
    shown = {each.module for each in part} - {module}
    boxes = [_box(each, module, shown, healths.get(each.global_id)) for each in part]
    groups = [Group(each, each, link("graph", each)) for each in dict.fromkeys(each.module for each in part)]
    return Picture(title, boxes, arrows_of(part), [group for group in groups if group.id in shown])


def arrows_of(part: Sequence[Outline]) -> list[Arrow]:
    """What flows between the components; each arrow has room for a rate."""
    known = {each.global_id for each in part}
    found = []
    for each in part:
        prefix = f"{each.module}/" if each.module else ""
        targets = (prefix + local for local in each.data_flow)
        found += [Arrow(each.global_id, target, text="") for target in targets if target in known]
    return found


def rates_of(arrows: Iterable[Arrow], rates: Mapping[str, PerSecond]) -> dict[tuple[str, str], float]:
    """What flows along each arrow per second, as far as what the components count says it.

    What a component passes on goes to each of its receivers; of a receiver that one component feeds, its own
    count of what came in is nearer.
    """
    arrows = list(arrows)
    feeding: dict[str, list[str]] = {}
    for arrow in arrows:
        if arrow.source in rates and arrow.target in rates:
            feeding.setdefault(arrow.target, []).append(arrow.source)
    found = {}
    for target, sources in feeding.items():
        for source in sources:
            known = rates[target].entered if len(sources) == 1 else rates[source].left
            found[source, target] = known
    return found


def states_of(part: Sequence[Outline], healths: Mapping[str, Health]) -> dict[str, Any]:
    """The messages of the unhealthy components, by their ids."""
    found = ((each.global_id, healths.get(each.global_id)) for each in part)
    return {name: _line(health) for name, health in found if health is not None and _is_bad(health)}


def _box(outline: Outline, module: str, shown: set[str], health: Health | None) -> Box:
    name = outline.global_id
    bad = health is not None and _is_bad(health)
    return Box(
        name,
        outline.name,
        outline.label,
        Kind.MODULE if outline.modules else Kind.COMPONENT,
        "" if outline.module == module else outline.module,
        next((each for each in outline.modules if each in shown), ""),
        outline.place,
        f"unhealthy: {_line(health)}" if health is not None and bad else "",
        bad,
        link("component", name),
    )


def _line(health: Health) -> str:
    return " ".join(health.message.split())


def _is_bad(health: Health) -> bool:
    return health.state.text in {"unhealthy", "exited"}


def written(outline: Outline) -> tuple[str, str, int, int]:
    """Where a component is written, for the order of the text: in a picture or a list."""
    rest, _, column = outline.place.rpartition(":")
    file, _, line = rest.rpartition(":")
    numbers = (int(line), int(column)) if line.isdecimal() and column.isdecimal() else (0, 0)
    return (outline.module, file, *numbers)
