"""Serves pages with profiles to browsers of this machine, until the command is interrupted."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from alloypy.cli import exit_codes, streams
from alloypy.cli.packages import missing

if TYPE_CHECKING:
    from alloypy.services.web.profiles import Store

ANY_PORT = "127.0.0.1:0"
"""The address to listen on, if none is given."""

_NOT_LOOPBACK = (
    "{} can be reached from other machines, and anyone there could look at the profiles; "
    "listen on 127.0.0.1 and forward a port to it"
)


def can_show(command: str) -> bool:
    """Whether the packages are there that pages need; if not, that is said."""
    needed = missing(command, "httptools")
    if needed:
        streams.fault(needed)
    return not needed


def show(store: Store, command: str, address: str, *, wants_browser: bool = False) -> int:
    """Serve until interrupted; returns the exit code. command: as the line with the address begins."""
    return asyncio.run(_serve(store, command, address, wants_browser=wants_browser))


async def _serve(store: Store, command: str, address: str, *, wants_browser: bool) -> int:
    from alloypy.services.admin.server import AdminServer, ListenError, bind
    from alloypy.services.admin.web_guard import Hosts
    from alloypy.services.web.profile_pages import profile_application

    try:
        listener = await bind(address)
    except ListenError as error:
        streams.fault(f"{error}; --listen chooses another address")
        return exit_codes.FAILURE
    server = AdminServer(listener)
    if not listener.loopback:
        await server.stop()
        streams.fault(_NOT_LOOPBACK.format(address))
        return exit_codes.FAILURE
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, done.set)
        except NotImplementedError:  # Windows: Ctrl-C ends asyncio.run
            break
    await server.start(profile_application(store, Hosts(listener.address)))
    profiles = store.profiles()
    url = f"http://{listener.address}/{f'flame?p={profiles[0].id}' if len(profiles) == 1 else ''}"
    print(f"{command}: {url} until you press Ctrl-C", flush=True)
    try:
        if wants_browser:
            _open(url)
        await done.wait()
    finally:
        await server.stop()
    return exit_codes.SUCCESS


def _open(url: str) -> None:
    """Open the address in the browser, in a thread, as some browsers are waited for."""
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
