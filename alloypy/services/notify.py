"""Reports the state of the process to systemd: ready, reloading, stopping, alive.

Outside systemd (no NOTIFY_SOCKET) it does nothing. Source: sd_notify(3), systemd.service(5).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Iterator, Mapping


class Notifier:
    """Sends states to the socket that systemd names in the environment; a failed send is ignored.

    alive_period: seconds between two watchdog messages; 0 if systemd does not expect any.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        path = environ.get("NOTIFY_SOCKET", "")
        # A leading @ means the NUL of an abstract socket.
        self._address = f"\0{path[1:]}" if path.startswith("@") else path
        self.alive_period = _alive_period(environ) if path else 0.0

    def ready(self) -> None:
        """Report that the configuration runs."""
        self._send("READY=1\nSTATUS=Running")

    @contextlib.contextmanager
    def reloading(self) -> Iterator[None]:
        """Report a reload while the block lasts."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}\nSTATUS=Reloading")
        try:
            yield
        finally:
            self.ready()

    def stopping(self) -> None:
        """Report that nothing new is accepted and what is in flight finishes."""
        self._send("STOPPING=1\nSTATUS=Finishing what is in flight")

    async def keep_alive(self) -> None:
        """Send watchdog messages until cancelled; returns immediately if systemd does not expect any."""
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
    """Half the time after which systemd considers this process dead; 0 if it does not check."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    microseconds = environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 2e6 if microseconds.isdecimal() and len(microseconds) < 20 else 0.0
