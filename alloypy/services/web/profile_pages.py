"""Pages for profiles that something has: files, or what a sink has received. A list, and flame graphs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from alloypy.services.admin.messages import ASGI, Answer, Receive, Scope, Send, asked, not_found
from alloypy.services.admin.routing import IDS
from alloypy.services.admin.web_guard import Hosts, refused
from alloypy.services.web.flame import flame_page
from alloypy.services.web.html import Html, h, join
from alloypy.services.web.profiles import Listed, Store, described
from alloypy.services.web.shell import SAFE, Entry, Pages, View, application, as_json, failure, page

_FILES = "api/v0/alloypy/files"
_BODY = (
    (b"content-type", b"application/octet-stream"),
    (b"content-disposition", b"attachment"),
    (b"cache-control", b"no-store"),
    *SAFE,
)


def profile_application(store: Store, hosts: Hosts | None) -> ASGI:
    """An application that shows profiles.

    hosts: the names that requests may use; None to refuse all, as anyone could look at the profiles.
    """
    nav = (Entry("", store.title), Entry("flame", "Flame graph"))
    pages = application([_pages(store)], nav, "/", _unknown)

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if hosts is None:
            answer: Answer | None = Answer(
                403, _CLOSED.encode(), ((b"content-type", b"text/plain; charset=utf-8"),)
            )
        else:
            answer = refused(asked(scope, receive), hosts)
        if answer is None:
            await pages(scope, receive, send)
        else:
            await answer.send(send)

    return guarded


_CLOSED = (
    "Profiles are shown only by a server on the loopback interface, since this one asks for no credentials: "
    "let it listen on 127.0.0.1 and forward a port to it.\n"
)


async def _unknown(_: Scope, __: Receive, send: Send) -> None:
    await not_found().send(send)


def _pages(store: Store) -> Pages:
    async def listing(view: View) -> Answer:
        profiles = store.profiles()
        body = _list(profiles) if profiles else h("p", {}, store.empty)
        return page(view, store.title, join(h("h1", {}, store.title), body))

    async def flame(view: View) -> Answer:
        return flame_page(view, f"{_FILES}/", "Choose a profile on the first page.")

    async def names(_: View) -> Answer:
        return as_json([_described(each) | {"labels": dict(each.labels)} for each in store.profiles()])

    async def body(view: View) -> Answer:
        found = next((each for each in store.profiles() if each.id == view.given), None)
        if found is None:
            return failure(view, 404, "Not found", "This profile is no longer kept.")
        try:
            content = await store.body(found)
        except ValueError as reason:
            return Answer(410, str(reason).encode("utf-8", "replace"), (*_TEXT, *SAFE))
        return Answer(
            200, content, (*_BODY, (b"x-alloypy-profile", described(found.labels, found.format, found.name)))
        )

    return Pages({"": listing, "flame": flame, _FILES: names, f"{_FILES}/{IDS}": body})


_TEXT = ((b"content-type", b"text/plain; charset=utf-8"),)


def _described(each: Listed) -> dict[str, str | int]:
    return {"id": each.id, "name": each.name, "size": each.size, "format": each.format}


def _list(profiles: Sequence[Listed]) -> Html:
    """The profiles, each with a link, and the forms that merge and compare; they need no script."""
    labelled = any(each.labels for each in profiles)
    columns = ["Profile", *(["Labels"] if labelled else []), "Bytes", "Merge", "A", "B"]
    heads = [h("th", {"scope": "col"}, each) for each in columns]
    buttons = h(
        "div",
        {"class": "bar"},
        _form("merge", "Merge the chosen"),
        _form("compare", "Compare A with B"),
    )
    rows = [_row(each, labelled) for each in profiles]
    table = h("table", {}, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows))
    return join(h("div", {"class": "scroll"}, table), buttons if len(profiles) > 1 else None)


def _form(name: str, text: str) -> Html:
    return h("form", {"id": name, "action": "flame", "method": "get"}, h("button", {}, text))


def _row(each: Listed, labelled: bool) -> Html:
    from urllib.parse import urlencode

    def choice(form: str, kind: str, name: str, does: str) -> Html:
        attributes = {
            "form": form,
            "type": kind,
            "name": name,
            "value": each.id,
            "aria-label": f"{does} {each.name}",
        }
        return h("td", {}, h("input", attributes))

    labels = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in each.labels.items()
    )
    return h(
        "tr",
        {},
        h("th", {"scope": "row"}, h("a", {"href": f"flame?{urlencode({'p': each.id})}"}, each.name)),
        h("td", {}, labels) if labelled else None,
        h("td", {"class": "number"}, f"{each.size:,}"),
        choice("merge", "checkbox", "p", "merge"),
        choice("compare", "radio", "a", "compare from"),
        choice("compare", "radio", "b", "compare to"),
    )
