"""Tells systemd how the process is: ready, reloading, stopping, alive.

Outside of systemd (no NOTIFY_SOCKET) nothing is told. Source: sd_notify(3), systemd.service(5).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Iterator, Mapping


class Notifier:
    """Sends states to the socket that systemd names in the environment; a state that is lost is no fault.

    alive_period: seconds between two signs of life; 0 where nobody waits for them.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        path = environ.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the NUL of an abstract socket.
        self._address = f"\0{path[1:]}" if path.startswith("@") else path
        self.alive_period = _alive_period(environ) if path else 0.0

    def ready(self) -> None:
        """The configuration runs."""
        self._send("READY=1\nSTATUS=Running")

    @contextlib.contextmanager
    def reloading(self) -> Iterator[None]:
        """While the block lasts, the configuration is read anew; what runs goes on."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}\nSTATUS=Reloading")
        try:
            yield
        finally:
            self.ready()

    def stopping(self) -> None:
        """Nothing new is accepted; what is in flight finishes."""
        self._send("STOPPING=1\nSTATUS=Finishing what is in flight")

    async def keep_alive(self) -> None:
        """Send signs of life until cancelled; at once done where nobody waits for them."""
        while self.alive_period:
            self._send("WATCHDOG=1")
            await asyncio.sleep(self.alive_period)

    def _send(self, state: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
            there.setblocking(False)
            there.sendto(state.encode(), self._address)


def _alive_period(environ: Mapping[str, str]) -> float:
    """Half of the time after which systemd takes this process for dead; 0 where it does not look."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    microseconds = environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 2e6 if microseconds.isdecimal() and len(microseconds) < 20 else 0.0
