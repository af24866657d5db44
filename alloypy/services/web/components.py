"""The first page: all components, those that need attention first.

The list works without scripts: filter, grouping and order are in the address. `components.js` does the same
in the browser, and keeps the rates up to date.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from alloypy.runtime.contract.component import Flow
from alloypy.runtime.contract.health import Health, now
from alloypy.runtime.contract.options import Outline
from alloypy.runtime.controller import Controller
from alloypy.runtime.pace import Pace
from alloypy.services.admin.messages import Answer
from alloypy.services.admin.shared_answers import SharedAnswers
from alloypy.services.web.html import Html, h, join
from alloypy.services.web.pipelines import pipelines
from alloypy.services.web.rates import PerSecond, Rates
from alloypy.services.web.running_picture import written
from alloypy.services.web.shell import Page, Pages, View, as_json, link, page, wide
from alloypy.threads import WORK

SIGNS = {"healthy": "\u25cf", "unknown": "\u25cb", "unhealthy": "\u25b2", "exited": "\u25a0"}
"""A sign for each state of health, so that none is told by its colour alone."""

_GROUPS = {"pipeline": "pipeline", "module": "module", "kind": "kind", "": "nothing"}
_COLUMNS = {
    "health": "Health",
    "name": "Component",
    "module": "Module",
    "in": "In/s",
    "out": "Out/s",
    "dropped": "Dropped/s",
    "message": "Message",
}
_SECONDS = 30.0
_NUMBERS = ("in", "out", "dropped")


class _Row(NamedTuple):
    outline: Outline
    health: Health
    pipeline: str
    flow: Flow | None
    rate: PerSecond | None

    @property
    def text(self) -> str:
        """What the filter searches."""
        about = self.outline
        return f"{about.global_id} {self.health.state.text} {self.health.message} {self.pipeline}".lower()


class Asked(NamedTuple):
    """What the address of the list asks for. order: a column; one with `-` in front is reversed."""

    filter: str
    group: str
    order: str

    @classmethod
    def of(cls, view: View) -> Asked:
        """Unknown values count as none."""
        group = view.asked.parameter("group")
        order = view.asked.parameter("sort") or ""
        return cls(
            (view.asked.parameter("filter") or "")[:1000],
            group if group in _GROUPS else "pipeline",
            order if order.removeprefix("-") in _COLUMNS else "",
        )


def pages(controller: Controller, rates: Rates) -> Pages:
    """The list of components, and what keeps it up to date. Long lists are made one at a time."""
    shared = SharedAnswers()

    def one_at_a_time(make: Callable[[View], Awaitable[Answer]]) -> Page:
        async def answer(view: View) -> Answer:
            key = f"{view.root} {view.asked.path}?{view.asked.query.decode('latin-1')}"
            return await shared.get(key, lambda: make(view))

        return answer

    async def components(view: View) -> Answer:
        asked = Asked.of(view)
        rows = await _rows(controller, rates)
        shown = sum(_matches(row, asked.filter) for row in rows)
        tables = await _groups(rows, asked)
        body = join(
            h("h1", {}, "Components"),
            _summary(rows),
            _controls(asked),
            h("p", {"id": "count", "class": "weak", "role": "status"}, _count(shown, len(rows))),
            wide("Components", h("table", {"id": "components", "class": "rows"}, _head(asked), tables)),
            None if rows else h("p", {}, "The configuration has no components."),
        )
        return page(view, "Components", body, "components.js")

    async def states(view: View) -> Answer:
        passages, found = await rates.now()
        wanted = view.asked.parameter("id")
        chosen = (each for each in passages if wanted in (None, each.id))
        return as_json([_state(each.id, each.health, each.flow, found.get(each.id)) for each in chosen])

    async def listed(view: View) -> Answer:
        pace, entries = Pace(), []
        for row in await _rows(controller, rates):
            about = row.outline
            entry = _state(about.global_id, row.health, row.flow, row.rate)
            entry |= {"module": about.module, "name": about.name, "label": about.label}
            entry |= {"pipeline": row.pipeline, "place": about.place}
            entries.append(entry)
            await pace.breathe()
        return as_json(entries)

    made = {"": components, "api/v0/alloypy/states": states, "api/v0/alloypy/components": listed}
    return Pages({path: one_at_a_time(make) for path, make in made.items()})


def health_sign(health: Health) -> Html:
    """A state of health, with its sign."""
    state = health.state.text
    sign = h("span", {"aria-hidden": "true"}, SIGNS[state])
    return h("span", {"class": f"health {state}"}, sign, f" {state}")


def ago(time: datetime) -> str:
    """How long ago that was, roughly: `12 s ago`."""
    seconds = max(0, int((now() - time).total_seconds()))
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def per_second(value: float | None) -> str:
    """A rate in a table; a dash if it is not known."""
    if value is None:
        return "\u2013"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2g}"


async def outlined(controller: Controller) -> list[Outline]:
    """All components, worked out in a thread: thousands take long."""
    return await WORK.run(controller.outlines, _SECONDS)


async def _rows(controller: Controller, rates: Rates) -> list[_Row]:
    outlines = await outlined(controller)
    of = await WORK.run(lambda: pipelines(outlines), _SECONDS)
    passages, found = await rates.now()
    by_id = {each.id: each for each in passages}
    rows = []
    for each in sorted(outlines, key=written):
        known = by_id.get(each.global_id)
        if known is not None:
            name = each.global_id
            rows.append(_Row(each, known.health, of[name], known.flow, found.get(name)))
    return rows


def _state(name: str, health: Health, flow: Flow | None, rate: PerSecond | None) -> dict[str, Any]:
    return {
        "id": name,
        "health": health.state.text,
        "message": health.message,
        "since": health.time.timestamp(),
        "counts": None if flow is None else flow._asdict(),
        "rates": rate,
    }


def _matches(row: _Row, wanted: str) -> bool:
    text = row.text
    return all(word in text for word in wanted.lower().split())


def _summary(rows: Sequence[_Row]) -> Html:
    counts: dict[str, int] = dict.fromkeys(SIGNS, 0)
    for row in rows:
        counts[row.health.state.text] += 1
    told = [
        h(
            "li",
            {"id": state, "class": f"health {state}", "hidden": not count and state != "healthy"},
            h("span", {"aria-hidden": "true"}, SIGNS[state]),
            f" {count} {state}",
        )
        for state, count in counts.items()
    ]
    return h("ul", {"class": "summary", "id": "summary"}, told)


def _controls(asked: Asked) -> Html:
    options = [
        h("option", {"value": value, "selected": value == asked.group}, title)
        for value, title in _GROUPS.items()
    ]
    search: dict[str, str | int] = {
        "type": "search",
        "name": "filter",
        "id": "filter",
        "value": asked.filter,
        "size": 36,
    }
    search["placeholder"] = "name, module, health, message"
    return h(
        "form",
        {"class": "bar", "role": "search", "id": "controls"},
        h("label", {"for": "filter"}, "Filter"),
        h("input", search),
        h("label", {"for": "group"}, "Group by"),
        h("select", {"name": "group", "id": "group"}, options),
        h("input", {"type": "hidden", "name": "sort", "id": "sort", "value": asked.order}),
        h("button", {"id": "apply"}, "Show"),
    )


def _count(shown: int, of: int) -> str:
    return f"{of:,} components" if shown == of else f"{shown:,} of {of:,} components"


def _head(asked: Asked) -> Html:
    from urllib.parse import urlencode

    cells = []
    for key, title in _COLUMNS.items():
        reverse = asked.order == (f"-{key}" if key in _NUMBERS else key)
        order = {(False, False): key, (False, True): f"-{key}", (True, False): f"-{key}", (True, True): key}
        wanted = order[key in _NUMBERS, reverse]
        query = urlencode({"filter": asked.filter, "group": asked.group, "sort": wanted})
        sorting = asked.order.removeprefix("-") == key
        direction = ("descending" if asked.order.startswith("-") else "ascending") if sorting else None
        attributes = {"scope": "col", "class": "number" if key in _NUMBERS else None, "aria-sort": direction}
        cells.append(h("th", attributes, h("a", {"href": f"./?{query}", "data-sort": key}, title)))
    return h("thead", {}, h("tr", {}, cells))


async def _groups(rows: Sequence[_Row], asked: Asked) -> list[Html]:
    """The bodies of the table, one for each group, those with unhealthy components first.

    Rows that the filter leaves out are there, but hidden: `components.js` can show them again.
    """
    name_of = _GROUPING[asked.group]
    groups: dict[str, list[_Row]] = {}
    for row in sorted(rows, key=lambda row: -row.health.state):
        groups.setdefault(name_of(row), []).append(row)
    pace, bodies = Pace(), []
    for name, members in groups.items():
        if asked.order:
            reverse = asked.order.startswith("-")
            members.sort(key=_ORDERS[asked.order.removeprefix("-")], reverse=reverse)
        lines = []
        if asked.group:
            heading = h("th", {"colspan": len(_COLUMNS), "scope": "rowgroup"}, name, f" ({len(members)})")
            lines.append(h("tr", {"class": "group"}, heading))
        matching = [_matches(row, asked.filter) for row in members]
        for row, matches in zip(members, matching, strict=True):
            lines.append(_line(row, hidden=not matches))
            await pace.breathe()
        bodies.append(h("tbody", {"hidden": not any(matching)}, lines))
    return bodies


_GROUPING: Mapping[str, Callable[[_Row], str]] = {
    "pipeline": lambda row: row.pipeline,
    "module": lambda row: row.outline.module or "the configuration itself",
    "kind": lambda row: row.outline.name,
    "": lambda row: "",
}

_ORDERS: Mapping[str, Callable[[_Row], Any]] = {
    "health": lambda row: -row.health.state,
    "name": lambda row: row.outline.id,
    "module": lambda row: row.outline.module,
    "in": lambda row: row.rate.entered if row.rate else -1,
    "out": lambda row: row.rate.left if row.rate else -1,
    "dropped": lambda row: row.rate.lost if row.rate else -1,
    "message": lambda row: row.health.message,
}


def _line(row: _Row, *, hidden: bool) -> Html:
    about, rate, flow = row.outline, row.rate, row.flow
    rates = (rate.entered, rate.left, rate.lost) if rate is not None else (None, None, None)
    counts = (flow.entered, flow.left, flow.lost) if flow is not None else (None, None, None)
    cells = [
        h(
            "td",
            {"class": "number", "title": None if flow is None else f"{count:,} {flow.of} since it started"},
            per_second(value),
        )
        for value, count in zip(rates, counts, strict=True)
    ]
    return h(
        "tr",
        {"data-id": about.global_id, "data-pipeline": row.pipeline, "hidden": hidden},
        h("td", {}, health_sign(row.health)),
        h("td", {}, h("a", {"href": link("component", about.global_id)}, about.id)),
        h("td", {}, about.module or None),
        cells,
        h("td", {}, row.health.message, h("span", {"class": "weak"}, f" ({ago(row.health.time)})")),
    )
