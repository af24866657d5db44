"""`alloypy view`: show profiles as flame graphs in the browser."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

from alloypy.cli import exit_codes
from alloypy.cli.flags import FlagSet
from alloypy.cli.packages import missing

if TYPE_CHECKING:
    from alloypy.cli.commands.view.files import Files

_NOT_LOOPBACK = (
    "{} can be reached from other machines, and anyone there could look at the profiles; "
    "listen on 127.0.0.1 and forward a port to it"
)

_SUMMARY = """\
Show profiles as flame graphs in the browser: one, several merged, or two compared.

FILE is a profile as pprof, folded stacks, speedscope, or Pyroscope's tree or trie, packed by gzip or not;
`-` is standard input. The command prints an address of this machine and serves pages there until it is
interrupted. Nothing leaves the machine: the browser decodes the files."""


def run(argv: list[str]) -> int:
    """Serve until interrupted. Raises UsageError and HelpRequested."""
    flags = FlagSet("view", "FILE...", _SUMMARY, minimum=1)
    address = flags.string("listen", "127.0.0.1:0", doc="Address to listen on, of the loopback interface")
    wants_browser = flags.bool("open", doc="Open the address in the browser")
    paths = flags.parse(argv)
    if needed := missing("view", "httptools"):
        print(f"Error: {needed}", file=sys.stderr)
        return exit_codes.FAILURE
    from alloypy.cli.commands.view.files import Files, Unreadable

    try:
        files = Files(paths)
    except Unreadable as error:
        print(f"Error: {error}", file=sys.stderr)
        return exit_codes.FAILURE
    return asyncio.run(_serve(files, address.value, wants_browser.value))


async def _serve(files: Files, address: str, wants_browser: bool) -> int:
    from alloypy.services.admin.server import AdminServer, ListenError, bind
    from alloypy.services.admin.web_guard import Hosts
    from alloypy.services.web.profile_pages import profile_application

    try:
        listener = await bind(address)
    except ListenError as error:
        print(f"Error: {error}; --listen chooses another address", file=sys.stderr)
        return exit_codes.FAILURE
    server = AdminServer(listener)
    if not listener.loopback:
        await server.stop()
        print(f"Error: {_NOT_LOOPBACK.format(address)}", file=sys.stderr)
        return exit_codes.FAILURE
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, done.set)
        except NotImplementedError:  # Windows: Ctrl-C ends asyncio.run
            break
    await server.start(profile_application(files, Hosts(listener.address)))
    only = len(files.profiles()) == 1
    url = f"http://{listener.address}/{'flame?p=0' if only else ''}"
    print(f"view: {url} until you press Ctrl-C", flush=True)
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
