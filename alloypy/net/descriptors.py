"""File descriptors: how many the process may open, and what the last of them are kept for.

The number of clients is not bounded, so everything else comes before them: connections that forward
profiles, and then files and the admin server, for which the last descriptors are reserved.
"""

from __future__ import annotations

import contextlib
import os
from functools import cache

_MOST_OPERATORS = 100
RESERVE = 32
"""Descriptors that neither clients of receivers nor connections to servers may take."""

_UNBOUNDED = 1 << 31


def lift_limit() -> None:
    """Let this process open as many files as its hard limit allows; call it before `limit`."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # some systems allow fewer than they say
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@cache
def limit() -> int:
    """How many descriptors this process may have open."""
    try:
        import resource
    except ImportError:
        return _UNBOUNDED
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _UNBOUNDED if soft == resource.RLIM_INFINITY else int(soft)


def for_upstreams() -> int:
    """Connections to servers may use only descriptors below this one."""
    return limit() - min(RESERVE, limit() // 2)


def for_clients() -> int:
    """Clients may use only descriptors below this one: what they send has to be forwarded, too."""
    return for_upstreams() - limit() // 8


def for_operators() -> int:
    """How many connections to the admin server may be idle: half of the descriptors that clients leave."""
    return min(_MOST_OPERATORS, (limit() - for_clients()) // 2)


def any_below(first: int) -> bool:
    """Whether a descriptor below `first` is free: the system always hands out the lowest free one."""
    try:
        lowest = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return False
    os.close(lowest)
    return lowest < first
