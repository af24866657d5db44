"""Addresses to listen on: hosts and texts are those of Go."""

from __future__ import annotations

import pytest

from alloypy.lang.go.address import join_host_port, listen_host


@pytest.mark.parametrize(
    ("host", "told"),
    [("", ""), ("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("[a]", "a"), ("localhost", "localhost")],
)
def test_hosts(host: str, told: str) -> None:
    assert listen_host(host, 80) == told


@pytest.mark.parametrize(
    ("host", "fault"),
    [
        ("[::1]", "address [[::1]]:80: missing port in address"),
        ("[::1", "address [[::1]:80: unexpected '[' in address"),
        ("::1]", "address [::1]]:80: missing port in address"),
        ("[a", "address [a:80: missing ']' in address"),
        ("a]", "address a]:80: unexpected ']' in address"),
        ("::1]:9", "address [::1]:9]:80: too many colons in address"),
    ],
)
def test_invalid_hosts(host: str, fault: str) -> None:
    with pytest.raises(ValueError, match="listen tcp") as raised:
        listen_host(host, 80)
    assert str(raised.value) == f"listen tcp: {fault}"


def test_joining() -> None:
    assert join_host_port("a", 1) == "a:1"
    assert join_host_port("::", 1) == "[::]:1"
