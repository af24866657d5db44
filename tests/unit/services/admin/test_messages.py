"""Requests to the admin server, read as Go reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alloypy.services.admin.messages import Asked, as_json, shown, text
from alloypy.services.admin.web_guard import Hosts, host_name


async def receive() -> Any:
    return {"type": "http.disconnect"}


def asked(query: bytes) -> Asked:
    return Asked("GET", "/", query, [], receive)


@pytest.mark.parametrize(
    ("query", "value"),
    [
        (b"", None),
        (b"w", ""),
        (b"w=", ""),
        (b"w=1&w=2", "1"),
        (b"%77=1", "1"),
        (b"w=a+b%3D", "a b="),
        (b"w=%zz&w=2", "2"),
        (b"w=1;x&w=2", "2"),
        (b"w=a=b", "a=b"),
        (b"&&x=1&w=3", "3"),
        (b"w=1" + b"&x" * 9_999, "1"),
        (b"w=1" + b"&x" * 10_000, None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_the_first_parameter_of_a_name_counts(query: bytes, value: str | None) -> None:
    assert asked(query).parameter("w") == value


def test_bytes_that_are_no_text_give_no_fault() -> None:
    assert text(200, "a\udcff").body == b"a\xff"
    assert text(200, "a\ud800").body == b"a?"
    assert json.loads(as_json({"a": "b\udcff"}).body) == {"a": "b\ufffd"}


def test_what_is_very_long_is_cut_before_it_is_quoted() -> None:
    assert shown("\x01" * 100_000) == '"' + "\\x01" * 8192 + '..."'


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Alloy.Example.ORG.", "alloy.example.org"),
        ("my_host", "my_host"),
        ("[2001:DB8:0::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("a b", None),
        ("a:1", None),
        ("", None),
        (".", None),
        ("a..b", None),
        ("http://a", None),
    ],
)
def test_names_in_the_form_that_is_compared(given: str, name: str | None) -> None:
    assert host_name(given) == name


def test_a_server_answers_to_the_name_that_it_was_told_to_listen_on() -> None:
    hosts = Hosts("My-Machine:12345", ("other.example",))
    assert hosts.admits("my-machine:1")
    assert hosts.admits("other.example")
    assert not hosts.admits("mymachine")
