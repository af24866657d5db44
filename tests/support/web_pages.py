"""Pages as browsers get them: asked over sockets, and parsed."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>",
    '"><svg onload=alert(4)>',
    "' onmouseover='alert(5)",
    "<iframe src=javascript:alert(6)>",
    "javascript:alert(7)",
    "--><script>alert(8)</script><!--",
    "]]><script>alert(9)</script>",
    "&lt;script&gt;alert(10)&lt;/script&gt;",
)
"""Texts that would run scripts in a page that takes them for markup."""

_OWN_TAGS = frozenset(
    """html head meta title base link script body a header nav span ul ol li main noscript h1 h2 h3 p table
    thead tbody tr th td form label input select option button dl dt dd section details summary pre code div
    canvas output fieldset legend kbd strong em textarea datalist""".split()  # noqa: SIM905
)
_DRAWN = frozenset(
    ("svg", "g", "path", "rect", "text", "tspan", "defs", "marker", "polygon", "line", "circle")
)


class Got(NamedTuple):
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Page(HTMLParser):
    """A page, taken apart. texts: what its elements contain. links: addresses that it leads to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All texts."""
        return "".join(self.texts)

    @property
    def base(self) -> str:
        """What links are relative to, as seen from the page."""
        return next((attributes["href"] or "" for tag, attributes in self.tags if tag == "base"), "")

    @property
    def links(self) -> list[str]:
        return [
            address
            for tag, attributes in self.tags
            for name in ("href", "src", "action")
            if (address := attributes.get(name)) is not None and tag != "base"
        ]

    def check(self) -> None:
        """Assert that nothing in it was made by somebody else: no element, no listener, no inline script."""
        for tag, attributes in self.tags:
            assert tag in _OWN_TAGS | _DRAWN, (tag, attributes)
            for name, value in attributes.items():
                assert not name.startswith("on"), (tag, attributes)
                assert name not in ("style", "srcdoc"), (tag, attributes)
                if name in ("href", "src", "action"):
                    assert not (value or "").lower().startswith(("javascript:", "//")), (tag, attributes)
            if tag == "script":
                assert attributes.get("src", "").startswith("static/") or (  # type: ignore[union-attr]
                    attributes.get("type") == "application/json"
                ), attributes


def ask(address: str, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Got:
    """Ask a server. headers: with `_` for `-`."""
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest(method, path, skip_host="Host" in names)
    for name, value in names.items():
        connection.putheader(name, value)
    if method == "POST":
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return Got(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)


def crawl(address: str, start: str) -> dict[str, Got]:
    """Everything that is found by following links from a page, resolved as browsers do; by path and query."""
    found: dict[str, Got] = {}
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path in found or len(found) > 300:
            continue
        found[path] = got = ask(address, path)
        if got.headers.get("content-type", "").startswith("text/html"):
            page = Page(got.text)
            base = urljoin(f"http://{address}{path}", page.base)
            for each in page.links:
                parts = urlsplit(urljoin(base, each))
                if parts.netloc == address:
                    waiting.append(parts.path + (f"?{parts.query}" if parts.query else ""))
    return found
