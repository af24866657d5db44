"""What pyroscope.write and pyroscope.relabel refuse to load, in Alloy's words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alloypy.components.http_client import (
    AuthorizationArguments,
    BasicAuthArguments,
    HTTPClientArguments,
    OAuth2Arguments,
    ProxyArguments,
    TLSArguments,
    client_settings,
)
from alloypy.components.relabel_rule import RuleArguments
from alloypy.lang.go.regexp import parse_regexp
from alloypy.lang.go.url import parse_url
from alloypy.lang.values import Secret
from alloypy.schema.faults import Fault
from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.pipeline import pipeline

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "golden/pyroscope/load_errors_sending.jsonl")
    .read_text("utf-8")
    .splitlines()
]


@pytest.mark.anyio
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_recorded_load(case: dict[str, Any], tmp_path: Path) -> None:
    try:
        async with pipeline(case["config"], tmp_path):
            error = None
    except DiagnosticsError as refused:
        error = refused.diagnostics[0].message
    assert error == case["error"]


@pytest.mark.anyio
@pytest.mark.parametrize("given", ['proxy_url = ""', ""])
async def test_a_proxy_of_empty_text_is_given(given: str, tmp_path: Path) -> None:
    endpoint = f'url = "http://127.0.0.1:1"\n{given}\nno_proxy = "a"'
    try:
        async with pipeline(f'pyroscope.write "w" {{\nendpoint {{\n{endpoint}\n}}\n}}\n', tmp_path):
            error = ""
    except DiagnosticsError as refused:
        error = str(refused)
    assert ("proxy_url must also be configured" in error) == (not given), error


def texts(faults: Iterator[Fault]) -> list[str]:
    return [fault.message for fault in faults]


def test_a_client_without_faults() -> None:
    for given in (
        HTTPClientArguments(),
        HTTPClientArguments(basic_auth=BasicAuthArguments()),
        HTTPClientArguments(authorization=AuthorizationArguments()),
        HTTPClientArguments(bearer_token=Secret(""), bearer_token_file="f"),
        HTTPClientArguments(http_headers={"X-A": (Secret("1"),)}),
        HTTPClientArguments(proxy=ProxyArguments(proxy_url=parse_url("http://p"), no_proxy="x")),
    ):
        assert texts(given.check()) == []


ONE_LOGIN = (
    "at most one of basic_auth, authorization, oauth2, bearer_token & bearer_token_file must be configured"
)


def test_one_way_to_log_in() -> None:
    assert texts(HTTPClientArguments(basic_auth=BasicAuthArguments(), bearer_token=Secret("x")).check()) == [
        ONE_LOGIN
    ]
    assert texts(
        HTTPClientArguments(authorization=AuthorizationArguments(), oauth2=OAuth2Arguments()).check()
    ) == [ONE_LOGIN]


@pytest.mark.parametrize(
    "name", ["authorization", "HOST", "content-length", "user-agent", "Www-Authenticate"]
)
def test_reserved_headers(name: str) -> None:
    canonical = "-".join(part.capitalize() for part in name.split("-"))
    assert texts(HTTPClientArguments(http_headers={name: ()}).check()) == [
        f'setting header "{canonical}" is not allowed'
    ]


def test_oauth2_names_what_is_missing_in_order() -> None:
    assert texts(OAuth2Arguments().check()) == [
        "oauth2 client_id must be configured",
        "either oauth2 client_secret or client_secret_file must be configured",
        "oauth2 token_url must be configured",
    ]
    both = OAuth2Arguments(client_id="i", client_secret=Secret("s"), client_secret_file="f", token_url="u")
    assert texts(both.check()) == [
        "at most one of oauth2 client_secret & client_secret_file must be configured"
    ]


def with_proxy(**settings: Any) -> Iterator[Fault]:
    return HTTPClientArguments(proxy=ProxyArguments(**settings)).check()


def test_proxies() -> None:
    url = parse_url("http://p")
    header = {"a": (Secret("b"),)}
    assert texts(with_proxy(proxy_connect_header=header)) == [
        "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured"
    ]
    assert texts(with_proxy(proxy_url=url, proxy_from_environment=True, no_proxy="x")) == [
        "if proxy_from_environment is configured, proxy_url must not be configured",
        "if proxy_from_environment is configured, no_proxy must not be configured",
    ]
    assert texts(with_proxy(proxy_url=parse_url(""), no_proxy="x")) == []
    assert texts(with_proxy(no_proxy="x")) == ["if no_proxy is configured, proxy_url must also be configured"]


def test_basic_is_no_type_of_authorization() -> None:
    message = 'authorization type cannot be set to "basic", use "basic_auth" block instead'
    assert texts(AuthorizationArguments(type=" Basic ").check()) == [message]


def test_settings_of_a_client() -> None:
    given = HTTPClientArguments(
        bearer_token=Secret("t"),
        tls_config=TLSArguments(server_name="n", min_version="TLS12"),
        http_headers={"x-a": (Secret("1"), Secret("2"))},
        follow_redirects=False,
    )
    settings = client_settings(given)
    assert settings.authorization is not None
    assert (settings.authorization.type, settings.authorization.credentials) == ("Bearer", Secret("t"))
    assert (settings.tls.server_name, settings.tls.min_version) == ("n", "TLS12")
    assert settings.http_headers == (("x-a", ("1", "2")),)
    assert not settings.follow_redirects
    named = client_settings(HTTPClientArguments(authorization=AuthorizationArguments(type=" ")))
    assert named.authorization is not None
    assert named.authorization.type == "Bearer"


REGEX = parse_regexp("q")


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"action": ""}, "relabel action cannot be empty"),
        (
            {"action": "hashmod", "target_label": "x"},
            "relabel configuration for hashmod requires non-zero modulus",
        ),
        *(
            ({"action": action}, f"relabel configuration for {action} action requires 'target_label' value")
            for action in ("replace", "lowercase", "uppercase", "keepequal", "dropequal")
        ),
        ({"target_label": "$1-b"}, "\"$1-b\" is invalid 'target_label' for replace action"),
        ({"target_label": "a\udcff"}, "\"a\\xff\" is invalid 'target_label' for replace action"),
        (
            {"action": "lowercase", "target_label": "a", "replacement": "z"},
            "'replacement' can not be set for lowercase action",
        ),
        (
            {"action": "labelmap", "replacement": "a-b"},
            "\"a-b\" is invalid 'replacement' for labelmap action",
        ),
        *(
            (
                {"action": "labeldrop", **other},
                "labeldrop action requires only 'regex', and no other fields",
            )
            for other in (
                {"source_labels": ()},
                {"target_label": "x"},
                {"modulus": 1},
                {"separator": ","},
                {"replacement": "x"},
            )
        ),
        *(
            (
                {"action": "keepequal", "target_label": "x", **other},
                "keepequal action requires only 'source_labels' and 'target_label', and no other fields",
            )
            for other in ({"regex": REGEX}, {"modulus": 1}, {"separator": ","})
        ),
    ],
)
def test_rules(rule: dict[str, Any], message: str) -> None:
    assert message in texts(RuleArguments(**rule).check())


@pytest.mark.parametrize(
    "rule",
    [
        {"target_label": "a-b"},
        {"target_label": "${1}_x$2", "regex": REGEX},
        {"action": "labelkeep", "regex": REGEX},
        {"action": "hashmod", "target_label": "$x-", "modulus": 2**64 - 1},
        {"action": "dropequal", "target_label": "x", "source_labels": ("a",)},
        {"action": "labelmap", "replacement": "$1"},
    ],
)
def test_rules_without_fault(rule: dict[str, Any]) -> None:
    assert texts(RuleArguments(**rule).check()) == []


def test_a_long_template_is_checked_in_no_time() -> None:
    rule = RuleArguments(action="labelmap", replacement="$aaaa" * 2000 + "-")
    assert len(texts(rule.check())) == 1


def test_a_rule_without_regex_has_the_default() -> None:
    assert RuleArguments(regex=None, target_label="x").rule().regex.text == "(.*)"
