"""The page of one component: what it is given, what it gives, how it is, and what passes through it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from alloypy.runtime.contract.component import Table
from alloypy.runtime.contract.options import ComponentInfo
from alloypy.runtime.controller import Controller
from alloypy.schema.encode import encode_body
from alloypy.services.admin.messages import Answer
from alloypy.services.configuration import Configuration
from alloypy.services.web.components import ago, health_sign, outlined, per_second
from alloypy.services.web.html import Child, Html, h, join
from alloypy.services.web.rates import Rates
from alloypy.services.web.shell import Pages, View, as_file, as_json, failure, link, page, place_in, wide
from alloypy.services.web.values import LARGEST_SHOWN, beginning, content, is_large, tree
from alloypy.threads import WORK

_SECONDS = 30.0
_VALUES = "api/v0/alloypy/values"
_PARTS: dict[str, tuple[str, Callable[[ComponentInfo], Any]]] = {
    "arguments": ("Arguments", lambda info: info.arguments),
    "exports": ("Exports", lambda info: info.exports),
    "debug": ("Debug information", lambda info: info.debug_info),
}


def pages(controller: Controller, rates: Rates, configuration: Configuration) -> Pages:
    """The pages of components, and their values as files."""
    one_at_a_time = asyncio.Lock()

    def found(given: str) -> ComponentInfo | None:
        module, _, local = given.rpartition("/")
        try:
            return controller.component(module, local)
        except KeyError:
            return None

    async def component(view: View) -> Answer:
        info = found(view.given)
        if info is None:
            return failure(
                view,
                404,
                "No such component",
                ["There is no component ", h("code", {}, view.given), " in the configuration that runs."],
                h("a", {"href": "./"}, "All components"),
            )
        parts = [await _part(key, info) for key in _PARTS]
        body = join(
            _heading(view, info, {file.source.name for file in configuration.files}),
            await _flow(view, info, rates),
            [_table(each) for each in controller.tables(info.module, info.id)],
            parts,
            await _neighbours(controller, info),
        )
        return page(view, _global_id(info), body, "component.js")

    async def values(view: View) -> Answer:
        info = found(view.asked.parameter("id") or "")
        part = view.asked.parameter("part") or ""
        if info is None or part not in _PARTS:
            return as_json({"error": "there is no such component, or no such part of it"}, 404)
        value = _PARTS[part][1](info)
        if view.asked.parameter("as") == "html":
            return page(view, _PARTS[part][0], await WORK.run(lambda: beginning(value), _SECONDS))
        async with one_at_a_time:
            whole = await WORK.run(lambda: content(value), _SECONDS)
        return as_file(whole, f"{info.id}-{part}.json", b"application/json")

    return Pages({"component/{given:ids}": component, _VALUES: values})


def _global_id(info: ComponentInfo) -> str:
    return f"{info.module}/{info.id}" if info.module else info.id


async def _statements(part: str, info: ComponentInfo) -> list[Any]:
    """A part as the API shows it, made in a thread: it may be long."""
    value = _PARTS[part][1](info)
    return await WORK.run(lambda: encode_body(value), _SECONDS)


def _heading(view: View, info: ComponentInfo, files: Container[str]) -> Html:
    health = info.health
    about: list[Child] = [
        h("dt", {}, "Health"),
        h(
            "dd",
            {"id": "health", "data-id": _global_id(info)},
            health_sign(health),
            " ",
            h("span", {}, health.message, h("span", {"class": "weak"}, f" ({ago(health.time)})")),
        ),
    ]
    if info.module:
        about += [h("dt", {}, "Module"), h("dd", {}, _graph(view, info) or info.module)]
    elif graph := _graph(view, info):
        about += [h("dt", {}, "Graph"), h("dd", {}, graph)]
    if info.place:
        about += [h("dt", {}, "Defined in"), h("dd", {}, place_in(info.place, files))]
    if info.modules:
        inner = [
            h("li", {}, h("a", {"href": f"./?{urlencode({'filter': each})}"}, each)) for each in info.modules
        ]
        about += [h("dt", {}, "Contains"), h("dd", {}, h("ul", {"class": "plain"}, inner))]
    return join(h("h1", {}, _global_id(info)), h("dl", {"class": "facts", "id": "facts"}, about))


def _graph(view: View, info: ComponentInfo) -> Html | None:
    """A link to the graph of its module, in which it is highlighted."""
    if not view.offers("graph"):
        return None
    page = link("graph", info.module) if info.module else "graph"
    return h("a", {"href": f"{page}#{quote(_global_id(info), errors='replace')}"}, info.module or "Show")


async def _flow(view: View, info: ComponentInfo, rates: Rates) -> Html | None:
    passages, found = await rates.now()
    name = _global_id(info)
    flow = next((each.flow for each in passages if each.id == name), None)
    if flow is None:
        return None
    rate = found.get(name)
    rows = [
        h(
            "tr",
            {},
            h("th", {"scope": "row"}, title),
            h("td", {"class": "number", "data-count": key}, f"{count:,}"),
            h(
                "td",
                {"class": "number", "data-rate": key},
                per_second(None if rate is None else getattr(rate, key)),
            ),
        )
        for title, key, count in (
            ("In", "entered", flow.entered),
            ("Out", "left", flow.left),
            ("Dropped or failed", "lost", flow.lost),
        )
    ]
    figures = (f"{flow.of.capitalize()} since it started", "Per second")
    numbers = [h("th", {"scope": "col", "class": "number"}, each) for each in figures]
    heading = h("tr", {}, h("th", {"scope": "col"}, "Direction"), numbers)
    title = "What passes through"
    return h(
        "section",
        {"id": "flow"},
        h("h2", {}, title),
        wide(title, h("table", {"class": "narrow"}, h("thead", {}, heading), h("tbody", {}, rows))),
        h(
            "p",
            {},
            h("a", {"href": f"live?{urlencode({'component': name}, errors='replace')}"}, "See it live"),
        )
        if view.offers("live")
        else None,
    )


def _table(table: Table) -> Html:
    numbers = [all(isinstance(row[at], int) for row in table.rows) for at in range(len(table.columns))]

    def cell(tag: str, at: int, value: Child) -> Html:
        return h(tag, {"class": "number" if numbers[at] and table.rows else None}, value)

    heading = h("tr", {}, [cell("th", at, each) for at, each in enumerate(table.columns)])
    rows = [
        h("tr", {}, [cell("td", at, f"{v:,}" if isinstance(v, int) else v) for at, v in enumerate(row)])
        for row in table.rows
    ]
    content = h("table", {}, h("thead", {}, heading), h("tbody", {}, rows)) if rows else h("p", {}, "None.")
    return h("section", {}, h("h2", {}, table.title), wide(table.title, content))


async def _part(key: str, info: ComponentInfo) -> Html:
    title, value_of = _PARTS[key]
    address = f"{_VALUES}?{urlencode({'id': _global_id(info), 'part': key}, errors='replace')}"
    download = h("a", {"href": address, "download": True}, "Download")
    if is_large(value_of(info)):
        shown = h("a", {"href": f"{address}&as=html"}, "Show the beginning")
        inner: Child = h("p", {}, f"More than {LARGEST_SHOWN >> 10} KB. ", shown, " ", download)
    else:
        statements = await _statements(key, info)
        none = h("p", {"class": "weak"}, "None.")
        inner = join(tree(statements), h("p", {"class": "weak"}, download)) if statements else none
    return h("section", {"id": key}, h("h2", {}, title), inner)


async def _neighbours(controller: Controller, info: ComponentInfo) -> Html:
    """What feeds it, what it feeds, and what refers to what."""
    feeding = [
        each.id
        for each in await outlined(controller)
        if each.module == info.module and info.id in each.data_flow
    ]
    lists = (
        ("Fed by", sorted(feeding)),
        ("Feeds", sorted(set(info.data_flow))),
        ("Refers to", info.references),
        ("Referred to by", info.referenced_by),
    )
    return h(
        "section",
        {"id": "neighbours"},
        h("h2", {}, "Connections"),
        h(
            "dl",
            {"class": "facts"},
            [(h("dt", {}, title), h("dd", {}, _links(info.module, ids))) for title, ids in lists],
        ),
    )


def _links(module: str, ids: Sequence[str]) -> Html | str:
    if not ids:
        return "\u2013"
    prefix = f"{module}/" if module else ""
    return h(
        "ul",
        {"class": "plain"},
        [h("li", {}, h("a", {"href": link("component", prefix + each)}, each)) for each in ids],
    )
