"""How much memory the process may use, and the share of it that answers of servers may take."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

LARGE_BYTES = 1 << 20
"""Only what is larger counts among the answers: others could not fill the memory that `Held` bounds."""

_LEAST_BYTES = 256 << 20
_LEAST_BYTES_WITHIN_LIMIT = 64 << 20
_OWN_CGROUPS = "/proc/self/cgroup"
_CGROUP = "/sys/fs/cgroup"
_CGROUP_V1 = "/sys/fs/cgroup/memory"


class Held:
    """Bytes that are held, up to a bound. most: the bound; now: how many."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.now = 0

    def take(self, count: int) -> bool:
        """Count more bytes as held, if there is room for them."""
        if self.now + count > self.most:
            return False
        self.now += count
        return True

    def give_back(self, count: int) -> None:
        """Count bytes as no longer held."""
        self.now -= count


@cache
def large_answers() -> Held:
    """What the process holds of large answers, while they arrive and until they have been passed on."""
    return Held(quarter_of_memory())


def quarter_of_memory() -> int:
    """A quarter of the memory that the process may use, in bytes.

    At least 64 MiB where a limit is set, 256 MiB where the machine is the only limit.
    """
    limit = memory_limit()
    if limit:
        return max(_LEAST_BYTES_WITHIN_LIMIT, limit // 4)
    return max(_LEAST_BYTES, _physical_memory() // 4)


def memory_limit() -> int:
    """The bytes of memory that the process's control groups or resource limits allow it.

    0 where there is no such limit, or only one above the machine's memory.
    """
    limits = [*_control_group_limits(), *_resource_limits()]
    physical = _physical_memory()
    return min((limit for limit in limits if not physical or limit < physical), default=0)


def _physical_memory() -> int:
    """The machine's memory in bytes, 0 where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0


def _control_group_limits() -> Iterator[int]:
    """The limits of the process's own control groups and of all above them, of both versions."""
    groups = {(_CGROUP, "memory.max"): ["/"], (_CGROUP_V1, "memory.limit_in_bytes"): ["/"]}
    for line in _lines(_OWN_CGROUPS):
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not controllers:
            groups[_CGROUP, "memory.max"].append(path)
        elif "memory" in controllers.split(","):
            groups[_CGROUP_V1, "memory.limit_in_bytes"].append(path)
    for (root, name), paths in groups.items():
        # In a container the path may be the host's, which is missing here: the root is then the container's.
        for folder in {above for path in paths for above in (path, *map(str, PurePosixPath(path).parents))}:
            for line in _lines(f"{root}/{folder.strip('/')}/{name}"):
                if line.isdigit():
                    yield int(line)


def _resource_limits() -> Iterator[int]:
    try:
        import resource
    except ImportError:
        return
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        soft, _ = resource.getrlimit(kind)
        if soft != resource.RLIM_INFINITY:
            yield soft


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
