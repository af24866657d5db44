"""The cluster that this process belongs to, as `alloypy.runtime.contract.cluster` promises it.

Members are the addresses of the names in `--cluster.join-addresses` that answer; the platform says who there
is, and every replica looks for itself. A replica that refuses connections is gone at once; one that does not
answer, when it has not answered twice.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import Awaitable, Iterator
from typing import Any

from alloypy.families import Family, gauge, gauges
from alloypy.os_errors import system_words
from alloypy.services.cluster.members import Member, Members, bounded
from alloypy.services.cluster.probing import Prober, Seen
from alloypy.services.settings import ClusterSettings

REFRESH_SECONDS = 5.0
"""How often names are resolved and members asked."""

_MOST_MISSES = 2

logger = logging.getLogger("alloypy.cluster")


class ClusterService:
    """The members of the cluster, looked for while `run` runs. address: `host:port` of the admin server."""

    enabled = True

    def __init__(self, settings: ClusterSettings, address: str) -> None:
        self._settings = settings
        self._prober: Prober | None = None
        self._own = Member(bounded(settings.node), secrets.token_hex(16), address)
        self._members = Members(self._own)
        self._addresses: dict[tuple[str, int], list[str]] = {}
        self._own_addresses: set[str] = set()
        self._misses: dict[str, int] = {}
        self._told: dict[object, str] = {}
        self._change: asyncio.Future[None] | None = None
        self._terminating = False
        self.ready = False

    def owns(self, key: bytes) -> bool:
        """Whether this process takes care of a key; nothing before it knows the members."""
        return self.ready and self._members.owns(key)

    def changed(self) -> Awaitable[None]:
        """Completes with the next change of members or readiness."""
        if self._change is None:
            self._change = asyncio.get_running_loop().create_future()
        return asyncio.shield(self._change)

    async def run(self) -> None:
        """Follow the members until cancelled."""
        if self._settings.unused:
            flags = ",".join(f"--{name}" for name in self._settings.unused)
            text = "flags without effect: replicas find each other by --cluster.join-addresses alone"
            logger.warning(text, extra={"fields": {"service": "cluster", "flags": flags}})
        if not self._settings.join:
            text = "no --cluster.join-addresses: this replica is alone and takes care of all targets"
            logger.warning(text, extra={"fields": {"service": "cluster"}})
        self._prober = Prober(self._settings.name)
        try:
            while True:
                await self._refresh(self._prober)
                await asyncio.sleep(REFRESH_SECONDS)
        finally:
            self._terminating = True
            await self._prober.close()

    async def _refresh(self, prober: Prober) -> None:
        await asyncio.gather(*(self._resolve(prober, host, port) for host, port in self._settings.join))
        known = {member.address for member in self._members.all if member != self._own}
        known.update(*self._addresses.values())
        seen = await prober.ask(sorted(known - self._own_addresses))
        self._adopt(seen)

    async def _resolve(self, prober: Prober, host: str, port: int) -> None:
        """Look a name up; while that fails, its last addresses stay."""
        try:
            self._addresses[host, port] = await prober.resolve(host, port)
            self._tell((host, port), "")
        except (OSError, UnicodeError) as error:
            self._tell((host, port), _why(error), "cannot look up a join address", host=host)

    def _adopt(self, seen: list[Seen]) -> None:
        old = {member.address: member for member in self._members.all}
        others: list[Member] = []
        for each in seen:
            if each.member is not None and each.member.instance == self._own.instance:
                self._own_addresses.add(each.address)
                continue
            member = each.member or self._remembered(each, old.get(each.address))
            if member is not None and member.instance not in {other.instance for other in others}:
                others.append(member)
            if each.member is not None:
                self._misses.pop(each.address, None)
            self._tell(each.address, each.fault, "a replica does not answer", addr=each.address)
        self._forget({each.address for each in seen})
        self._become(Members(self._own, others))

    def _forget(self, asked: set[str]) -> None:
        """Forget what is known of addresses that no name stands for any more."""
        self._misses = {address: count for address, count in self._misses.items() if address in asked}
        about = asked.union(self._settings.join)
        self._told = {key: fault for key, fault in self._told.items() if key in about}

    def _remembered(self, seen: Seen, member: Member | None) -> Member | None:
        """The member that has not answered, unless it is gone."""
        misses = self._misses[seen.address] = self._misses.get(seen.address, 0) + 1
        if seen.gone or misses >= _MOST_MISSES:
            return None
        return member

    def _become(self, members: Members) -> None:
        if self.ready and members.all == self._members.all:
            return
        self._members = members
        self.ready = True
        fields = {"peers_count": len(members.all), "peers": ",".join(each.name for each in members.all)}
        logger.info("peers changed", extra={"fields": {"service": "cluster", **fields}})
        if members.doubled:
            names = ",".join(members.doubled)
            text = "several replicas have the same name; give each its own with --cluster.node-name"
            logger.warning(text, extra={"fields": {"service": "cluster", "names": names}})
        if self._change is not None and not self._change.done():
            self._change.set_result(None)
        self._change = None

    def _tell(self, about: object, fault: str, message: str = "", **fields: str) -> None:
        """Log a fault when it is new."""
        if fault and self._told.get(about) != fault:
            logger.warning(message, extra={"fields": {"service": "cluster", **fields, "err": fault}})
        self._told[about] = fault

    def answer(self) -> dict[str, str]:
        """What this replica says about itself."""
        return {
            "name": self._own.name,
            "instance": self._own.instance,
            "cluster": self._settings.name,
            "state": self._state,
        }

    @property
    def _state(self) -> str:
        return "terminating" if self._terminating else "participant"

    def peers(self) -> list[dict[str, Any]]:
        """All members, as the API lists them."""
        return [
            {"name": each.name, "addr": each.address, "isSelf": each == self._own, "state": "participant"}
            for each in self._members.all
        ]

    def collect(self) -> Iterator[Family]:
        """The members as metrics."""
        name = self._settings.name
        states = {"participant": len(self._members.all), "terminating": 0, "viewer": 0}
        yield gauges(
            "cluster_node_peers",
            "Current number of healthy peers by state",
            ("cluster_name", "state"),
            {(name, state): count for state, count in states.items()},
        )
        yield gauge(
            "cluster_node_info",
            "Info about the local node. Label values will change as the node changes state.",
            1,
            state=self._state,
        )
        yield gauge(
            "cluster_ready_for_traffic",
            "Reports 1 when the cluster is ready to admit traffic, 0 otherwise.",
            float(self.ready),
            cluster_name=name,
        )


def _why(error: OSError | UnicodeError) -> str:
    """Why a name could not be looked up."""
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, UnicodeError):  # a name that no resolver accepts
        return "no such host"
    if isinstance(error, socket.gaierror):
        missing = error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None))
        return "no such host" if missing else (error.strerror or "no answer").lower()
    return system_words(error)
