"""Tells requests that a web page made a browser send from those of people and their tools.

A browser adds `Origin`, `Referer` and `Sec-Fetch-*`, which no page can leave out or change. A page whose
host name was rebound to this machine looks like one of ours in all of them; only `Host` gives it away.
Source: docs/compatibility.md, RFC 9110 section 7.2, Fetch Metadata Request Headers.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from alloypy.services.admin.messages import Answer, Asked, refusal, shown

_LOOPBACK_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")
_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_HOST = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*))(?::[0-9]*)?")

CROSS_ORIGIN = "cross-origin request refused"


def host_name(text: str) -> str | None:
    """A host name or IP address in a form that can be compared; None for anything else.

    text: without a port; an IPv6 address with or without brackets.
    """
    name = text.removeprefix("[").removesuffix("]").removesuffix(".").lower()
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name if _NAME.fullmatch(name) else None


class Hosts:
    """The host names that requests to a server on loopback may use; a rebound page has another name.

    address: `host:port` that the server listens on. allowed: more names, in the form of `host_name`.
    """

    def __init__(self, address: str, allowed: Iterable[str] = ()) -> None:
        self._allowed = {name for name in (host_name(address.rpartition(":")[0]), *allowed) if name}

    def admits(self, host: str | None) -> bool:
        """Whether a Host header names this server; its port is ignored.

        Requests without the header are admitted: they come from no browser, as every browser sends it.
        """
        if not host:
            return True
        parts = _HOST.fullmatch(host)
        name = host_name(parts[1] or parts[2] or "") if parts is not None else None
        return name is not None and (name in self._allowed or _is_loopback(name))


def _is_loopback(name: str) -> bool:
    if name in _LOOPBACK_NAMES or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def refused(asked: Asked, hosts: Hosts | None) -> Answer | None:
    """The refusal of a request that no page may make; None for one that may pass.

    hosts: None to accept any Host, for a server that can be reached from elsewhere anyway.
    """
    host = asked.header(b"host")
    if hosts is not None and not hosts.admits(host):
        return refusal(
            f"host {shown(host or '')} refused: the server listens on loopback; use localhost, "
            "or allow the name with --server.http.allowed-host"
        )
    if crosses_origins(asked) and not _opens_page(asked):
        return refusal(CROSS_ORIGIN)
    return None


def page_asks(asked: Asked) -> bool:
    """Whether a page may have made the request: one of ours, or another through a link."""
    return "text/html" in (asked.header(b"accept") or "").lower() or any(
        name in (b"origin", b"referer") or name.startswith(b"sec-fetch-") for name, _ in asked.headers
    )


def crosses_origins(asked: Asked) -> bool:
    """Whether a page of another site made the browser send the request."""
    if asked.header(b"sec-fetch-site") not in (None, "none", "same-origin"):
        return True
    origin = asked.header(b"origin")
    return origin is not None and origin.partition("://")[2] != (asked.header(b"host") or "")


def _opens_page(asked: Asked) -> bool:
    """Whether the browser follows a link and shows the answer to its user, where no page can read it."""
    return (
        asked.method == "GET"
        and asked.header(b"origin") is None
        and asked.header(b"sec-fetch-mode") == "navigate"
        and asked.header(b"sec-fetch-dest") == "document"
    )
