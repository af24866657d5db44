"""Who may talk to the admin server."""

from __future__ import annotations

import base64

import pytest

from alloypy.lang.values import Secret
from alloypy.runtime.blocks.http import AuthArguments, BasicAuthArguments, FilterArguments
from alloypy.services.admin.server import ListenError, Policy, bind

BASIC = BasicAuthArguments(username="u", password=Secret("p\u00e4ss:word"))


def header(username: str, password: str) -> list[tuple[bytes, bytes]]:
    encoded = base64.b64encode(f"{username}:{password}".encode())
    return [(b"host", b"h"), (b"authorization", b"Basic " + encoded)]


GOOD = header("u", "p\u00e4ss:word")


def policy(filter_: FilterArguments | None = None) -> Policy:
    return Policy(AuthArguments(basic=BASIC, filter=filter_))


def test_without_credentials_everything_is_open() -> None:
    for auth in (None, AuthArguments(basic=None, filter=FilterArguments(paths=("/",)))):
        assert Policy(auth).admits("/-/reload", [])
        assert not Policy(auth).active


def test_without_a_filter_everything_asks() -> None:
    assert policy().active
    assert not policy().admits("/-/ready", [])
    assert policy().admits("/-/ready", GOOD)


@pytest.mark.parametrize(
    "headers",
    [
        header("u", "wrong"),
        header("v", "p\u00e4ss:word"),
        header("", ""),
        [(b"authorization", b"Basic !!!")],
        [(b"authorization", b"Basic dXA=")],
        [(b"authorization", b"Bearer x")],
        [(b"authorization", b"")],
    ],
)
def test_anything_but_the_credentials_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    assert not policy().admits("/metrics", headers)


def test_the_scheme_is_read_in_any_case() -> None:
    (_, value) = GOOD[1]
    assert policy().admits("/metrics", [(b"authorization", value.replace(b"Basic", b"bAsIc"))])


def test_a_filter_protects_what_it_lists() -> None:
    listed = policy(FilterArguments(paths=("/metrics", "/-/reload")))
    assert not listed.admits("/metrics", [])
    assert not listed.admits("/metrics/deeper", [])
    assert listed.admits("/-/ready", [])


def test_a_filter_may_open_what_it_lists() -> None:
    opened = policy(FilterArguments(paths=("/-/",), authenticate_matching_paths=False))
    assert opened.admits("/-/ready", [])
    assert not opened.admits("/metrics", [])


@pytest.mark.parametrize("matching", [True, False])
def test_a_filter_without_paths_protects_everything(matching: bool) -> None:
    empty = policy(FilterArguments(authenticate_matching_paths=matching))
    assert not empty.admits("/metrics", [])
    assert empty.admits("/metrics", GOOD)


@pytest.mark.anyio
async def test_listening_reports_the_address_and_whether_it_is_loopback() -> None:
    for address, loopback in (("127.0.0.1:0", True), ("0.0.0.0:0", False), (":0", False)):
        listener = await bind(address)
        assert listener.loopback is loopback
        assert int(listener.address.rpartition(":")[2]) > 0
        listener.sockets[0].close()
    with pytest.raises(ListenError, match="not of the form host:port"):
        await bind("127.0.0.1")
