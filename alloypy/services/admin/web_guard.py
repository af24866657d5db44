"""Requests that a web page may have made a browser send, told from those of people and their tools.

A browser adds `Origin`, `Referer` and `Sec-Fetch-*`, which no page can leave out or change. A page whose
name was made to point at this machine looks like one of ours in all of them; only its `Host` gives it
away. Source: docs/compatibility.md, RFC 9110 section 7.2, Fetch Metadata Request Headers.
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
    """A host name or IP address in the form that can be compared; None for what is neither.

    text: without a port; an IPv6 address with or without brackets.
    """
    name = text.removeprefix("[").removesuffix("]").removesuffix(".").lower()
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name if _NAME.fullmatch(name) else None


class Hosts:
    """The names by which a server on loopback is asked; a page that has rebound its own name uses another.

    address: `host:port` that the server listens on. allowed: more names, in the form of `host_name`.
    """

    def __init__(self, address: str, allowed: Iterable[str] = ()) -> None:
        self._allowed = {name for name in (host_name(address.rpartition(":")[0]), *allowed) if name}

    def admits(self, host: str | None) -> bool:
        """Whether a Host header may come from somebody who means this server; its port tells nothing.

        Requests without one are admitted: every browser sends it.
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
    """The answer to a request that no page may make; None for one that may pass.

    hosts: None where the Host tells nothing, because the server can be reached from elsewhere anyway.
    """
    host = asked.header(b"host")
    if hosts is not None and not hosts.admits(host):
        return refusal(
            f"host {shown(host or '')} refused: the server listens on loopback; ask for localhost, "
            "or allow the name with --server.http.allowed-host"
        )
    if crosses_origins(asked) and not _opens_page(asked):
        return refusal(CROSS_ORIGIN)
    return None


def page_asks(asked: Asked) -> bool:
    """Whether a request that does something may have been made by a page, be it one of ours or by a link."""
    return "text/html" in (asked.header(b"accept") or "").lower() or any(
        name in (b"origin", b"referer") or name.startswith(b"sec-fetch-") for name, _ in asked.headers
    )


def crosses_origins(asked: Asked) -> bool:
    """Whether a page of another site makes the browser ask."""
    if asked.header(b"sec-fetch-site") not in (None, "none", "same-origin"):
        return True
    origin = asked.header(b"origin")
    return origin is not None and origin.partition("://")[2] != (asked.header(b"host") or "")


def _opens_page(asked: Asked) -> bool:
    """Whether the browser follows a link and shows the answer in a window: nobody else gets to see it."""
    return (
        asked.method == "GET"
        and asked.header(b"origin") is None
        and asked.header(b"sec-fetch-mode") == "navigate"
        and asked.header(b"sec-fetch-dest") == "document"
    )
