"""What all pages share: the frame around their contents, their headers, and how they are reached.

Links in pages are relative to the first page, which `<base>` names as seen from each page. So pages work
below any prefix, also one that a proxy in front takes away.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import quote as percent_encoded

from alloypy.services.admin.messages import (
    ASGI,
    Answer,
    Asked,
    Headers,
    Receive,
    Scope,
    Send,
    asked,
    not_found,
)
from alloypy.services.admin.routing import Sendable, routed
from alloypy.services.web.html import Child, Html, around, encoded, h, join
from alloypy.services.web.static_files import VERSION, static_file

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; worker-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""The Content-Security-Policy: nothing inline, nothing from elsewhere, in no frame of others."""

SAFE: Headers = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    # With `no-referrer`, browsers would send `Origin: null` with our own forms.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""The headers of every answer."""

_PAGE: Headers = ((b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store"), *SAFE)
_JSON: Headers = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"), *SAFE)
_METHODS = ("GET", "HEAD")
_LONGEST_PATH = 8192


class Entry(NamedTuple):
    """A page in the navigation. path: below the prefix; "" is the first page."""

    path: str
    title: str


class View(NamedTuple):
    """One request for a page.

    given: what follows in the path after the page's own, such as the id of a component.
    root: leads from the address of the page to the first page: `./`, `../`, ...
    nav: the pages to offer.
    """

    asked: Asked
    given: str
    root: str
    nav: Sequence[Entry]

    def offers(self, path: str) -> bool:
        """Whether a page exists, so that others may link to it."""
        return any(entry.path == path for entry in self.nav)


Page: TypeAlias = Callable[[View], Awaitable[Sendable]]
"""Answers a request, usually by `page`, `failure` or `as_json`."""


class Pages(NamedTuple):
    """Pages by their path below the prefix, such as `graph` or `component/{given:ids}`.

    changing: paths that take POST as well. streams and files are pages, too.
    """

    pages: Mapping[str, Page]
    changing: Sequence[str] = ()


def application(parts: Sequence[Pages], nav: Sequence[Entry], prefix: str, default: ASGI) -> ASGI:
    """The application that serves pages.

    nav: the pages to offer, of which only those that exist are. prefix: begins and ends with `/`.
    default: answers all other paths.
    """
    pages = {path: page for part in parts for path, page in part.pages.items()}
    changing = {path for part in parts for path in part.changing}
    pages["static/{given:ids}"] = _static
    offered = tuple(entry for entry in nav if entry.path in pages)
    return routed(
        {prefix + path: _Served(page, offered, prefix, path in changing) for path, page in pages.items()},
        default,
    )


class _Served:
    """A page as an ASGI application."""

    def __init__(self, page: Page, nav: Sequence[Entry], prefix: str, changes: bool) -> None:
        self._page = page
        self._nav = nav
        self._depth = prefix.count("/")
        self._methods = (*_METHODS, "POST") if changes else _METHODS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        if len(path) > _LONGEST_PATH:
            await not_found().send(send)
            return
        depth = path.count(b"/") - self._depth
        given = scope.get("path_params", {}).get("given", "")
        view = View(asked(scope, receive), given, "../" * depth or "./", self._nav)
        if scope["method"] in self._methods:
            answer = await self._page(view)
        else:
            answer = self._not_allowed(view)
        await answer.send(send)

    def _not_allowed(self, view: View) -> Answer:
        """Names the methods to people and to programs. Source: RFC 9110, section 15.5.6."""
        answer = failure(view, 405, "Not allowed", f"This address takes {' and '.join(self._methods)}.")
        allow = (b"allow", ", ".join(self._methods).encode())
        return answer._replace(headers=(*answer.headers, allow))


def page(
    view: View,
    title: str,
    body: Child,
    module: str = "",
    *,
    active: str = "",
    status: int = 200,
    needs_script: str = "",
) -> Answer:
    """A page.

    module: the script in `static/` that enhances it, if any. active: the path of its entry in the
    navigation. needs_script: what does not work without JavaScript, as a sentence.
    """
    base = f"static/{VERSION}/"
    head = join(
        h("meta", {"charset": "utf-8"}),
        h("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        h("meta", {"name": "color-scheme", "content": "light dark"}),
        h("title", {}, f"{title} - alloypy"),
        h("base", {"href": view.root}),
        h("link", {"rel": "icon", "href": f"{base}icon.svg"}),
        h("link", {"rel": "stylesheet", "href": f"{base}app.css"}),
        h("script", {"type": "module", "src": f"{base}{module or 'common.js'}"}),
    )
    here = view.asked.path.rpartition("/")[2]
    content = (
        h("a", {"class": "skip", "href": f"{_own_address(view)}#main"}, "Skip to the content"),
        h("header", {"class": "top"}, _navigation(view.nav, active)),
        around(
            "main",
            {"id": "main", "tabindex": -1, "data-page": active or here or "components"},
            h("noscript", {}, h("p", {"class": "note"}, needs_script)) if needs_script else None,
            body,
        ),
    )
    document = around("html", {"lang": "en"}, h("head", {}, head), around("body", {}, content))
    return Answer(status, encoded(Html("<!DOCTYPE html>\n"), document), _PAGE)


def failure(view: View, status: int, title: str, *explanation: Child, active: str = "") -> Answer:
    """A page that says why there is nothing else to show."""
    body = join(h("h1", {}, title), [h("p", {}, each) for each in explanation])
    return page(view, title, body, active=active, status=status)


def as_json(value: Any, status: int = 200) -> Answer:
    """A value for scripts."""
    return Answer(
        status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"), _JSON
    )


def as_file(content: bytes, name: str, content_type: bytes = b"application/octet-stream") -> Answer:
    """Bytes to be stored as a file; browsers never show them as a page."""
    shown = "".join(character if character.isalnum() or character in "._-" else "_" for character in name)
    encoded = shown.encode("ascii", "replace").replace(b"?", b"_")
    headers = (
        (b"content-type", content_type),
        (b"content-disposition", b'attachment; filename="%s"' % encoded),
        (b"cache-control", b"no-store"),
        *SAFE,
    )
    return Answer(200, content, headers)


def link(path: str, *ids: str) -> str:
    """The relative address of a page: `link("component", id)`. Ids keep their slashes."""
    return "/".join((path, *(percent_encoded(each, safe="/", errors="replace") for each in ids)))


def wide(label: str, table: Child) -> Html:
    """A table that may be wider than the window; also the keyboard can scroll it. label: what it shows."""
    return h("div", {"class": "scroll", "role": "region", "aria-label": label, "tabindex": 0}, table)


def table(label: str, columns: Sequence[str], rows: Sequence[Html]) -> Html:
    """A table with headings, in a region that scrolls. rows: `tr` elements. label: what it shows."""
    heading = h("tr", {}, [h("th", {"scope": "col"}, each) for each in columns])
    return wide(label, h("table", {}, h("thead", {}, heading), h("tbody", {}, rows)))


def place_in(place: str, files: Container[str]) -> Html | str:
    """A place such as `config.alloy:12:1`, linked to its line. files: those that the configuration shows."""
    file, _, line = place.rpartition(":")[0].rpartition(":")
    if file not in files:
        return place
    return h("a", {"href": f"config#{percent_encoded(f'{file}:{line}', errors='replace')}"}, place)


def _own_address(view: View) -> str:
    """The address of the page itself, relative to the first page; for links within it."""
    depth = view.root.count("../")
    parts = view.asked.path.split("/")
    kept = "/".join(parts[len(parts) - depth - 1 :])
    query = f"?{view.asked.query.decode('latin-1')}" if view.asked.query else ""
    return percent_encoded(kept, safe="/", errors="replace") + query


def _navigation(nav: Sequence[Entry], active: str) -> Html:
    entries = [
        h("li", {}, h("a", {"href": path or "./", "aria-current": "page" if path == active else None}, title))
        for path, title in nav
    ]
    return h("nav", {"aria-label": "Pages"}, h("span", {"class": "brand"}, "alloypy"), h("ul", {}, entries))


async def _static(view: View) -> Answer:
    version, _, name = view.given.partition("/")
    found = static_file(name)
    if found is None:
        return failure(view, 404, "Not found", "There is no such file.")
    fresh = b"public, max-age=31536000, immutable" if version == VERSION else b"no-cache"
    headers = (
        (b"content-type", found.content_type),
        (b"cache-control", fresh),
        (b"etag", found.etag),
        *SAFE,
    )
    if view.asked.header(b"if-none-match") == found.etag.decode():
        return Answer(304, b"", headers)
    return Answer(200, found.content, headers)
