"""The page of the modules: what imports brought, and which modules are inside which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from alloypy.runtime.contract.options import ImportInfo, Outline
from alloypy.runtime.controller import Controller
from alloypy.services.admin.messages import Answer
from alloypy.services.web.components import ago, health_sign, outlined
from alloypy.services.web.html import Html, h, join
from alloypy.services.web.shell import Pages, View, link, page, table


def pages(controller: Controller) -> Pages:
    """The tree of modules."""

    async def modules(view: View) -> Answer:
        outlines = await outlined(controller)
        ids = controller.modules()
        healths = {each.id: each.health.state.text for each in controller.passages()}
        body = join(
            h("h1", {}, "Modules"),
            h(
                "p",
                {},
                "Custom components and the items of each foreach are modules with components of their own.",
            ),
            h("ul", {"class": "modules"}, _module(view, "", _inside(ids), outlines, healths))
            if ids
            else None,
            _imports(controller.imports()),
        )
        return page(view, "Modules", body, active="modules")

    return Pages({"modules": modules})


def _inside(ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The modules directly inside each one: the closest whose id begins with its own."""
    known = set(ids)
    inside: dict[str, list[str]] = {}
    for each in ids:
        outer = each
        while outer:
            outer = outer.rpartition("/")[0]
            if outer in known:
                break
        if each:
            inside.setdefault(outer, []).append(each)
    return inside


def _module(
    view: View,
    module: str,
    inside: Mapping[str, Sequence[str]],
    outlines: Sequence[Outline],
    healths: Mapping[str, str],
) -> Html:
    own = [each for each in outlines if each.module == module]
    counts = Counter(healths.get(each.global_id, "unknown") for each in own)
    told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    graph = link("graph", module) if module else "graph"
    inner = [_module(view, each, inside, outlines, healths) for each in inside.get(module, ())]
    return h(
        "li",
        {},
        h(
            "a",
            {"href": f"./?{urlencode({'filter': module, 'group': 'module'}, errors='replace')}"},
            module or "The configuration itself",
        ),
        h(
            "span",
            {"class": "weak"},
            " 1 component" if len(own) == 1 else f" {len(own):,} components",
            f" ({told})" if told else None,
            " ",
        ),
        h("a", {"href": graph, "aria-label": f"Graph of {module or 'the configuration'}"}, "graph")
        if view.offers("graph")
        else None,
        h("ul", {}, inner) if inner else None,
    )


def _imports(imports: Sequence[ImportInfo]) -> Html:
    rows = [
        h(
            "tr",
            {},
            h("td", {}, health_sign(each.health)),
            h("td", {}, each.id),
            h("td", {}, each.place),
            h("td", {}, each.health.message, h("span", {"class": "weak"}, f" ({ago(each.health.time)})")),
        )
        for each in imports
    ]
    shown = table("Imports", ("Health", "Import", "Written at", "Message"), rows)
    return join(h("h2", {}, "Imports"), shown if rows else h("p", {"class": "weak"}, "None."))
