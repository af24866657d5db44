"""The first page: all components, those that need attention first."""

from __future__ import annotations

from alloypy.runtime.contract.options import ComponentInfo
from alloypy.runtime.controller import Controller
from alloypy.services.admin.messages import Answer
from alloypy.services.web.html import Html, h, join
from alloypy.services.web.shell import Pages, View, link, page


def pages(controller: Controller) -> Pages:
    """The list of components."""

    async def components(view: View) -> Answer:
        infos = [info for module in controller.modules() for info in controller.components(module)]
        infos.sort(key=lambda info: -info.health.state)
        headings = h(
            "tr", {}, [h("th", {"scope": "col"}, each) for each in ("Health", "Component", "Module")]
        )
        table = h("table", {}, h("thead", {}, headings), h("tbody", {}, [_row(info) for info in infos]))
        return page(view, "Components", join(h("h1", {}, "Components"), table))

    return Pages({"": components})


def _row(info: ComponentInfo) -> Html:
    where = f"{info.module}/{info.id}" if info.module else info.id
    return h(
        "tr",
        {},
        h("td", {}, info.health.state.text),
        h("td", {}, h("a", {"href": link("component", where)}, info.id)),
        h("td", {}, info.module),
    )
