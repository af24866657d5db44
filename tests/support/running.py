"""`alloypy run` as its users start it: a process with a configuration, an admin address and a log."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from tests.support import watchdog as watch
from tests.support.watchdog import Turn

ALLOYPY = (sys.executable, "-m", "alloypy")
_PATIENCE = 60.0
_PORTS = 10_000, 32_000


def free_port() -> int:
    """A port that is free right now, on every address.

    It is outside the range for outgoing connections, so that none of those can take it in the meantime.
    """
    while True:
        port = random.randrange(*_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("", port))
            return port


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: our path and home, what measures its coverage, and nothing else of ours."""
    kept = ("PATH", "HOME", "SYSTEMROOT", "TMPDIR", "VIRTUAL_ENV", "COVERAGE_PROCESS_CONFIG", "COVERAGE_FILE")
    return {name: os.environ[name] for name in kept if name in os.environ} | dict(extra or {})


def of_checkout(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child that runs the alloypy of this checkout, whatever is installed."""
    return environment({"PYTHONPATH": str(Path(__file__).parents[2]), **(extra or {})})


def alloypy(
    *arguments: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    command: Sequence[str] = ALLOYPY,
    timeout: float = _PATIENCE,
) -> subprocess.CompletedProcess[str]:
    """Run a command that should end by itself. env: additional variables."""
    return subprocess.run(
        [*command, *arguments],
        cwd=cwd,
        env=of_checkout(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def refused(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `alloypy run` with a configuration that should make it end by itself."""
    return alloypy("run", *arguments, cwd=folder)


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    text: str


class Running:
    """A started `alloypy run`; a context manager that always ends it.

    arguments: those after `run`; the admin address is added. address: of the admin server.
    checkout: run the alloypy of this checkout, whatever is installed.
    watchdog: watch the event loop; leaving the `with` fails if a turn took more than 500 ms of CPU,
        unless `strict` is false. before: called in the child, before it becomes alloypy.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        cwd: Path,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = ALLOYPY,
        checkout: bool = True,
        watchdog: bool = False,
        strict: bool = True,
        before: Callable[[], None] | None = None,
    ) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        variables = of_checkout(env) if checkout else environment(env)
        self._strict = strict
        self._directory = tempfile.TemporaryDirectory() if watchdog else None
        if self._directory is not None:
            command = (sys.executable, watch.__file__, str(self._report), *command[1:])
        self.process = subprocess.Popen(
            [*command, "run", f"--server.http.listen-addr={self.address}", *arguments],
            cwd=cwd,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            preexec_fn=before,  # noqa: PLW1509 -- this process has no other threads yet
        )
        self.log: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._changed:
                self.log.append(line.rstrip("\n"))
                self._changed.notify_all()

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        if self._directory is not None:
            turns = self.turns()
            self._directory.cleanup()
            if not self._strict:
                return
            for turn in turns:
                print(turn)
            if error is None:
                assert all(turn.seconds <= watch.FAILING for turn in turns)

    @property
    def _report(self) -> Path:
        assert self._directory is not None, "not started with watchdog=True"
        return Path(self._directory.name) / "turns"

    def turns(self, since: float = 0.0) -> list[Turn]:
        """The turns of the event loop that took more than 50 ms of CPU.

        since: only those that ended after this moment, a reading of `time.monotonic`.
        """
        return [turn for turn in watch.read(self._report, since) if turn.seconds > watch.REPORTED]

    def longest_turn(self, since: float = 0.0) -> float:
        """CPU time of the longest turn of the event loop, in seconds; turns below 5 ms count as 0.

        since: as for `turns`; only turns above 50 ms, and those that were the longest up to then, are known.
        """
        return max((turn.seconds for turn in watch.read(self._report, since)), default=0.0)

    @property
    def text(self) -> str:
        """All of stderr so far."""
        return "\n".join(self.log)

    def wait_for_log(self, pattern: str, after: int = 0) -> str:
        """The first matching line from number `after` on; fails if the process ends without one."""
        compiled = re.compile(pattern)
        deadline = time.monotonic() + _PATIENCE
        with self._changed:
            while True:
                for line in self.log[after:]:
                    if compiled.search(line):
                        return line
                ended = self.process.poll() is not None and not self._reader.is_alive()
                if ended or time.monotonic() > deadline:
                    raise AssertionError(f"no line matches {pattern!r} in:\n{self.text}")
                self._changed.wait(0.1)

    def wait_until_listening(self) -> Running:
        """Wait until the admin server gives any answer."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                self.get("/-/ready")
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self._reader.join(_PATIENCE)
                    raise AssertionError(f"it did not come up:\n{self.text}") from None
                time.sleep(0.01)
            else:
                return self

    def wait_until_ready(self) -> Running:
        """Wait until the admin server says that the configuration runs."""
        self.wait_until_listening()
        assert self.get("/-/ready") == Reply(200, "Alloy is ready.\n"), self.text
        return self

    def get(self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> Reply:
        """Ask the admin server."""
        request = urllib.request.Request(
            f"http://{self.address}{path}", method=method, headers=dict(headers or {})
        )
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
                return Reply(response.status, response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.read().decode())

    def metric(self, name: str) -> float:
        """The value of a series, named as in `/metrics`."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics").text, re.MULTILINE)
        assert found, name
        return float(found[1])

    def json(self, path: str) -> Any:
        """The admin server's answer, which must be JSON with status 200."""
        reply = self.get(path)
        assert reply.status == 200, reply
        return json.loads(reply.text)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for the exit code."""
        code = self.process.wait(_PATIENCE)
        self._reader.join()
        return code

    def stdout(self) -> str:
        """All of stdout; only after the process has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.read()
