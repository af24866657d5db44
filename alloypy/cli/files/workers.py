"""Formatting many files, in several processes if that is faster."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from alloypy.cli.files.formatting import STDIN, Formatted, Task, format_one

_WORTH_ANOTHER_PROCESS_BYTES = 200_000  # about the bytes formatted in the time that a process takes to start
_CHUNKS_PER_PROCESS = 8


def format_all(tasks: list[Task]) -> Iterator[Formatted]:
    """The outcomes of all tasks, in their order, as soon as they are known."""
    processes = min(_processors(), _bytes(tasks) // _WORTH_ANOTHER_PROCESS_BYTES)
    if processes < 2 or any(task.path == STDIN for task in tasks):
        yield from map(format_one, tasks)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # A fork shares everything that is loaded; on other platforms only their default is safe.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else None)
    sys.stdout.flush()
    sys.stderr.flush()
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        chunk = max(1, len(tasks) // (processes * _CHUNKS_PER_PROCESS))
        yield from pool.map(format_one, tasks, chunksize=chunk)


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this platform
        return os.cpu_count() or 1


def _bytes(tasks: list[Task]) -> int:
    total = 0
    for task in tasks:
        try:
            total += Path(task.path).stat().st_size
        except OSError:  # its task will report it
            continue
    return total
