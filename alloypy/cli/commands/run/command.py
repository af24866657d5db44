"""`alloypy run [flags] PATH`."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from alloypy.cli import exit_codes, streams
from alloypy.cli.commands.run.flags import read_run_flags
from alloypy.cli.packages import missing

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from alloypy.runtime.blocks.modules import ImportGitArguments
    from alloypy.runtime.contract.options import Fetched
    from alloypy.services.logging import LogStream
    from alloypy.services.settings import RunSettings
    from alloypy.services.signals import Signals


_MOST_ENDING_SECONDS = 5.0
"""Counted from when everything is closed: a thread that is still running then hangs forever."""


def run(argv: list[str]) -> int:
    """Run a configuration until a signal asks to stop. Raises UsageError and HelpRequested."""
    settings = read_run_flags(argv)
    if needed := missing("run", "httptools"):
        return _fail(needed)
    gc.disable()  # what start-up creates stays alive; Process freezes it before it enables collections
    import asyncio

    from alloypy.net.descriptors import lift_limit
    from alloypy.net.server.malloc import share_one_pool
    from alloypy.services.logging import install

    lift_limit()
    share_one_pool()
    log = install(sys.stderr)
    logging.captureWarnings(True)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        code = runner.run(_run(settings, log, argv))
        log.close()
        # Closing the event loop waits for its threads, and one may hang.
        ending = threading.Timer(_MOST_ENDING_SECONDS, os._exit, (code,))
        ending.daemon = True
        with contextlib.suppress(RuntimeError):  # if no thread can be started, none may need waiting for
            ending.start()
    ending.cancel()
    return code


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _run(settings: RunSettings, log: LogStream, argv: list[str]) -> int:
    from alloypy.services.configuration import LoadError
    from alloypy.services.process import log_start
    from alloypy.services.signals import Signals, Stopped

    signals = Signals()
    with signals.installed():
        log_start()
        try:
            return await _serve(settings, log, signals)
        except Stopped:
            log.stop_holding()
            return exit_codes.SUCCESS
        except LoadError as error:
            from alloypy.cli.commands.run.refused_load import report_refusal

            log.stop_holding()
            report_refusal(error, log, argv, settings)
            return exit_codes.FAILURE


async def _serve(settings: RunSettings, log: LogStream, signals: Signals) -> int:
    from alloypy.cli.commands.run.later import LATER
    from alloypy.components.registry import REGISTRY
    from alloypy.components.remote.http_import import http_import
    from alloypy.preloading import PRELOADING
    from alloypy.services.admin.server import ListenError, bind
    from alloypy.services.configuration import check_present
    from alloypy.services.process import Process
    from alloypy.services.storage import read_installation_id

    try:
        listener = await signals.unless_stopped(bind(settings.listen))
    except ListenError as error:
        # If the configuration is missing, too, that is reported first.
        await signals.unless_stopped(check_present(settings.path))
        log.stop_holding()
        return _fail(f"{error}; --server.http.listen-addr chooses another address")
    PRELOADING.want(*LATER)
    alloy_id = await signals.unless_stopped(read_installation_id(settings.storage))
    await Process(settings, listener, REGISTRY, http_import, _read_git, log, signals, alloy_id).run()
    return exit_codes.SUCCESS


async def _read_git(arguments: ImportGitArguments, directory: Path) -> Fetched:
    from alloypy.components.remote.git_import import read_git  # few configurations have such a block

    return await read_git(arguments, directory)


def _fail(text: str) -> int:
    streams.fault(text)
    return exit_codes.FAILURE
