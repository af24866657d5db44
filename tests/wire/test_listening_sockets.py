"""Listening sockets through real reloads: moves, swaps, renames and busy ports, all or nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from alloypy.runtime.contract.component import BuildError
from alloypy.runtime.running.sockets import OwnedSockets, SocketBook, listen, resolve
from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.fakes import World, world

pytestmark = pytest.mark.anyio


def listener(label: str, port: int, address: str = "127.0.0.1", more: str = "") -> str:
    """A fake component that listens."""
    listen = f'  listen {{\n    address = "{address}"\n    port = {port}\n  }}'
    return f'test.node "{label}" {{\n{more}\n{listen}\n}}\n'


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a connection to the port is accepted."""
    try:
        with socket.create_connection((host, port), timeout=5):
            return True
    except ConnectionRefusedError:
        return False


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@contextlib.contextmanager
def taken(port: int) -> Iterator[None]:
    """Another program listens on the port."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        yield


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def refused(w: World, text: str) -> list[str]:
    with pytest.raises(DiagnosticsError) as caught:
        await w.load(text)
    return [str(each) for each in caught.value.diagnostics]


def ports_of(w: World, label: str) -> set[int]:
    return {each.getsockname()[1] for each in w.node(f"test.node.{label}").sockets if each.fileno() >= 0}


@pytest.fixture(autouse=True)
def no_leak() -> Iterator[None]:
    """No test may leave a descriptor behind."""
    before = descriptors()
    yield
    assert descriptors() == before


async def test_a_first_load_listens_and_stopping_ends_it(tmp_path: Path) -> None:
    [port] = free_ports(1)
    async with world(tmp_path) as w:
        await w.load(listener("a", port))
        assert answers(port)
    assert not answers(port)


async def test_a_move(tmp_path: Path) -> None:
    one, two = free_ports(2)
    async with world(tmp_path) as w:
        await w.load(listener("a", one))
        await w.load(listener("a", two))
        assert (answers(one), answers(two)) == (False, True)
        assert ports_of(w, "a") == {two}


async def test_a_move_to_a_busy_port_changes_nothing(tmp_path: Path) -> None:
    one, two = free_ports(2)
    async with world(tmp_path) as w:
        await w.load(listener("a", one))
        with taken(two):
            assert await refused(w, listener("a", two)) == [
                (
                    "config.alloy:1:1: Failed to build component: updating component: "
                    f"listen tcp 127.0.0.1:{two}: bind: address already in use"
                )
            ]
        assert (answers(one), answers(two)) == (True, False)
        assert ports_of(w, "a") == {one}
        await w.load(listener("a", two))
        assert (answers(one), answers(two)) == (False, True)


async def test_a_swap(tmp_path: Path) -> None:
    one, two = free_ports(2)
    async with world(tmp_path) as w:
        await w.load(listener("a", one) + listener("b", two))
        await w.load(listener("a", two) + listener("b", one))
        assert (ports_of(w, "a"), ports_of(w, "b")) == ({two}, {one})
        await w.load(listener("a", one) + listener("b", two))
        assert (ports_of(w, "a"), ports_of(w, "b")) == ({one}, {two})
        assert answers(one)
        assert answers(two)


async def test_a_rename_hands_the_open_socket_over(tmp_path: Path) -> None:
    [port] = free_ports(1)
    async with world(tmp_path) as w:
        await w.load(listener("a", port))
        with socket.create_connection(("127.0.0.1", port)):  # waits in the backlog of the one open socket
            result = await w.load(listener("b", port))
            assert (result.created, result.removed) == (("test.node.b",), ("test.node.a",))
            [new] = w.node("test.node.b").sockets
            accepted, _ = new.accept()
            accepted.close()


async def test_what_another_component_keeps_cannot_be_taken(tmp_path: Path) -> None:
    [port] = free_ports(1)
    async with world(tmp_path) as w:
        await w.load(listener("z", port))
        message = f"listen tcp 127.0.0.1:{port}: bind: address already in use"
        assert await refused(w, listener("z", port) + listener("a", port)) == [
            f"config.alloy:8:1: Failed to build component: building component: {message}"
        ]
        assert await refused(w, listener("a", port) + listener("z", port)) == [
            f"config.alloy:1:1: Failed to build component: building component: {message}"
        ]
        other = listener("a", port, address="")
        assert await refused(w, listener("z", port) + other) == [
            (
                f"config.alloy:8:1: Failed to build component: building component: "
                f"listen tcp :{port}: bind: address already in use"
            )
        ]
        assert answers(port)


async def test_an_address_in_brackets_is_invalid(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        assert await refused(w, listener("a", 4040, address="[::1]")) == [
            (
                "config.alloy:1:1: Failed to build component: building component: "
                "listen tcp: address [[::1]]:4040: missing port in address"
            )
        ]


async def test_two_of_one_load_on_one_port(tmp_path: Path) -> None:
    [port] = free_ports(1)
    async with world(tmp_path) as w:
        assert await refused(w, listener("a", port) + listener("b", port)) == [
            (
                "config.alloy:1:1: Failed to build component: building component: "
                f"listen tcp 127.0.0.1:{port}: bind: address already in use"
            )
        ]
        assert not answers(port)


async def test_a_refused_load_leaves_nothing_open(tmp_path: Path) -> None:
    one, two = free_ports(2)
    async with world(tmp_path) as w:
        await w.load(listener("a", one))
        before = descriptors()
        for _ in range(5):
            await refused(w, listener("a", two) + listener("b", 0) + 'test.node "c" { fail = ["prepare"] }')
        assert descriptors() == before
        assert (answers(one), answers(two)) == (True, False)


async def test_an_update_that_fails_gives_the_old_port_back(tmp_path: Path) -> None:
    one, two = free_ports(2)
    async with world(tmp_path) as w:
        failing = 'test.node "z" {\n value = test.node.a.value\n'
        await w.load(listener("a", one, more='  value = "1"') + failing + "}")
        before = descriptors()
        text = listener("a", two, more='  value = "2"') + failing + ' fail = ["update"]\n}'
        assert await refused(w, text) == [
            "config.alloy:8:1: Failed to build component: updating component: update failed"
        ]
        assert (answers(one), answers(two)) == (True, False)
        assert ports_of(w, "a") == {one}
        assert descriptors() == before


async def test_the_port_of_a_component_that_failed_stays_its_own(tmp_path: Path) -> None:
    [port] = free_ports(1)
    async with world(tmp_path) as w:
        await w.load(listener("a", port, more='  fail = ["run"]'))
        await w.settled()
        assert w.health("test.node.a")[0] == "exited"
        assert answers(port)
        await w.load(listener("b", port))
        assert answers(port)
        await w.load("")
        assert not answers(port)


async def test_a_shared_port_is_closed_to_others_of_the_same_user(tmp_path: Path) -> None:
    [port] = free_ports(1)
    async with world(tmp_path) as w:
        for address in ("127.0.0.1", "0.0.0.0", "127.0.0.1", ""):
            await w.load(listener("a", port, address=address))
            for stranger in ("0.0.0.0", "127.0.0.1"):
                with socket.socket() as other:
                    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                    with pytest.raises(OSError, match="in use"):
                        other.bind((stranger, port))


async def test_from_all_interfaces_to_one_and_back(tmp_path: Path) -> None:
    [port] = free_ports(1)
    async with world(tmp_path) as w:
        await w.load(listener("a", port, address=""))
        assert answers(port)
        for address in ("127.0.0.1", "0.0.0.0", "127.0.0.1", "::"):
            await w.load(listener("a", port, address=address))
            sockets = w.node("test.node.a").sockets  # one for each version of IP, or one for both
            held = next(each for each in sockets if len(sockets) == 1 or each.family == socket.AF_INET)
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                accepted, _ = held.accept()
                accepted.close()
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError, match="in use"):
                other.bind(("127.0.0.1", port))


async def test_any_port_stays_the_same_port(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.load(listener("a", 0) + listener("b", 0))
        [port] = ports_of(w, "a")
        assert ports_of(w, "b") != {port}
        await w.load(listener("a", 0, more='  value = "2"') + listener("b", 0))
        assert ports_of(w, "a") == {port}
        await w.load(listener("a", port) + listener("b", 0))
        assert ports_of(w, "a") == {port}
        assert answers(port)


async def test_a_claim_outside_of_prepare_is_refused(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.load('test.node "a" { }')
        with pytest.raises(BuildError, match="claimed outside of prepare"):
            await w.node("test.node.a").options.sockets.claim("127.0.0.1", 0)


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("127.0.0.1", 70000, "listen tcp: address 70000: invalid port"),
        ("127.0.0.1", -1, "listen tcp: address -1: invalid port"),
        ("not an ip", 80, "listen tcp: lookup not an ip: no such host"),
        ("a" * 300, 80, f"listen tcp: lookup {'a' * 300}: no such host"),
        ("192.0.2.1", 1, "listen tcp 192.0.2.1:1: bind: cannot assign requested address"),
    ],
)
async def test_the_words_of_a_refusal(host: str, port: int, expected: str) -> None:
    claims = SocketBook().begin()
    sockets = OwnedSockets("owner")
    with sockets.claiming(claims), pytest.raises(BuildError) as caught:
        await sockets.claim(host, port)
    assert str(caught.value) == expected


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this system has no IPv6")
async def test_all_interfaces_take_both_families() -> None:
    [held] = listen(await resolve("", 0))
    with held:
        port = held.getsockname()[1]
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, port), timeout=5):
                accepted, _ = await asyncio.get_running_loop().sock_accept(held)
                accepted.close()


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::"])
async def test_every_way_to_say_all_interfaces_is_one_address(host: str) -> None:
    assert (await resolve(host, 80)).key == ("", 80)


async def test_a_name_is_looked_up() -> None:
    address = await resolve("localhost", 80)
    assert address.text in {"127.0.0.1:80", "[::1]:80"}
