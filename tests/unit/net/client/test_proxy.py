"""Proxies are chosen as Go's httpproxy chooses them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alloypy.lang.go.url import parse_url
from alloypy.net.client.messages import NotSent, Origin, origin_of
from alloypy.net.client.proxy import Proxies, ProxySettings

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[3] / "golden/net/proxies.jsonl").read_text("utf-8").splitlines()
]


def origin(url: str) -> Origin | None:
    try:
        return origin_of(parse_url(url))
    except NotSent:
        return None


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case['no_proxy']} {case['url']} {case['http_proxy']}"
)
def test_from_the_environment(case: dict[str, Any]) -> None:
    environ = {
        "HTTP_PROXY": case["http_proxy"],
        "HTTPS_PROXY": case["https_proxy"],
        "NO_PROXY": case["no_proxy"],
    }
    target = origin(case["url"])
    if target is None:
        assert case["proxy"] is None
        return
    route = Proxies(ProxySettings(from_environment=True), environ).route(target)
    wanted = case["proxy"] if case["proxy"] not in ("http:", "http://") else None  # bogus: none
    assert (None if route is None else str(route.url)) == wanted


def test_lower_case_variables_come_first() -> None:
    environ = {
        "HTTP_PROXY": "http://upper:1",
        "http_proxy": "http://lower:2",
        "NO_PROXY": "*",
        "no_proxy": "x",
    }
    proxies = Proxies(ProxySettings(from_environment=True), environ)
    route = proxies.route(origin_of(parse_url("http://example.com")))
    assert route is not None
    assert str(route.url) == "http://lower:2"


def test_the_environment_is_left_alone_unless_asked_for() -> None:
    assert not Proxies(ProxySettings(), {"HTTP_PROXY": "http://p:1"}).any


def test_a_given_proxy_serves_loopback_too_unless_there_are_exceptions() -> None:
    url = parse_url("http://p:1")
    local = origin_of(parse_url("http://localhost:4040"))
    assert Proxies(ProxySettings(url=url), {}).route(local) is not None
    assert Proxies(ProxySettings(url=url, no_proxy="x"), {}).route(local) is None
    other = origin_of(parse_url("https://example.com"))
    route = Proxies(ProxySettings(url=url, no_proxy="x", connect_headers=(("A", "b"),)), {}).route(other)
    assert route is not None
    assert route.connect_headers == (("A", "b"),)


def test_cgi_programs_are_not_fooled() -> None:
    environ = {"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}
    proxies = Proxies(ProxySettings(from_environment=True), environ)
    with pytest.raises(NotSent, match="refusing to use HTTP_PROXY"):
        proxies.route(origin_of(parse_url("http://example.com")))
