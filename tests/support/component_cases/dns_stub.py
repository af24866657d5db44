"""A DNS server on 127.0.0.1:53 that answers from a zone; for a network name space of its own.

A zone maps `name. TYPE` to records, or to `rcode`, `drop`, or `truncate` with `records`.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Mapping
from typing import Any

_TYPES = {"A": 1, "NS": 2, "CNAME": 5, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33}
_NAMES = {number: name for name, number in _TYPES.items()}


class Stub:
    """zone: may change. asked: name, type, protocol and whether EDNS was used, for each question."""

    def __init__(self) -> None:
        self.zone: dict[str, Any] = {}
        self.asked: list[list[Any]] = []
        for serve in (self._udp, self._tcp):
            threading.Thread(target=serve, daemon=True).start()

    def add(self, zone: Mapping[str, Any]) -> None:
        """Add to the zone."""
        for key, value in zone.items():
            name, kind = key.split(" ")
            self.zone[f"{name.lower()} {kind}"] = value

    def answer(self, question: bytes, *, tcp: bool) -> bytes | None:
        """The answer to a question; None for none."""
        identity, *_, extra = struct.unpack(">6H", question[:12])
        at, labels = 12, []
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode())
            at += 1 + question[at]
        end = at + 5
        [kind] = struct.unpack(">H", question[at + 1 : at + 3])
        name, kind_name = ".".join(labels) + ".", _NAMES.get(kind, str(kind))
        self.asked.append([name, kind_name, "tcp" if tcp else "udp", bool(extra)])
        code, truncated, records = self._found(name.lower(), kind_name, tcp=tcp)
        if records is None:
            return None
        out = b"".join(_record(each, name, kind_name) for each in records)
        flags = 0x8180 | truncated << 9 | code
        return struct.pack(">6H", identity, flags, 1, len(records), 0, 0) + question[12:end] + out

    def _found(self, name: str, kind: str, *, tcp: bool) -> tuple[int, int, list[Any] | None]:
        """Response code, whether it is truncated, records."""
        found = self.zone.get(f"{name} {kind}")
        if found is None:
            return 0 if any(key.split(" ")[0] == name for key in self.zone) else 3, 0, []
        if isinstance(found, list):
            return 0, 0, found
        if found.get("drop"):
            return 0, 0, None
        if found.get("truncate") and not tcp:
            return found.get("rcode", 0), 1, []
        return found.get("rcode", 0), 0, found.get("records", [])

    def _udp(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
            listening.bind(("127.0.0.1", 53))
            while True:
                question, client = listening.recvfrom(4096)
                answer = self.answer(question, tcp=False)
                if answer is not None:
                    listening.sendto(answer, client)

    def _tcp(self) -> None:
        with socket.create_server(("127.0.0.1", 53)) as listening:
            while True:
                connection, _ = listening.accept()
                with connection, contextlib.suppress(OSError, struct.error):
                    [size] = struct.unpack(">H", connection.recv(2))
                    answer = self.answer(connection.recv(size), tcp=True)
                    if answer is not None:
                        connection.sendall(struct.pack(">H", len(answer)) + answer)


def _name(text: str) -> bytes:
    labels = [part.encode() for part in text.rstrip(".").split(".") if part]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _record(given: Mapping[str, Any], name: str, kind: str) -> bytes:
    kind, owner, value = given.get("type", kind), given.get("name", name), given["v"]
    match kind:
        case "A":
            data = socket.inet_aton(value)
        case "AAAA":
            data = socket.inet_pton(socket.AF_INET6, value)
        case "SRV":
            data = struct.pack(">3H", *value[:3]) + _name(value[3])
        case "MX":
            data = struct.pack(">H", value[0]) + _name(value[1])
        case "TXT":
            data = bytes([len(value)]) + value.encode()
        case _:
            data = _name(value)
    return _name(owner) + struct.pack(">HHIH", _TYPES[kind], 1, 60, len(data)) + data
