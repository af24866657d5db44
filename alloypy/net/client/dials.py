"""How many connections HTTP clients have made, by the names that the configuration gives the clients.

Only making and closing a connection is counted, so a request over one that is open costs nothing more.
Source: docs/spec/RUNTIME.md, section 8.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from alloypy.families import Family, counters

Counts: TypeAlias = Mapping[tuple[str, ...], float]

_NAME = "net_conntrack_dialer_conn_{}_total"
_TEXT = "Total number of connections {} by clients of a name."


class Dials:
    """The connections of the clients of one name. failed: by the reason."""

    __slots__ = ("attempted", "closed", "established", "failed")

    def __init__(self) -> None:
        self.attempted = 0
        self.established = 0
        self.closed = 0
        self.failed = dict.fromkeys(("refused", "resolution", "timeout", "unknown"), 0)

    def fail(self, error: OSError | UnicodeError) -> None:
        """Count a connection that was not made: as in Alloy, a refused one as unknown, too."""
        number = error.errno if isinstance(error, OSError) else None
        if isinstance(error, socket.gaierror | UnicodeError) or (
            isinstance(error, TimeoutError) and number is None
        ):
            self.failed["resolution"] += 1
        elif isinstance(error, ssl.SSLError) or number is None:  # in the middle of the handshake
            self.established += 1
            self.closed += 1
        else:
            self.failed["refused"] += number == errno.ECONNREFUSED
            self.failed["unknown"] += 1

    def time_out(self) -> None:
        """Count a connection that was not made in the time for the request."""
        self.failed["timeout"] += 1
        self.failed["unknown"] += 1


_by_name: dict[str, Dials] = {}


def dials_of(name: str) -> Dials:
    """What the clients of a name count; kept as long as the process runs."""
    return _by_name.setdefault(name, Dials())


def families() -> Iterator[Family]:
    """The counts of all clients that have a name, which may be empty."""
    known = dict(_by_name)  # others may be added between two families
    if not known:
        return
    whole = [
        ("attempted", [each.attempted for each in known.values()]),
        ("closed", [each.closed for each in known.values()]),
        ("established", [each.established for each in known.values()]),
    ]
    for what, values in whole:
        counts: Counts = {(name,): value for name, value in zip(known, values, strict=True)}
        yield counters(_NAME.format(what), _TEXT.format(what), ("dialer_name",), counts)
    failed: Counts = {
        (name, reason): count for name, each in known.items() for reason, count in each.failed.items()
    }
    text = "Total number of connections that could not be made by clients of a name."
    yield counters(_NAME.format("failed"), text, ("dialer_name", "reason"), failed)
