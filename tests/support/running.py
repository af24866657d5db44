"""`alloypy run` as its users start it: a process with a configuration, an admin address and a log."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

_PATIENCE = 60.0


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables a child gets: our path and home, no coverage of colours, nothing else of ours."""
    kept = ("PATH", "HOME", "SYSTEMROOT", "TMPDIR", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in kept if name in os.environ} | dict(extra or {})


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    text: str


class Running:
    """A started `alloypy run`; a context manager that never leaves it behind.

    arguments: what follows `run`; the admin address is added. address: of the admin server.
    checkout: run the alloypy of this checkout, whatever is installed.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        cwd: Path,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = (sys.executable, "-m", "alloypy"),
        checkout: bool = True,
    ) -> None:
        root = str(Path(__file__).parents[2])
        self.address = f"127.0.0.1:{free_port()}"
        variables = environment({**({"PYTHONPATH": root} if checkout else {}), **(env or {})})
        self.process = subprocess.Popen(
            [*command, "run", f"--server.http.listen-addr={self.address}", *arguments],
            cwd=cwd,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
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

    @property
    def text(self) -> str:
        """All of stderr so far."""
        return "\n".join(self.log)

    def wait_for_log(self, pattern: str, after: int = 0) -> str:
        """The first line from number `after` on that matches; fails when the process ends without it."""
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
        """Wait until the admin server answers, whatever it says."""
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

    def json(self, path: str) -> Any:
        """The JSON that the admin server answers with."""
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
