"""What discovery.kubernetes costs with many pods: CPU to read them and to follow their changes, memory.

    python -m tests.benchmarks.kubernetes [--pods N] [--changes N] [--command PATH]

Prints one JSON row. The API is a stand-in in a process of its own that speaks JSON; its pods are as large as
those of a real cluster, about 5 KB. Any program with Alloy's command line can be measured.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import multiprocessing
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.support.kube_api import kube_api, pod
from tests.support.running import free_port

_CONFIG = """
discovery.kubernetes "pods" {{
  role       = "pod"
  api_server = "http://127.0.0.1:{port}"
}}
"""
_COUNT = re.compile(
    r'^prometheus_sd_kubernetes_events_total\{(?=.*role="pod").*event="(\w+)".*\} (\S+)$', re.MULTILINE
)
_PUBLISHED_SECONDS = 11.0
_LONGEST_SECONDS = 300.0


def _large_pod(number: int, turn: int) -> dict[str, Any]:
    """A pod with the things that pods of a real cluster have, and that discovery does not need."""
    address = f"10.{number // 62500}.{number // 250 % 250}.{number % 250}"
    given = pod(f"web-{number}", address, f"team-{number % 20}", app="web", turn=str(turn))
    given["metadata"]["managedFields"] = [{"fieldsV1": {f"f:field-{each}": {} for each in range(100)}}]
    given["spec"]["containers"][0]["env"] = [{"name": f"V{each}", "value": "x" * 20} for each in range(40)]
    return given


def _serve(pipe: Connection, pods: int) -> None:
    """The API: tells its port, then changes as many pods as it is told."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        async with kube_api() as api:
            for number in range(pods):
                api.put("pods", _large_pod(number, 0))
            pipe.send(api.port)
            while changes := await loop.run_in_executor(None, pipe.recv):
                for number in range(changes):
                    api.put("pods", _large_pod(number % pods, 1))
                    await asyncio.sleep(0)

    asyncio.run(run())


def _get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    except OSError:
        return ""
    finally:
        connection.close()


def _wait_for(port: int, event: str, count: int) -> None:
    """Wait until that many events were counted, and until the targets are exported."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    while dict(_COUNT.findall(_get(port, "/metrics"))).get(event) not in (str(count), f"{count:g}"):
        if time.monotonic() > deadline:
            raise SystemExit(f"{count} events {event} were not seen")
        time.sleep(0.5)
    time.sleep(_PUBLISHED_SECONDS)


def _cpu(pid: int) -> float:
    """Seconds of CPU, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return 0.0 if found is None else int(found[1]) / 1024


def measured(command: list[str], folder: Path, pods: int, changes: int) -> dict[str, float]:
    """One run of a program."""
    ours, theirs = multiprocessing.Pipe()
    api = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, pods), daemon=True)
    api.start()
    config = folder / "config.alloy"
    config.write_text(_CONFIG.format(port=ours.recv()))
    port = free_port()
    flags = [f"--server.http.listen-addr=127.0.0.1:{port}", f"--storage.path={folder}", "--disable-reporting"]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen([*command, "run", str(config), *flags], stdout=log, stderr=log)
    try:
        _wait_for(port, "add", pods)
        first = _cpu(running.pid)
        ours.send(changes)
        _wait_for(port, "update", changes)
        both = _cpu(running.pid)
        memory = _memory_mb(running.pid)
    finally:
        running.terminate()
        running.wait()
        ours.send(0)
        api.join()
    return {"start_and_list_cpu_s": first, "changes_cpu_s": both - first, "memory_mb": memory}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pods", type=int, default=5000)
    parser.add_argument("--changes", type=int, default=1000)
    parser.add_argument("--command", default=f"{shlex.quote(sys.executable)} -m alloypy")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        row = measured(shlex.split(given.command), Path(name), given.pods, given.changes)
    print(json.dumps({"command": given.command, "pods": given.pods, "changes": given.changes, **row}))


if __name__ == "__main__":
    main()
