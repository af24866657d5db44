"""`alloypy run [flags] PATH`."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from alloypy.cli import exit_codes
from alloypy.cli.run_flags import read_run_flags

if TYPE_CHECKING:
    import asyncio

    from alloypy.services.configuration import LoadError
    from alloypy.services.logging import LogStream
    from alloypy.services.settings import RunSettings


def run(argv: list[str]) -> int:
    """Run a configuration until a signal asks to stop. Raises UsageError and HelpRequested."""
    settings = read_run_flags(argv)
    gc.disable()  # what start-up makes stays; the process takes it out of the collector's sight
    import asyncio

    from alloypy.services.logging import install

    log = install(sys.stderr)
    logging.captureWarnings(True)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_run(settings, log))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _run(settings: RunSettings, log: LogStream) -> int:
    from alloypy.components.registry import REGISTRATIONS
    from alloypy.components.remote.http_import import http_import
    from alloypy.services.admin_server import ListenError, bind
    from alloypy.services.configuration import LoadError
    from alloypy.services.process import Process, log_start

    log_start()
    try:
        listener = await bind(settings.listen)
    except ListenError as error:
        log.stop_holding()
        return _fail(str(error))
    try:
        await Process(settings, listener, REGISTRATIONS, http_import, log).run()
    except LoadError as error:
        log.stop_holding()
        return _fail_load(error, log)
    return exit_codes.SUCCESS


def _fail(text: str) -> int:
    print(f"Error: {text}", file=sys.stderr)
    return exit_codes.FAILURE


def _fail_load(error: LoadError, log: LogStream) -> int:
    """A refused first load: its diagnostics, with excerpts only where nobody keeps them: on a terminal.

    The lone line feed on stdout is Alloy's.
    """
    if not error.diagnostics:
        return _fail(str(error))
    print(flush=True)
    words = "could not perform the initial load successfully"
    if sys.stderr.isatty():
        from alloypy.syntax.render import render

        sys.stderr.write(render(error.diagnostics, color=not os.environ.get("NO_COLOR")))
    elif log.settings.format == "json":
        from alloypy.runtime.logs import FieldLogger

        for diagnostic in error.diagnostics:
            FieldLogger().error(words, extra={"fields": {"err": str(diagnostic)}})
        return exit_codes.FAILURE
    else:
        for diagnostic in error.diagnostics:
            line = str(diagnostic).replace("\n", "\\n")
            print(f"{diagnostic.severity.value.capitalize()}: {line}", file=sys.stderr)
    return _fail(words)
