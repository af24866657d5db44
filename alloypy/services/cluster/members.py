"""The members of a cluster, and which of them takes care of what: rendezvous hashing.

Every member gives each key a score; the one with the highest has it. When a member joins or leaves, only its
own keys move.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_MOST_NAME_BYTES = 255


class Member(NamedTuple):
    """One replica. address: `host:port` of its admin server. instance: random, another after each start."""

    name: str
    instance: str
    address: str


def bounded(text: str) -> str:
    """A name or an instance, as all replicas shorten it: at most 255 bytes, and of characters alone."""
    return text.encode("utf-8", "replace")[:_MOST_NAME_BYTES].decode("utf-8", "ignore")


class Members:
    """A set of members as one of them sees it. own: that member, which belongs to it.

    Members that share a name are told apart by their instances, so each key still has one owner.
    """

    def __init__(self, own: Member, others: Iterable[Member] = ()) -> None:
        self.own = own
        self.all: Sequence[Member] = sorted({own, *others})
        names = [member.name for member in self.all]
        self.doubled = sorted({name for name in names if names.count(name) > 1})
        self._own_hash = self._hash(own)
        self._other_hashes = [self._hash(member) for member in self.all if member != own]

    def _hash(self, member: Member) -> bytes:
        identity = f"{member.name}\0{member.instance}" if member.name in self.doubled else member.name
        return hashlib.blake2b(identity.encode("utf-8", "surrogateescape"), digest_size=32).digest()

    def owns(self, key: bytes) -> bool:
        """Whether the own member has the key."""
        mine = _score(key, self._own_hash)
        return all(mine > _score(key, other) for other in self._other_hashes)


def _score(key: bytes, member: bytes) -> bytes:
    return hashlib.blake2b(key, key=member, digest_size=16).digest()
