"""Listening sockets, owned by address, so that a reload hands them over instead of reopening them.

A component claims addresses while it prepares; it gets duplicates of the listening socket, so that
an old and a new server can briefly accept from the same one and no connection is refused.
`SocketBook` knows who holds what; `Claims` are those of one load, committed or dropped as a whole.
Source: docs/spec/RUNTIME.md, section 3.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import sys
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from alloypy.lang.go.address import join_host_port, listen_host, port_fault
from alloypy.os_errors import errno_words, system_words
from alloypy.runtime.contract.component import BuildError

_WILDCARDS = frozenset({"", "0.0.0.0", "::"})
_BACKLOG = 4096
_FORGETTING_TRIES = 50
_FORGETTING_SECONDS = 0.1
_IN_USE = errno_words(errno.EADDRINUSE)


class Address(NamedTuple):
    """A resolved address. ip: "" for every interface, which one socket serves for IPv4 and IPv6."""

    ip: str
    port: int
    text: str

    @property
    def key(self) -> tuple[str, int]:
        """Equal for addresses that are the same."""
        return self.ip, self.port

    def overlaps(self, other: Address) -> bool:
        """Whether two owners cannot listen on them separately."""
        return self.port == other.port != 0 and (self.ip == other.ip or "" in {self.ip, other.ip})


async def resolve(host: str, port: int) -> Address:
    """The address that Go would listen on. Raises BuildError with Go's text."""
    fault = port_fault(port)
    if fault:
        raise BuildError(fault)
    try:
        host = listen_host(host, port)
    except ValueError as error:
        raise BuildError(str(error)) from None
    if host in _WILDCARDS:
        return Address("", port, join_host_port(host, port))
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError):
        raise BuildError(f"listen tcp: lookup {host}: no such host") from None
    addresses = [str(entry[4][0]) for entry in found]
    ip = next((each for each in addresses if ":" not in each), addresses[0])
    return Address(ip, port, join_host_port(ip, port))


def listen(address: Address) -> list[socket.socket]:
    """New listening, non-blocking sockets. Raises BuildError with Go's text."""
    if address.ip == "" and socket.has_dualstack_ipv6():
        return [_listening(address, _Kind(socket.AF_INET6, "", v6_only=False))]
    family = socket.AF_INET6 if ":" in address.ip else socket.AF_INET
    return [_listening(address, _Kind(family, address.ip))]


def listen_beside(address: Address, others: Sequence[Address]) -> list[socket.socket]:
    """New listening sockets beside overlapping sockets of ours, all of which share their port for now.

    Linux remembers that a port was shared, and lets the same user's other processes bind it, until a
    socket is bound to it in the ordinary way. So for all interfaces there is one socket for each version
    of IP, and the one with nothing to share is bound last. Raises BuildError with Go's text.
    """
    if address.ip != "":
        family = socket.AF_INET6 if ":" in address.ip else socket.AF_INET
        return [_listening(address, _Kind(family, address.ip, share=True))]
    kinds = [_Kind(socket.AF_INET, "", share=any(":" not in other.ip for other in others))]
    if socket.has_dualstack_ipv6():
        kinds.append(_Kind(socket.AF_INET6, "", share=any(":" in other.ip for other in others)))
    opened: list[socket.socket] = []
    try:
        opened += (_listening(address, kind) for kind in sorted(kinds, key=lambda each: not each.share))
    except BuildError:
        for each in opened:
            each.close()
        raise
    return opened


def forget_sharing(port: int, tries: int = _FORGETTING_TRIES) -> None:
    """Make the system forget that a port was shared, once nothing listens on all interfaces any more.

    To do so, a socket is bound to it briefly in the ordinary way, on a loopback address that nobody uses.
    """
    nowhere = ".".join(("127", *(str(1 + byte % 254) for byte in os.urandom(3))))
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as ordinary:
            ordinary.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            ordinary.bind((nowhere, port))
    except OSError:
        if tries > 1:  # the port's former server is about to close its socket
            loop = asyncio.get_running_loop()
            loop.call_later(_FORGETTING_SECONDS, forget_sharing, port, tries - 1)


class _Kind(NamedTuple):
    """The kind of socket to listen with."""

    family: int
    host: str
    v6_only: bool = True
    share: bool = False


def _listening(address: Address, kind: _Kind) -> socket.socket:
    opened = socket.socket(kind.family, socket.SOCK_STREAM)
    try:
        if kind.family == socket.AF_INET6 and kind.host == "":
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(kind.v6_only))
        if sys.platform != "win32":
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        if kind.share:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        opened.bind((kind.host, address.port))
        opened.listen(_BACKLOG)
        opened.setblocking(False)
    except OSError as error:
        opened.close()
        raise BuildError(f"listen tcp {address.text}: bind: {system_words(error)}") from None
    return opened


class _Listener:
    """The sockets of one address."""

    def __init__(self, address: Address, sockets: list[socket.socket]) -> None:
        self.address = address
        self.sockets = sockets

    def duplicates(self) -> list[socket.socket]:
        copies = [each.dup() for each in self.sockets]
        for each in copies:
            each.setblocking(False)
        return copies

    def share(self, allowed: bool) -> None:
        for each in self.sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(allowed))

    def close(self) -> None:
        for each in self.sockets:
            each.close()


class Conflict(NamedTuple):
    """Two owners would listen on the same address: the one to blame, and the error in Go's words."""

    owner: Hashable
    error: BuildError


class SocketBook:
    """Which owner holds which listeners. An owner is any hashable object that represents a component."""

    def __init__(self) -> None:
        self._held: dict[Hashable, dict[Hashable, _Listener]] = {}
        self._duplicates: dict[Hashable, list[socket.socket]] = {}

    def begin(self) -> Claims:
        """Claims for the next load; only one load runs at a time."""
        return Claims(self)

    def keep(self, owner: Hashable) -> None:
        """Close the duplicates that an owner was given; it keeps its listeners for its replacement."""
        for each in self._duplicates.pop(owner, ()):
            each.close()

    def leave(self, owner: Hashable) -> None:
        """Close the listeners that an owner holds; it closes its duplicates itself."""
        self._close_unheld(self._held.pop(owner, {}).values())

    def release(self, owner: Hashable) -> None:
        """Close the listeners and duplicates of an owner that has stopped."""
        self.keep(owner)
        self.leave(owner)

    def close(self) -> None:
        """Close everything."""
        for owner in [*self._held, *self._duplicates]:
            self.release(owner)

    def listeners(self) -> Iterator[tuple[Hashable, Hashable, _Listener]]:
        """Every owner, key and listener."""
        for owner, held in self._held.items():
            for key, listener in held.items():
                yield owner, key, listener

    def find(self, key: Hashable, address: Address) -> _Listener | None:
        """The listener with this key or address, whoever holds it."""
        for _, other, listener in self.listeners():
            if other == key or (address.port and listener.address.key == address.key):
                return listener
        return None

    def held(self, owner: Hashable) -> dict[Hashable, _Listener]:
        """The listeners that an owner holds, by key."""
        return self._held.get(owner, {})

    def exchange(self, changed: Mapping[Hashable, dict[Hashable, _Listener]]) -> None:
        """Replace what these owners hold, and close listeners left without an owner."""
        before = [listener for owner in changed for listener in self._held.pop(owner, {}).values()]
        self._held.update((owner, listeners) for owner, listeners in changed.items() if listeners)
        self._close_unheld(before)

    def given(self, owner: Hashable, sockets: Iterable[socket.socket]) -> None:
        """Record duplicates, to be closed with their owner at the latest; closed ones are forgotten."""
        mine = self._duplicates.setdefault(owner, [])
        mine[:] = [each for each in (*mine, *sockets) if each.fileno() >= 0]

    def _close_unheld(self, listeners: Iterable[_Listener]) -> None:
        kept = {id(listener) for _, _, listener in self.listeners()}
        for listener in listeners:
            if id(listener) not in kept:
                listener.close()


class Claims:
    """The claims of one load's components; they take effect with `commit`, or not at all."""

    def __init__(self, book: SocketBook) -> None:
        self._book = book
        self._claimed: dict[Hashable, dict[Hashable, _Listener]] = {}
        self._removed: set[Hashable] = set()
        self._fresh: list[_Listener] = []
        self._shared: set[int] = set()  # ports whose sharing the system still remembers
        self._duplicates: list[tuple[Hashable, socket.socket]] = []

    def touch(self, owner: Hashable) -> None:
        """Record that an owner claims again everything it needs."""
        self._claimed.setdefault(owner, {})

    def remove(self, owner: Hashable) -> None:
        """Record that an owner is going away."""
        self._removed.add(owner)

    async def claim(self, owner: Hashable, host: str, port: int) -> list[socket.socket]:
        """Duplicates of the sockets listening on an address. Raises BuildError with Go's text."""
        address = await resolve(host, port)
        key: Hashable = address.key if port else (owner, *address.key)
        listener = self._claimed.get(owner, {}).get(key) or self._obtain(key, address)
        self._claimed.setdefault(owner, {})[key] = listener
        copies = listener.duplicates()
        self._duplicates += ((owner, each) for each in copies)
        return copies

    def _obtain(self, key: Hashable, address: Address) -> _Listener:
        for other in self._claimed.values():
            if key in other:
                raise BuildError(f"listen tcp {address.text}: bind: {_IN_USE}")
        listener = self._book.find(key, address)
        if listener is None:
            sockets = self._listen(address)
            port = int(sockets[0].getsockname()[1])
            listener = _Listener(address._replace(port=port), sockets)
            self._fresh.append(listener)
        return listener

    def _listen(self, address: Address) -> list[socket.socket]:
        """Listen, even if one of our own sockets is in the way: it may be about to close."""
        known = [*(each for _, _, each in self._book.listeners()), *self._fresh]
        ours = {id(each): each for each in known if each.address.overlaps(address)}
        try:
            return listen(address)
        except BuildError:
            if not ours or not hasattr(socket, "SO_REUSEPORT"):
                raise
        # Linux checks the option when a socket is bound, so it is set only for this moment: before and
        # after, a server that binds in the ordinary way finds the address in use.
        for listener in ours.values():
            listener.share(True)
        try:
            opened = listen_beside(address, [each.address for each in ours.values()])
        finally:
            for listener in ours.values():
                listener.share(False)
        for each in opened:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)
        if address.ip != "":
            self._shared.add(address.port)
        return opened

    def conflicts(self) -> list[Conflict]:
        """Claims on what another owner keeps; call it once every component has been evaluated."""
        after: list[tuple[Hashable, _Listener]] = [
            (owner, listener)
            for owner, _, listener in self._book.listeners()
            if owner not in self._claimed and owner not in self._removed
        ]
        found = []
        for owner, claimed in self._claimed.items():
            for listener in claimed.values():
                address = listener.address
                if any(other != owner and address.overlaps(kept.address) for other, kept in after):
                    error = BuildError(f"listen tcp {address.text}: bind: {_IN_USE}")
                    found.append(Conflict(owner, error))
            after += ((owner, listener) for listener in claimed.values())
        return found

    def commit(self) -> None:
        """Give the owners what they claimed; addresses that nobody holds any more are closed."""
        for owner, duplicate in self._duplicates:
            self._book.given(owner, [duplicate])
        self._book.exchange(self._claimed | {owner: {} for owner in self._removed})
        for port in self._shared:
            forget_sharing(port)

    def drop(self) -> None:
        """Close what was opened and handed out for these claims."""
        for _, duplicate in self._duplicates:
            duplicate.close()
        for listener in self._fresh:
            listener.close()


class OwnedSockets:
    """The `Sockets` of one component; it can claim only while it prepares."""

    def __init__(self, owner: Hashable) -> None:
        self._owner = owner
        self._claims: Claims | None = None

    @contextlib.contextmanager
    def claiming(self, claims: Claims) -> Iterator[None]:
        """Let the component claim while the block lasts."""
        claims.touch(self._owner)
        self._claims = claims
        try:
            yield
        finally:
            self._claims = None

    async def claim(self, host: str, port: int) -> list[socket.socket]:
        """See `alloypy.runtime.contract.component.Sockets`."""
        if self._claims is None:
            raise BuildError(f"listen tcp {join_host_port(host, port)}: claimed outside of prepare")
        return await self._claims.claim(self._owner, host, port)
