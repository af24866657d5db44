"""Measures how long an event loop is held: the CPU time of its thread between two turns.

In a test: `with watching() as watchdog:` around what must not hold the loop. For a process:
`Running(..., watchdog=True)`, which starts this file as a script: `python watchdog.py REPORT -m alloypy run`.
It is not part of the package. `with briefly():` (or `@briefly()`) limits code that needs no loop.

It measures CPU time, so delays of a busy machine do not count. Under uvloop a prepare handle of libuv marks
each turn, otherwise the call of the selector.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import linecache
import os
import runpy
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

REPORTED = 0.05
"""Seconds of CPU above which the stack of a turn is kept."""

FAILING = 0.5
"""Seconds of CPU above which a test fails."""

_SAMPLES_APART = 0.02
_MOST_STACKS = 5
_MOST_PLACES = 25
_WORTH_A_LINE = 0.005


class Turn(NamedTuple):
    """A turn of the loop: seconds of CPU, when it ended (`time.monotonic`), its number, where it was."""

    seconds: float
    ended: float
    number: int
    stack: str

    def __str__(self) -> str:
        return f"a turn of the event loop took {self.seconds * 1000:.0f} ms of CPU\n{self.stack}"


class Watchdog:
    """Watches the loop that runs in this thread.

    tell: called with each turn above REPORTED, and with each that is longer than all before it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, tell: Callable[[Turn], None] | None = None) -> None:
        self.turns: list[Turn] = []
        self.longest = Turn(0.0, 0.0, 0, "")
        self._tell = tell or (lambda turn: None)
        self._ident = threading.get_ident()
        self._number = 0
        self._stacks: list[_Sample] = []
        self._ending = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="watchdog", daemon=True)
        self._mark = time.thread_time()
        self._unhook = _hook(loop, self.turn)
        self._sampler.start()

    def stop(self) -> None:
        """End the watch; the current turn counts."""
        self._unhook()
        self._ending.set()
        self._sampler.join()
        self.turn()

    def check(self) -> None:
        """Print the turns above REPORTED; fail for one above FAILING."""
        for turn in self.turns:
            print(turn)
        assert self.longest.seconds <= FAILING, self.longest

    def turn(self) -> None:
        """A turn ends and the next begins."""
        now = time.thread_time()
        seconds, self._mark = now - self._mark, now
        self._number += 1
        if seconds > (_WORTH_A_LINE if seconds > self.longest.seconds else REPORTED):
            self._keep(seconds)
            self._mark = time.thread_time()

    def _keep(self, seconds: float) -> None:
        stacks, self._stacks = self._stacks, []
        stack = (
            "\n".join(map(_format, stacks))
            or "(no sample: too short, or the interpreter was held by one call)"
        )
        turn = Turn(seconds, time.monotonic(), self._number, stack)
        if seconds > self.longest.seconds:
            self.longest = turn
        if seconds > REPORTED:
            self.turns.append(turn)
        self._tell(turn)

    def _sample(self) -> None:
        clock = _cpu_clock(self._ident)
        number = -1
        while not self._ending.wait(_SAMPLES_APART):
            if number != self._number:
                number, stacks = self._number, list[_Sample]()
                began = self._mark if clock is not None else time.monotonic()
            now = time.clock_gettime(clock) if clock is not None else time.monotonic()
            if now - began > REPORTED * (2 * len(stacks) + 1) * 0.8 and len(stacks) < _MOST_STACKS:
                stack = _walk(sys._current_frames().get(self._ident))
                if number == self._number:
                    stacks.append((now - began, stack))
                    self._stacks = stacks


_Sample = tuple[float, list[tuple[str, int, str]]]
"""Seconds since the turn began, and the places on the stack: file, line, function."""


def _walk(frame: FrameType | None) -> list[tuple[str, int, str]]:
    """The places only, which is quick enough to do while the other thread runs."""
    places: list[tuple[str, int, str]] = []
    while frame is not None and len(places) < 100:
        places.append((frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        frame = frame.f_back
    return places[::-1]


def _format(sample: _Sample) -> str:
    return f"after {sample[0] * 1000:.0f} ms:\n" + "".join(
        f"  {path}:{line} {function}: {linecache.getline(path, line).strip()}\n"
        for path, line, function in sample[1][-_MOST_PLACES:]
        if not path.startswith("<frozen")
    )


def _cpu_clock(ident: int) -> int | None:
    """The clock of a thread's CPU time, or None if there is none; samples then use wall time."""
    find = getattr(time, "pthread_getcpuclockid", None)
    return find(ident) if find is not None else None


def _hook(loop: asyncio.AbstractEventLoop, turn: Callable[[], None]) -> Callable[[], None]:
    """Call `turn` before each wait for events; returns a function that stops this."""
    selector = getattr(loop, "_selector", None)
    if selector is None:
        return _hook_libuv(loop, turn)
    select = selector.select

    def selecting(timeout: float | None = None) -> Any:
        turn()
        return select(timeout)

    selector.select = selecting
    return lambda: delattr(selector, "select")


def _hook_libuv(loop: asyncio.AbstractEventLoop, turn: Callable[[], None]) -> Callable[[], None]:
    from uvloop import loop as module

    library = ctypes.CDLL(module.__file__)
    address = ctypes.pythonapi.PyCapsule_GetPointer
    address.restype, address.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    capsule = module.libuv_get_loop_t_ptr(loop)  # type: ignore[attr-defined]
    uv_loop = ctypes.c_void_p(address(capsule, None))
    handle = ctypes.create_string_buffer(1024)
    called = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: turn())
    library.uv_prepare_init(uv_loop, handle)
    library.uv_prepare_start(handle, called)
    _KEPT.append((handle, called))

    def unhook() -> None:
        library.uv_prepare_stop(handle)
        library.uv_close(handle, None)

    return unhook


_KEPT: list[Any] = []
"""Objects whose addresses libuv holds."""


@contextlib.contextmanager
def watching() -> Iterator[Watchdog]:
    """Watch the running loop during the block; at its end, fail if a turn was too long.

    What the tests before have left is kept out of all later collections of garbage: going over it would
    count.
    """
    gc.collect()
    gc.freeze()
    watchdog = Watchdog(asyncio.get_running_loop())
    try:
        yield watchdog
    finally:
        watchdog.stop()
    watchdog.check()


@contextlib.contextmanager
def _collecting() -> Iterator[list[float]]:
    """Gives the seconds of CPU that this thread spends on each collection of garbage in the block."""
    thread, began, seconds = threading.get_ident(), 0.0, list[float]()

    def note(phase: str, info: object) -> None:
        nonlocal began
        if threading.get_ident() != thread:
            return
        if phase == "start":
            began = time.thread_time()
        else:
            seconds.append(time.thread_time() - began)

    gc.callbacks.append(note)
    try:
        yield seconds
    finally:
        gc.callbacks.remove(note)


@contextlib.contextmanager
def briefly(seconds: float = FAILING) -> Iterator[None]:
    """Fail if the block, or the decorated function, takes more CPU time of this thread.

    Collections of garbage do not count: they go over whatever all tests before have left. Code that never
    ends is stopped by pytest's own limit.
    """
    began = time.thread_time()
    with _collecting() as collected:
        yield
    taken = time.thread_time() - began - sum(collected)
    assert taken <= seconds, f"{taken * 1000:.0f} ms of CPU; {seconds * 1000:.0f} ms are allowed"


def read(report: Path, since: float = 0.0) -> list[Turn]:
    """The turns that a watched process has reported, without those that ended before `since`."""
    lines = report.read_text().split("\n")[:-1] if report.exists() else []
    turns = [Turn(*json.loads(line)) for line in lines]
    return [turn for turn in turns if turn.ended >= since]


def _watch_runners(report: str) -> None:
    """Have every `asyncio.Runner` of this process watched."""
    descriptor = os.open(report, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    run = asyncio.Runner.run

    def tell(turn: Turn) -> None:
        if turn.number > 1:  # the first turn imports the program; no client can be waiting yet
            os.write(descriptor, json.dumps(turn).encode() + b"\n")

    def watched(self: asyncio.Runner, main: Coroutine[Any, Any, Any], **options: Any) -> Any:
        watchdog = Watchdog(self.get_loop(), tell)
        try:
            return run(self, main, **options)
        finally:
            watchdog.stop()

    asyncio.Runner.run = watched  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    _, report_, flag, module_, *arguments_ = sys.argv
    assert flag == "-m"
    sys.path.pop(0)  # this directory
    sys.argv = [module_, *arguments_]
    _watch_runners(report_)
    runpy.run_module(module_, run_name="__main__", alter_sys=True)
