"""A Pyroscope server on loopback, with its data in a folder, to send profiles to and to read them from."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from tests.support.running import environment, free_port

LOOPBACK = "127.0.0.1"
READY_SECONDS = 180.0
QUERY_SECONDS = 60.0
CPU = "process_cpu:cpu:nanoseconds:cpu:nanoseconds"
_STOP_SECONDS = 60.0


def server_program() -> str:
    """The server's program: PYROSCOPE_BIN, or `pyroscope` on PATH. Skips the test if there is neither."""
    program = os.environ.get("PYROSCOPE_BIN") or shutil.which("pyroscope")
    if not program or shutil.which(program) is None:
        pytest.skip("no Pyroscope server: PYROSCOPE_BIN names none and `pyroscope` is not on PATH")
    return program


def settings(ports: dict[str, int]) -> dict[str, str]:
    """The flags of a server that is ready after two seconds.

    Each advertised address is set, since its default is a network interface's. With the new storage alone
    a query sees immediately what has been written. ports: http, grpc, raft, gossip.
    """
    raft = f"{LOOPBACK}:{ports['raft']}"
    grpc = f"{LOOPBACK}:{ports['grpc']}"
    name = f"server-{ports['http']}"
    return {
        "architecture.storage": "v2",
        "server.http-listen-address": LOOPBACK,
        "server.http-listen-port": str(ports["http"]),
        "server.grpc-listen-address": LOOPBACK,
        "server.grpc-listen-port": str(ports["grpc"]),
        "memberlist.bind-addr": LOOPBACK,
        "memberlist.bind-port": str(ports["gossip"]),
        "memberlist.advertise-addr": LOOPBACK,
        "memberlist.advertise-port": str(ports["gossip"]),
        "memberlist.nodename": name,
        "metastore.address": grpc,
        "metastore.raft.bind-address": raft,
        "metastore.raft.advertise-address": raft,
        "metastore.raft.server-id": raft,
        "metastore.min-ready-duration": "0s",
        "query-backend.address": grpc,
        "segment-writer.lifecycler.addr": LOOPBACK,
        "segment-writer.lifecycler.ID": name,
        "segment-writer.min-ready-duration": "0s",
        "self-profiling.disable-push": "true",
        "usage-stats.enabled": "false",
    }


class PyroscopeServer:
    """The running server; a context manager. It is ready when the block begins.

    binary: its program. folder: where its data goes, and its log (`server.log`). flags: further ones.
    """

    def __init__(self, binary: str, folder: Path, flags: Mapping[str, str] | None = None) -> None:
        folder.mkdir()
        self._folder = folder
        self._port = free_port()
        ports = {"http": self._port, **{name: free_port() for name in ("grpc", "raft", "gossip")}}
        given = settings(ports) | dict(flags or {})
        self._command = [binary, *(f"-{name}={value}" for name, value in given.items())]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PyroscopeServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it with its existing data, and wait until it accepts and shows profiles."""
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it as an operator does, which takes five seconds; the data is kept."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @property
    def url(self) -> str:
        """The URL to send to."""
        return f"http://{LOOPBACK}:{self._port}"

    def label_values(self, name: str) -> set[str]:
        """The values of a label in the last hours."""
        answer = self._query("LabelValues", {"name": name})
        return set(answer.get("names", ()))

    def functions(self, profile_type: str, selector: str) -> set[str]:
        """The names of the functions in a merged call tree of the last hours."""
        return set(self._tree(profile_type, selector).get("names", ()))

    def values(self, selector: str, start: float | None = None, end: float | None = None) -> Counter[str]:
        """The CPU time of each function itself, over all CPU profiles that match the selector.

        start, end: of what time, in seconds since 1970; without them, the last hours.
        """
        found: Counter[str] = Counter()
        tree = self._tree(CPU, selector, start, end)
        names = tree.get("names", [])
        for level in tree.get("levels", ()):
            numbers = [int(number) for number in level.get("values", ())]
            for place in range(0, len(numbers), 4):  # offset, total, self, name
                if numbers[place + 2]:
                    found[names[numbers[place + 3]]] += numbers[place + 2]
        return found

    def eventually(self, ask: Callable[[], set[str]], wanted: set[str]) -> set[str]:
        """The answer of `ask` as soon as it contains all of `wanted`, or after the time limit."""
        deadline = time.monotonic() + QUERY_SECONDS
        while True:
            answer = ask()
            if wanted <= answer or time.monotonic() > deadline:
                return answer
            time.sleep(0.5)

    def _tree(
        self, profile_type: str, selector: str, start: float | None = None, end: float | None = None
    ) -> dict[str, Any]:
        question: dict[str, Any] = {"profileTypeID": profile_type, "labelSelector": selector}
        question["maxNodes"] = "100000"
        if start is not None and end is not None:
            question |= {"start": int(start * 1000), "end": int(end * 1000)}
        tree: dict[str, Any] = self._query("SelectMergeStacktraces", question).get("flamegraph", {})
        return tree

    def _query(self, method: str, question: dict[str, Any]) -> dict[str, Any]:
        now = time.time_ns() // 10**6
        question = {"start": now - 3 * 3_600_000, "end": now + 60_000, **question}
        status, text = self._ask("POST", f"/querier.v1.QuerierService/{method}", json.dumps(question))
        assert status == 200, f"{status} {text}"
        answer = json.loads(text)
        assert isinstance(answer, dict)
        return answer

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=QUERY_SECONDS)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        said = "nothing"
        while process.poll() is None and time.monotonic() < deadline:
            try:
                status, said = self._ask("GET", "/ready")
            except OSError as error:
                said = str(error)
            else:
                if status == 200:
                    return
            time.sleep(0.2)
        log = (self._folder / "server.log").read_text(errors="replace")[-3000:]
        raise AssertionError(f"the Pyroscope server is not ready: {said}\n{log}")
