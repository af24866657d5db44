"""The flame page: profiles as flame graphs, decoded and drawn by the browser.

`flame?p=ID` shows one, several `p` are merged, and `a=ID&b=ID` compares two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import parse_qsl

from alloypy.services.admin.messages import Answer
from alloypy.services.web.html import Child, Html, data, h, join
from alloypy.services.web.shell import Pages, View, failure, page

_PAGE = "flame"
_MOST_SHOWN = 64
_NEEDS_SCRIPT = "Flame graphs are drawn by JavaScript, which is switched off in this browser."


class Shown(NamedTuple):
    """A profile to show. side: `a` or `b` of a comparison, otherwise empty."""

    id: str
    side: str = ""


def pages(unprotected: Callable[[str], bool]) -> Pages:
    """The page of a running alloypy, for the profiles of the live page."""

    async def flame(view: View) -> Answer:
        if unprotected(view.asked.path):
            return failure(view, 403, "Flame graph", _UNPROTECTED, active=_PAGE)
        return flame_page(view, _LIVE_BODIES, _NOTHING)

    return Pages({_PAGE: flame})


_LIVE_BODIES = "api/v0/alloypy/live/bodies/"
_NOTHING = join(
    "Choose profiles on the page ",
    h("a", {"href": "live"}, "Live"),
    ". For files, use ",
    h("code", {}, "alloypy view"),
    ".",
)
_UNPROTECTED = (
    "Profiles are not shown, as others than this machine can reach this address without credentials. "
    "Ask for some in the http block: auth { basic { ... } }."
)


def flame_page(view: View, bodies: str, nothing: Child) -> Answer:
    """The page for the profiles that a request names.

    bodies: the path below which the profiles are, each by its id.
    nothing: what to say to a request that names none: where to choose one.
    """
    try:
        shown = _shown(view)
    except ValueError as reason:
        return failure(view, 400, "Flame graph", str(reason), active=_PAGE)
    if not shown:
        return page(view, "Flame graph", join(h("h1", {}, "Flame graph"), h("p", {}, nothing)), active=_PAGE)
    about = {"bodies": bodies, "show": [each._asdict() for each in shown]}
    body = join(
        h("h1", {"id": "title"}, "Flame graph"),
        h("p", {"id": "about", "class": "weak"}),
        h("p", {"id": "notes", "class": "weak"}),
        h("p", {"id": "refusal", "class": "note", "role": "alert", "hidden": True}),
        _controls(shown),
        h("p", {"id": "status", "role": "status", "aria-live": "polite"}, "Loading"),
        _graphs(),
        h("div", {"id": "tip", "hidden": True, "aria-hidden": "true"}),
        data(about),
    )
    return page(view, "Flame graph", body, "flame.js", active=_PAGE, needs_script=_NEEDS_SCRIPT)


def _shown(view: View) -> list[Shown]:
    """What a request names. Raises ValueError with what is wrong."""
    try:
        given = parse_qsl(view.asked.query.decode("latin-1"), max_num_fields=2 * _MOST_SHOWN)
    except ValueError:
        given = [("p", "")] * (_MOST_SHOWN + 1)
    one, a, b = ([value for name, value in given if name == wanted] for wanted in ("p", "a", "b"))
    if len(one) > _MOST_SHOWN:
        raise ValueError(f"A page merges {_MOST_SHOWN} profiles at most.")
    if not a and not b:
        return [Shown(each) for each in one]
    if one or len(a) != 1 or len(b) != 1:
        raise ValueError("A comparison is of two profiles, a and b, and of nothing else.")
    return [Shown(a[0], "a"), Shown(b[0], "b")]


def _controls(shown: list[Shown]) -> Html:
    swapped = [each._replace(side="ab".replace(each.side, "")) for each in reversed(shown)]
    views = (("both", "graph and table"), ("flame", "graph"), ("table", "table"))
    return h(
        "div",
        {"id": "controls", "class": "bar", "hidden": True},
        h("label", {}, "Type ", h("select", {"id": "type"})),
        h("label", {"id": "grouping"}, "Group by ", h("select", {"id": "group"})),
        h("label", {}, "Search ", h("input", {"id": "search", "type": "search", "autocomplete": "off"})),
        h("span", {"id": "matched", "role": "status"}),
        h(
            "label",
            {},
            "View ",
            h("select", {"id": "view"}, [h("option", {"value": value}, text) for value, text in views]),
        ),
        _checkbox("safe", "colour-blind palette"),
        h(
            "span",
            {"id": "difference", "class": "bar"},
            _checkbox("gone", h("span", {"id": "vanished"}, "only in A")),
            h("a", {"href": _address(swapped)}, "Swap"),
            h(
                "span",
                {"class": "legend"},
                h("i", {"id": "less"}),
                "less in B ",
                h("i", {"id": "more"}),
                _MORE,
            ),
        ),
        [_button(name, text) for name, text in _BUTTONS],
    )


_MORE = "more, hatched: new"
_BUTTONS = (("all", "Show all"), ("pprof", "Download pprof"), ("svg", "Download SVG"))


def _address(shown: list[Shown]) -> str:
    from urllib.parse import urlencode

    return f"{_PAGE}?{urlencode([(each.side or 'p', each.id) for each in shown])}"


def _checkbox(name: str, text: str | Html) -> Html:
    return h("label", {}, h("input", {"id": name, "type": "checkbox"}), " ", text)


def _button(name: str, text: str) -> Html:
    return h("button", {"id": name, "type": "button"}, text)


def _graphs() -> Html:
    return h(
        "div",
        {"id": "graphs", "hidden": True},
        h(
            "div",
            {"class": "graphs"},
            h("div", {"id": "flame", "class": "flame"}),
            h(
                "section",
                {"id": "sandwich", "hidden": True},
                h("h2", {}, "Callers of ", h("span", {"id": "function"}), " "),
                _button("leave", "Back to the whole graph"),
                h("div", {"id": "callers", "class": "flame"}),
                h("h2", {}, "What it calls"),
                h("div", {"id": "callees", "class": "flame"}),
            ),
        ),
        h("div", {"id": "table", "class": "scroll"}),
    )
