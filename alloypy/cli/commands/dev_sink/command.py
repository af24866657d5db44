"""`alloypy dev-sink`: stand in for a Pyroscope server and show what arrives."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from typing import TYPE_CHECKING

from alloypy.cli import exit_codes, streams
from alloypy.cli.flags import FlagSet
from alloypy.cli.packages import missing
from alloypy.cli.usage_error import UsageError
from alloypy.lang.go.duration import Duration
from alloypy.syntax.render import escaped

if TYPE_CHECKING:
    from alloypy.cli.commands.dev_sink.kept import Kept
    from alloypy.cli.commands.dev_sink.server import Arrival, Arrived, Behaviour
    from alloypy.services.admin.messages import ASGI, Receive, Scope, Send
    from alloypy.services.admin.server import Listener

_EVERYWHERE = frozenset({"", "0.0.0.0", "::", "[::]"})
_SUMMARY = """\
Stand in for a Pyroscope server: accept profiles on /ingest and Push, and print a line for each.

Open its address in a browser to see the last profiles as flame graphs. It writes nothing to disk, and never
prints a credential. --status, --delay, --hang and --reset make it
misbehave, so that you can see how a configuration reacts."""


def run(argv: list[str]) -> int:
    """Serve until interrupted. Raises UsageError and HelpRequested."""
    flags = FlagSet("dev-sink", "", _SUMMARY, maximum=0)
    address = flags.string("listen-addr", "127.0.0.1:4040", doc="Address to listen on")
    as_json = flags.bool("json", doc="Print one JSON object per profile")
    count = flags.int("count", 0, doc="Exit after this many profiles; 0 for never")
    status = flags.int("status", 200, doc="HTTP status to answer with")
    delay = flags.duration("delay", Duration(0), doc="Time to wait before each answer")
    hang = flags.bool("hang", doc="Never answer")
    reset = flags.bool("reset", doc="Drop the connection instead of answering")
    flags.parse(argv)
    if not 200 <= status.value <= 599:
        raise UsageError(f"--status {status.value} is not an HTTP status from 200 to 599")
    if needed := missing("dev-sink", "httptools"):
        streams.fault(needed)
        return exit_codes.FAILURE
    from alloypy.cli.commands.dev_sink.server import Behaviour

    behaviour = Behaviour(status.value, delay.value.seconds, hang.value, reset.value)
    return asyncio.run(_serve(address.value, _Printer(as_json.value, count.value), behaviour))


class _Printer:
    """Prints arrivals. count: how many to print before `done` is set; 0 for no limit."""

    def __init__(self, as_json: bool, count: int) -> None:
        self.done = asyncio.Event()
        self._as_json = as_json
        self._left = count

    def show(self, arrival: Arrival) -> None:
        print(json.dumps(arrival._asdict()) if self._as_json else _line(arrival), flush=True)
        self._left -= 1
        if self._left == 0:
            self.done.set()


def _line(arrival: Arrival) -> str:
    """One arrival as a line for people; no value in it can break the line."""
    labels = ", ".join(f"{name}={json.dumps(value)}" for name, value in arrival.labels.items())
    tenant = f", tenant {json.dumps(arrival.tenant)}" if arrival.tenant else ""
    login = "no credentials" if arrival.authorization == "none" else arrival.authorization
    return escaped(
        f"{arrival.api:<6} {json.dumps(arrival.path)[1:-1]}  {{{labels}}}  {arrival.size} bytes, "
        f"sha256 {arrival.sha256[:12]}, {login}{tenant}",
        kept="",
    )


async def _serve(address: str, printer: _Printer, behaviour: Behaviour) -> int:
    from alloypy.cli.commands.dev_sink.kept import Kept
    from alloypy.cli.commands.dev_sink.server import sink_application
    from alloypy.net.server.config import ServerConfig, Timeouts
    from alloypy.net.server.http1.protocol import HTTP1
    from alloypy.net.server.listener import Server
    from alloypy.services.admin.server import ListenError, bind

    try:
        listener = await bind(address)
    except ListenError as error:
        streams.fault(f"{error}; --listen-addr chooses another address")
        return exit_codes.FAILURE
    from alloypy.services.logging import install

    install(sys.stderr).stop_holding()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, printer.done.set)
        except NotImplementedError:  # Windows: Ctrl-C ends asyncio.run
            break
    kept = Kept()

    def report(arrived: Arrived) -> None:
        kept.add(arrived)
        printer.show(arrived.arrival)

    pages = _Pages(kept, listener)
    config = ServerConfig(
        sink_application(report, behaviour, pages),
        logger=logging.getLogger("alloypy.dev_sink"),
        timeouts=Timeouts(write=0),
    )
    server = Server(config, listener.sockets, (HTTP1,))
    server.start()
    print(f"dev-sink: waiting for profiles on {_url(listener.address)}", file=sys.stderr, flush=True)
    await printer.done.wait()
    await server.stop(grace=1.0)
    return exit_codes.SUCCESS


class _Pages:
    """Shows what is kept to browsers; imported when the first one asks."""

    def __init__(self, kept: Kept, listener: Listener) -> None:
        self._kept = kept
        self._listener = listener
        self._application: ASGI | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._application is None:
            from alloypy.services.admin.web_guard import Hosts
            from alloypy.services.web.profile_pages import profile_application

            hosts = Hosts(self._listener.address) if self._listener.loopback else None
            self._application = profile_application(self._kept, hosts)
        await self._application(scope, receive, send)


def _url(address: str) -> str:
    """The URL to configure on this machine: localhost if the server listens on all interfaces."""
    host, _, port = address.rpartition(":")
    return f"http://{'localhost' if host in _EVERYWHERE else host}:{port}"
