"""How fast the check is: `python tests/benchmarks/validate.py`.

Prints one line for each measure: a whole process on a small file, with its largest memory, and a
thousand files in one call. Best of several runs, as other work on the machine can only slow a run down.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONFIG = """
pyroscope.receive_http "default" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = {port}
  }}
  forward_to = [pyroscope.relabel.clean.receiver]
}}

pyroscope.relabel "clean" {{
  forward_to = [pyroscope.write.backend.receiver]
  rule {{
    source_labels = ["service_name"]
    regex         = "test-.*"
    action        = "drop"
  }}
}}

pyroscope.write "backend" {{
  endpoint {{
    url = "https://profiles.example.com"
    basic_auth {{
      username = sys.env("USER_ID")
      password = sys.env("PASSWORD")
    }}
  }}
  external_labels = {{ env = "prod", region = "eu-{port}" }}
}}
"""
ALLOY_SECONDS = 0.17  # of one `alloy validate` process on the machine the goals were set on
ALLOY_MEGABYTES = 190
RUNS = 7


def run(paths: list[str]) -> tuple[float, float]:
    """Wall seconds and largest memory in megabytes of one call."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "alloypy", "validate", *paths], stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"validate failed with {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number in range(1000):
            path = Path(folder, f"{number}.alloy")
            path.write_text(CONFIG.format(port=4000 + number))
            paths.append(str(path))
        small = [run(paths[:1]) for _ in range(RUNS)]
        many = [run(paths) for _ in range(3)]
    wall, memory = min(wall for wall, _ in small), min(memory for _, memory in small)
    total = min(wall for wall, _ in many)
    print(f"small file, whole process: {wall:.3f} s wall ({wall / ALLOY_SECONDS:.2f} of Alloy's)")
    print(f"small file, largest memory: {memory:.1f} MB ({memory / ALLOY_MEGABYTES:.2f} of Alloy's)")
    times = 1000 * ALLOY_SECONDS / total
    print(f"1,000 files in one call: {total:.2f} s wall ({times:.0f} times as fast as one Alloy each)")


if __name__ == "__main__":
    main()
