"""How soon `alloypy run` is ready, and how much memory it holds when idle.

    python -m tests.benchmarks.startup [--runs N] [--command PATH]

Prints one JSON row for each run and a summary: seconds from exec to a 200 of /-/ready, CPU seconds
until then, resident memory after a pause, seconds from SIGTERM to the end. Any program with Alloy's
command line can be measured. A first start does not count: it writes the bytecode that an
installation has.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_CONFIG = """
pyroscope.receive_http "default" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = {port}
  }}
  forward_to = [pyroscope.write.w.receiver]
}}

pyroscope.write "w" {{
  endpoint {{
    url = "http://127.0.0.1:9"
  }}
}}
"""
_IDLE = 3.0
_POLL = 0.002


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/-/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _memory_kb(pid: int, field: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    return 0


def _cpu_seconds(pid: int) -> float:
    """User and system time so far, from the scheduler's own count in nanoseconds."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def _environment() -> dict[str, str]:
    """Our environment, but with bytecode allowed: compiling changed files takes longer than a start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def measure(command: list[str], idle: float = _IDLE) -> dict[str, float]:
    """One start: seconds to ready, CPU seconds of them, and kilobytes resident after `idle` seconds."""
    with tempfile.TemporaryDirectory() as folder:
        admin = _free_port()
        Path(folder, "config.alloy").write_text(_CONFIG.format(port=_free_port()))
        arguments = [
            "run",
            "--stability.level=public-preview",
            "--storage.path=data",
            f"--server.http.listen-addr=127.0.0.1:{admin}",
            "config.alloy",
        ]
        started = time.perf_counter()
        process = subprocess.Popen(
            [*command, *arguments], cwd=folder, env=_environment(), stderr=subprocess.DEVNULL
        )
        try:
            while not _ready(admin):
                if process.poll() is not None:
                    raise SystemExit(f"{command} ended with {process.returncode}")
                time.sleep(_POLL)
            ready = time.perf_counter() - started
            cpu = _cpu_seconds(process.pid)
            time.sleep(idle)
            resident = _memory_kb(process.pid, "VmRSS")
            stopping = time.perf_counter()
            process.terminate()
            process.wait(30)
            stopped = time.perf_counter() - stopping
        finally:
            process.kill()
            process.wait()
    return {
        "ready_s": round(ready, 4),
        "cpu_s": round(cpu, 4),
        "rss_kb": resident,
        "stop_s": round(stopped, 4),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--command", default=f"{sys.executable} -m alloypy")
    options = parser.parse_args()
    command = shlex.split(options.command)
    measure(command, idle=0)
    rows = []
    for _ in range(options.runs):
        rows.append(measure(command))
        print(json.dumps(rows[-1]), flush=True)
    for field in rows[0]:
        values = [row[field] for row in rows]
        print(f"{field}: median {statistics.median(values)} (min {min(values)}, max {max(values)})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
