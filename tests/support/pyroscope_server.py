"""A Pyroscope server with its data in a folder, on loopback only, to send profiles to and read them back."""

from __future__ import annotations

import http.client
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.running import environment, free_port

LOOPBACK = "127.0.0.1"
READY_SECONDS = 180.0
QUERY_SECONDS = 60.0
_STOP_SECONDS = 60.0
_RINGS = (
    "compactor.ring",
    "distributor.ring",
    "overrides-exporter.ring",
    "query-scheduler.ring",
    "store-gateway.sharding-ring",
)


def settings(ports: dict[str, int]) -> dict[str, str]:
    """The flags. Each advertised address is set, since its default is a network interface's.

    ports: http, grpc, raft, gossip. Source: PYROSCOPE spec section 13.
    """
    raft = f"{LOOPBACK}:{ports['raft']}"
    grpc = f"{LOOPBACK}:{ports['grpc']}"
    return {
        "server.http-listen-address": LOOPBACK,
        "server.http-listen-port": str(ports["http"]),
        "server.grpc-listen-address": LOOPBACK,
        "server.grpc-listen-port": str(ports["grpc"]),
        "memberlist.bind-addr": LOOPBACK,
        "memberlist.bind-port": str(ports["gossip"]),
        "memberlist.advertise-addr": LOOPBACK,
        "memberlist.advertise-port": str(ports["gossip"]),
        "metastore.address": grpc,
        "metastore.raft.bind-address": raft,
        "metastore.raft.advertise-address": raft,
        "metastore.raft.bootstrap-peers": raft,
        "metastore.raft.server-id": LOOPBACK,  # the name that a peer without one gets
        "query-backend.address": grpc,
        "query-frontend.instance-addr": LOOPBACK,
        "segment-writer.lifecycler.addr": LOOPBACK,
        "ingester.lifecycler.addr": LOOPBACK,
        **{f"{ring}.instance-addr": LOOPBACK for ring in _RINGS},
        # "auto" answers a fresh tenant's queries from where nothing is yet.
        "enable-query-backend-from": "2020-01-01T00:00:00Z",
        # Relative folders of all else lie in the working directory.
        "compaction-worker.temp-dir": "compaction",
        "self-profiling.disable-push": "true",
        "tracing.enabled": "false",
        "usage-stats.enabled": "false",
    }


class PyroscopeServer:
    """The running server; a context manager. It is ready when the block begins.

    binary: its program. folder: where its data goes, and its log (`server.log`).
    """

    def __init__(self, binary: str, folder: Path) -> None:
        folder.mkdir()
        (folder / "compaction").mkdir()
        self._folder = folder
        self._port = free_port()
        ports = {"http": self._port, **{name: free_port() for name in ("grpc", "raft", "gossip")}}
        self._command = [binary, *(f"-{name}={value}" for name, value in settings(ports).items())]

    def __enter__(self) -> PyroscopeServer:
        with (self._folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def url(self) -> str:
        """Where to send to."""
        return f"http://{LOOPBACK}:{self._port}"

    def label_values(self, name: str) -> set[str]:
        """The values that a label has had in the last hour."""
        answer = self._query("LabelValues", {"name": name})
        return set(answer.get("names", ()))

    def functions(self, profile_type: str, selector: str) -> set[str]:
        """The names of the functions in a merged call tree of the last hour."""
        answer = self._query(
            "SelectMergeStacktraces", {"profileTypeID": profile_type, "labelSelector": selector}
        )
        return set(answer.get("flamegraph", {}).get("names", ()))

    def eventually(self, ask: Callable[[], set[str]], wanted: set[str]) -> set[str]:
        """What `ask` answers as soon as all of `wanted` is in it, or when it has had long enough."""
        deadline = time.monotonic() + QUERY_SECONDS
        while True:
            answer = ask()
            if wanted <= answer or time.monotonic() > deadline:
                return answer
            time.sleep(0.5)

    def _query(self, method: str, question: dict[str, Any]) -> dict[str, Any]:
        now = time.time_ns() // 10**6
        question = {**question, "start": now - 3_600_000, "end": now + 60_000}
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

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        said = "nothing"
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                status, said = self._ask("GET", "/ready")
            except OSError as error:
                said = str(error)
            else:
                if status == 200:
                    return
            time.sleep(0.5)
        log = (self._folder / "server.log").read_text(errors="replace")[-3000:]
        raise AssertionError(f"the Pyroscope server is not ready: {said}\n{log}")

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
