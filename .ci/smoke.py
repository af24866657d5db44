"""Install a built wheel in an empty environment and try the program: `python .ci/smoke.py dist [KIND]`.

Of several wheels pip chooses the one that suits this Python best. It must be of the kind, `pure` or
`compiled`. This needs only the Python that runs it; alloypy's dependencies come from the package index.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv
from pathlib import Path

CONFIG = 'logging {\n\tlevel = "info"\n}\n'
SECONDS = 30


def main(folder: Path, kind: str) -> None:
    """Install from `folder`, and check that every command supported on this platform works."""
    wheels = list(folder.resolve().glob("*.whl"))
    (version,) = {wheel.name.split("-")[1] for wheel in wheels}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        place = Path(home)
        venv.create(place / "venv", with_pip=True)
        programs = place / "venv" / ("Scripts" if os.name == "nt" else "bin")
        pip = [programs / "python", "-m", "pip", "install", "--quiet", f"alloypy=={version}"]
        local = ["--no-index", f"--find-links={folder.resolve()}", "--only-binary=alloypy", "--no-deps"]
        subprocess.run([*pip, *local], check=True)
        subprocess.run(pip, check=True)  # what alloypy depends on
        check_commands(programs / "alloypy", place, version, kind)
        if os.name != "nt":
            check_run(programs / "alloypy", place)
    print(f"alloypy {version} ({kind}) works on {sys.platform} with Python {sys.version.split()[0]}")


def check_commands(program: Path, place: Path, version: str, kind: str) -> None:
    """Check version, formatter, validator and evaluator."""
    (place / "good.alloy").write_text(CONFIG.replace("\t", "  "), "utf-8")
    (place / "bad.alloy").write_text("a = \n", "utf-8")

    def alloypy(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(program), *arguments]
        return subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)

    told = alloypy("--version").stdout
    expect(told.startswith(f"alloypy, version v{version}"), "--version")
    expect(re.search(rf"^  build: +{kind}$", told, re.MULTILINE) is not None, f"the {kind} build")
    expect(alloypy("fmt", "good.alloy").stdout == CONFIG, "fmt")
    expect(alloypy("validate", "good.alloy").returncode == 0, "validate")
    fault = alloypy("validate", "bad.alloy")
    expect("bad.alloy:2:1: expected expression" in fault.stderr, "validate of a file with a fault")
    expect(alloypy("eval", "1 + 1").stdout == "2\n", "eval")


def check_run(program: Path, place: Path) -> None:
    """Check that a process becomes ready, and stops on a signal."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(program), "run", f"--server.http.listen-addr=127.0.0.1:{port}", "good.alloy"]
    process = subprocess.Popen(command, cwd=place)
    try:
        expect(ready(f"http://127.0.0.1:{port}/-/ready"), "run: it becomes ready")
        process.terminate()
        expect(process.wait(SECONDS) == 0, "run: it stops")
    finally:
        process.kill()


def ready(url: str) -> bool:
    """Whether the process reports that it is ready within SECONDS."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return b"ready" in answer.read()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


def expect(holds: bool, what: str) -> None:
    """Exit, naming what does not work, unless it holds."""
    if not holds:
        sys.exit(f"smoke test: {what} does not work")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(sys.argv[2:] or ["pure"]))
