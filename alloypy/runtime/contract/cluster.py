"""Clusters: which of several replicas takes care of a target.

A component that shares targets asks `owns` for each of them, and asks again after every change:

    while True:
        change = cluster.changed()
        ...  # keep the targets for which cluster.owns(key)
        await change
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Protocol


class Cluster(Protocol):
    """The replicas that share targets, and which of them this process is.

    enabled: whether this process is one of a cluster. Without one it owns every key.
    ready: whether the members are known. Until then this process owns nothing.
    """

    @property
    def enabled(self) -> bool: ...

    @property
    def ready(self) -> bool: ...

    def owns(self, key: bytes) -> bool:
        """Whether this process takes care of what has this key; exactly one ready member does."""
        ...

    def changed(self) -> Awaitable[None]:
        """Completes once members or readiness have changed after this call, awaited or not."""
        ...


class NoCluster:
    """A process on its own: it owns everything, and nothing ever changes."""

    enabled = False
    ready = True

    def owns(self, key: bytes) -> bool:
        return True

    def changed(self) -> asyncio.Future[None]:
        """Never completes."""
        return asyncio.get_running_loop().create_future()


NO_CLUSTER = NoCluster()
