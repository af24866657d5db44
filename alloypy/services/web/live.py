"""The live page: what happens to profiles at the moment, and the profiles themselves.

/live                               the page
/api/v0/alloypy/live                server-sent events; see `RowViewer` and docs/pages.md
/api/v0/alloypy/live/bodies/ID      a profile as it was received or sent
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from alloypy.services.admin.messages import Answer, Headers, error, refusal
from alloypy.services.admin.routing import IDS, Sendable
from alloypy.services.admin.streaming import FULL, OLD_HTTP, Stream, Streams
from alloypy.services.web.html import Html, h, join
from alloypy.services.web.live_hub import Hub
from alloypy.services.web.live_matching import VERDICTS, MatchError, Wanted, read_selector, read_verdicts
from alloypy.services.web.live_viewers import OFF, RowViewer
from alloypy.services.web.profiles import described
from alloypy.services.web.shell import SAFE, Pages, View, failure, page

_STREAM = "api/v0/alloypy/live"
_SWITCH = "livedebugging {\n  enabled = true\n}"
_OPEN_TO_OTHERS = (
    "Live profiles are shown to people who have signed in, or on this machine only: "
    "this port can be reached by others without credentials."
)
_EVENTS: Headers = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # proxies that collect answers would hold rows back
    *SAFE,
)
_GZIP = b"\x1f\x8b"


class _Live(NamedTuple):
    live: Callable[[], Hub | None]
    unprotected: Callable[[str], bool]
    streams: Streams

    async def page(self, view: View) -> Answer:
        """The page, or why it cannot be shown."""
        if self.unprotected(view.asked.path):
            return failure(
                view,
                403,
                "Live profiles need a sign-in",
                _OPEN_TO_OTHERS,
                join(
                    "Have the ",
                    h("code", {}, "http"),
                    " block of the configuration ask for credentials (its ",
                    h("code", {}, "auth"),
                    " block), or let ",
                    h("code", {}, "--server.http.listen-addr"),
                    " be an address of loopback.",
                ),
                active="live",
            )
        return page(
            view,
            "Live",
            _body(self.live() is not None, view.asked.parameter("component") or ""),
            "live.js",
            active="live",
            needs_script="Profiles are shown as they pass, which needs JavaScript. "
            f"Without it, read {_STREAM}, for instance with curl -N.",
        )

    async def stream(self, view: View) -> Sendable:
        """The events that a viewer wants to see."""
        request = view.asked
        if self.unprotected(request.path):
            return refusal(_OPEN_TO_OTHERS)
        hub = self.live()
        if hub is None:
            return Answer(200, OFF, _EVENTS)
        if request.version == "1.0":
            return OLD_HTTP
        try:
            kinds = read_verdicts(request.parameter("show"))
            selector = read_selector(request.parameter("match") or "")
        except MatchError as reason:
            return error(400, str(reason))
        if hub.full:
            return FULL
        if request.method == "HEAD":
            return Answer(200, b"", _EVENTS)
        viewer = RowViewer(hub, Wanted(kinds, selector, request.parameter("component") or ""))
        return Stream(self.streams, request, _EVENTS, viewer.messages())

    async def body(self, view: View) -> Answer:
        """A profile that is still held."""
        if self.unprotected(view.asked.path):
            return refusal(_OPEN_TO_OTHERS)
        hub = self.live()
        held = None if hub is None else hub.bodies.get(view.given)
        if held is None:
            return error(404, "this profile is not held any more: only the latest are, while somebody looks")
        raw, labels = bytes(held.content), held.labels
        kind = "pb.gz" if raw.startswith(_GZIP) else "profile"
        headers = (
            (b"content-type", b"application/octet-stream"),
            (b"content-disposition", f'attachment; filename="{view.given}.{kind}"'.encode()),
            (b"cache-control", b"no-store"),
            (b"x-alloypy-profile", described(labels, name=labels.get("service_name", ""))),
            *SAFE,
        )
        return Answer(200, raw, headers)


def pages(live: Callable[[], Hub | None], unprotected: Callable[[str], bool], streams: Streams) -> Pages:
    """The page and what it reads. live: None while live debugging is off."""
    answers = _Live(live, unprotected, streams)
    return Pages(
        {
            "live": answers.page,
            _STREAM: answers.stream,
            f"{_STREAM}/bodies/{IDS}": answers.body,
        }
    )


def _body(is_on: bool, component: str) -> Html:
    only = ["Only what happens at ", h("code", {}, component), ". ", h("a", {"href": "live"}, "Everything")]
    return join(
        h("h1", {}, "Live"),
        h("p", {}, only) if component else None,
        h(
            "div",
            {"id": "off", "class": "note", "hidden": is_on},
            h("p", {}, "Live debugging is off. Switch it on in the configuration, and reload:"),
            h("pre", {}, _SWITCH),
        ),
        h(
            "form",
            {"id": "filter", "class": "bar", "role": "search"},
            h("button", {"id": "pause", "type": "button", "aria-pressed": "false"}, "Pause"),
            h(
                "label",
                {},
                "match ",
                h(
                    "input",
                    {
                        "id": "match",
                        "size": 34,
                        "spellcheck": "false",
                        "placeholder": '{service_name="checkout"}',
                    },
                ),
            ),
            h("fieldset", {"class": "verdicts"}, h("legend", {}, "show"), [_box(name) for name in VERDICTS]),
        ),
        h("p", {"id": "problem", "class": "bad", "role": "alert", "hidden": True}),
        h("p", {"id": "counts", "class": "weak"}, "Waiting for profiles."),
        h(
            "div",
            {"class": "bar", "role": "group", "aria-label": "Selected profiles"},
            h("span", {"id": "selected", "role": "status"}, "Nothing selected"),
            h("button", {"id": "merge", "disabled": True}, "Merge"),
            h("button", {"id": "diff", "disabled": True}, "Diff"),
            h("button", {"id": "download", "disabled": True}, "Download"),
            h("button", {"id": "clear", "disabled": True}, "Clear selection"),
        ),
        h("div", {"class": "scroll", "tabindex": 0, "role": "region", "aria-label": "Profiles"}, _table()),
    )


def _box(verdict: str) -> Html:
    checked = verdict in ("dropped", "dead_letter", "sent", "failed")
    box = h("input", {"type": "checkbox", "name": "show", "value": verdict, "checked": checked})
    return h("label", {}, box, f" {verdict.replace('_', ' ')}")


def _table() -> Html:
    titles = ("Time", "Component", "Service", "Type", "Size", "What happened", "Profile")
    headings = [h("th", {"scope": "col"}, each) for each in titles]
    return h(
        "table",
        {"class": "live"},
        h("thead", {}, h("tr", {}, h("th", {"scope": "col"}, "Select"), headings)),
        h("tbody", {"id": "rows"}),
    )
