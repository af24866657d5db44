"""The graph page: what flows between the components that run, drawn as `alloypy graph` draws configurations.

The picture is part of the page and needs no script; `graph.js` highlights, and keeps health and rates up to
date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from alloypy.drawing.dot import dot
from alloypy.drawing.layout import laid_out
from alloypy.drawing.mermaid import mermaid
from alloypy.drawing.picture import Picture
from alloypy.drawing.svg import svg
from alloypy.drawing.text import text
from alloypy.runtime.contract.health import Health
from alloypy.runtime.contract.options import Outline
from alloypy.runtime.controller import Controller
from alloypy.services.admin.messages import Answer
from alloypy.services.web.components import outlined, per_second
from alloypy.services.web.html import Child, Html, around, h
from alloypy.services.web.pipelines import pipelines
from alloypy.services.web.rates import Rates, Seen
from alloypy.services.web.running_picture import (
    MOST_BOXES,
    arrows_of,
    drawn_of,
    is_in,
    picture_of,
    rates_of,
    states_of,
)
from alloypy.services.web.shell import Pages, View, as_file, as_json, failure, link, page
from alloypy.services.web.static_files import DRAWING_STYLE, VERSION
from alloypy.threads import WORK

_API = "api/v0/alloypy/graph"
_SECONDS = 30.0
_FORMATS: Mapping[str, tuple[str, bytes, Callable[[Picture], str]]] = {
    "svg": ("svg", b"image/svg+xml", lambda picture: svg(laid_out(picture))),
    "mermaid": ("mmd", b"text/plain; charset=utf-8", mermaid),
    "dot": ("dot", b"text/vnd.graphviz; charset=utf-8", dot),
}
"""The downloads: the ending of the file, its type, and what writes it."""


class _Shown(NamedTuple):
    """What is asked for. part: the components. names: of the pipelines to choose from.

    left_out: how many components of modules inside are not in `part`, because they would be too many.
    seen: all components.
    """

    module: str
    pipeline: str
    part: Sequence[Outline]
    names: Sequence[str]
    left_out: int
    healths: Mapping[str, Health]
    seen: Seen

    @property
    def query(self) -> str:
        """The part of the address that asks for the same."""
        asked = {"module": self.module, "pipeline": self.pipeline}
        return urlencode({key: value for key, value in asked.items() if value}, errors="replace")

    @property
    def title(self) -> str:
        """What the picture is called."""
        parts = [f"Graph of {self.module}" if self.module else "Graph", self.pipeline]
        return ": ".join(each for each in parts if each)


def pages(controller: Controller, rates: Rates) -> Pages:
    """The picture, its downloads, and what changes in it."""

    async def shown(module: str, view: View) -> _Shown | None:
        if module and module not in controller.modules():
            return None
        outlines = await outlined(controller)
        seen = await rates.look()
        pipeline = view.asked.parameter("pipeline") or ""
        return await WORK.run(lambda: _shown(module, pipeline, outlines, seen), _SECONDS)

    async def graph(view: View) -> Answer:
        found = await shown(view.given, view)
        if found is None:
            unknown = ["No such module runs: ", h("code", {}, view.given)]
            all_of = h("a", {"href": "graph"}, "The whole graph")
            return failure(view, 404, "No such module", unknown, all_of, active="graph")
        body = (
            h("h1", {}, "Graph", [": ", h("code", {}, view.given)] if view.given else None),
            h("link", {"rel": "stylesheet", "href": f"static/{VERSION}/{DRAWING_STYLE}"}),
            _controls(found),
            _note(found),
            await WORK.run(lambda: _drawn(found), _SECONDS),
        )
        return page(view, found.title, body, "graph.js", active="graph")

    async def exported(view: View) -> Answer:
        found = await shown(view.asked.parameter("module") or "", view)
        if found is None:
            return as_json({"error": "there is no such module"}, 404)
        wanted = view.asked.parameter("as") or ""
        if not wanted:
            return as_json(await WORK.run(lambda: _changing(found), _SECONDS))
        if wanted not in _FORMATS:
            return as_json({"error": f"choose one of {', '.join(_FORMATS)}"}, 400)
        ending, content_type, write = _FORMATS[wanted]
        content = await WORK.run(lambda: write(_picture(found)).encode("utf-8", "replace"), _SECONDS)
        return as_file(content, f"graph.{ending}", content_type)

    return Pages({"graph": graph, "graph/{given:ids}": graph, _API: exported})


def _shown(module: str, pipeline: str, outlines: Sequence[Outline], seen: Seen) -> _Shown:
    """What is asked for; an unknown pipeline counts as none."""
    of = pipelines(outlines)
    inside = [each for each in outlines if is_in(each.module, module)]
    names = list(dict.fromkeys(of[each.global_id] for each in inside))
    if pipeline in names:
        inside = [each for each in inside if of[each.global_id] == pipeline]
    else:
        pipeline = ""
    part = drawn_of(inside, module)
    healths = {each.id: each.health for each in seen.passages}
    return _Shown(module, pipeline, part, names, len(inside) - len(part), healths, seen)


def _changing(found: _Shown) -> dict[str, Any]:
    """What a page that is open has to update."""
    rates = rates_of(arrows_of(found.part), found.seen.rates())
    edges = [[source, target, per_second(rate)] for (source, target), rate in rates.items()]
    known = [each.global_id for each in found.part]
    return {"ids": known, "rates": edges, "unhealthy": states_of(found.part, found.healths)}


def _picture(found: _Shown) -> Picture:
    """The picture for a file: without links and room for rates, which a file does not have."""
    picture = picture_of(found.title, found.module, found.part, found.healths)
    return picture._replace(
        boxes=[box._replace(link="") for box in picture.boxes],
        arrows=[arrow._replace(text=None) for arrow in picture.arrows],
        groups=[group._replace(link="") for group in picture.groups],
    )


def _drawn(found: _Shown) -> Child:
    """The picture, and the same as a tree."""
    picture = picture_of(found.title, found.module, found.part, found.healths)
    if not picture.boxes:
        return h("p", {}, "There are no components.")
    tree = h("pre", {"tabindex": 0, "aria-label": "The graph as a tree"}, text(picture))
    about = {"class": "scroll", "id": "graph", "data-query": found.query}
    return (
        around("div", about, Html(svg(laid_out(picture), style=False))),
        h("details", {}, h("summary", {}, "As a tree"), tree),
    )


def _controls(found: _Shown) -> Html:
    every = h("option", {"value": "", "selected": not found.pipeline}, "all")
    options = [h("option", {"value": each, "selected": each == found.pipeline}, each) for each in found.names]
    downloads = []
    for each in _FORMATS:
        address = f"{_API}?{found.query}{'&' if found.query else ''}as={each}"
        downloads.append(h("a", {"href": address, "download": True}, each))
    return h(
        "form",
        {
            "class": "bar",
            "id": "controls",
            "action": link("graph", found.module) if found.module else "graph",
        },
        h("label", {"for": "pipeline"}, "Pipeline"),
        h("select", {"name": "pipeline", "id": "pipeline"}, every, options),
        h("button", {"id": "apply"}, "Show"),
        h("span", {}, "Download: ", [[each, " "] for each in downloads]),
        h("a", {"href": "graph"}, "Whole graph") if found.module or found.pipeline else None,
        h("span", {"id": "chosen", "role": "status"}),
    )


def _note(found: _Shown) -> Html | None:
    """What is left out, if anything is."""
    if not found.left_out:
        return None
    return h(
        "p",
        {"class": "note"},
        f"{found.left_out:,} components of modules are left out, as there are more than {MOST_BOXES:,}; ",
        h("a", {"href": "modules"}, "the tree of modules"),
        " leads to the graph of each.",
    )
