#!/usr/bin/env python3
"""The two commands of a fresh checkout; needs Python 3.11 or newer and nothing else.

    python3 dev.py demo    set everything up and forward a bundled profile, so that you see it arrive
    python3 dev.py test    set everything up and run linters, type checks and all tests

Everything lands in `.venv` beside this file. What follows `test` goes to pytest.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

Process = "subprocess.Popen[str]"

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
DEMO = ROOT / "examples" / "demo"


def main(argv: list[str]) -> int:
    """Run one of the two words."""
    if sys.version_info < (3, 11):
        return fail(f"alloypy needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    word, rest = (argv[0], argv[1:]) if argv else ("", [])
    if word == "demo" and not rest:
        install(groups=())
        return demo()
    if word == "test":
        install(groups=("test", "lint"))
        return test(rest)
    print(__doc__, file=sys.stderr)
    return 2


def fail(message: str) -> int:
    """Say what is wrong, in one line."""
    print(f"dev.py: {message}", file=sys.stderr)
    return 1


def install(groups: tuple[str, ...]) -> None:
    """Make `.venv` hold alloypy and the dependency groups; a second call finds its stamp and does nothing."""
    import tomllib

    text = (ROOT / "pyproject.toml").read_bytes()
    stamp = VENV / f"installed-{'-'.join(('alloypy', *groups))}"
    wanted = hashlib.sha256(text + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted and PYTHON.exists():
        return
    if not PYTHON.exists():
        print("Making a virtual environment in .venv ...", file=sys.stderr, flush=True)
        made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False)
        if made.returncode:
            sys.exit(fail("cannot make a virtual environment; on Debian and Ubuntu install python3-venv"))
    print(f"Installing alloypy{' and its test tools' if groups else ''} ...", file=sys.stderr, flush=True)
    declared = tomllib.loads(text.decode())["dependency-groups"]
    requirements = [requirement for group in groups for requirement in declared[group]]
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    if subprocess.run([*pip, "--editable", str(ROOT), *requirements], cwd=ROOT, check=False).returncode:
        sys.exit(fail("pip could not install the packages that alloypy needs; its own message is above"))
    stamp.write_text(wanted)


def demo() -> int:
    """A receiver, a relabel rule, a destination with credentials, and a sink that shows what arrives."""
    profile = (DEMO / "checkout.pprof").read_bytes()
    sink = start("dev-sink", "--count=1", "--listen-addr=127.0.0.1:0", stdout=subprocess.PIPE)
    alloypy = None
    with tempfile.TemporaryDirectory() as storage:
        try:
            destination = wait_for(sink, r"http://\S+")
            port = free_port()
            alloypy = start(
                "run",
                "--stability.level=public-preview",
                f"--storage.path={storage}",
                "--server.http.listen-addr=127.0.0.1:0",
                str(DEMO / "config.alloy"),
                variables={"DEMO_PORT": str(port), "DEMO_SINK": destination},
            )
            wait_for(alloypy, "Alloy is running")
            say(f"alloypy runs {DEMO.relative_to(ROOT) / 'config.alloy'}: it receives on 127.0.0.1:{port}")
            say(f"and forwards to {destination}, a stand-in for a Pyroscope server.")
            query = urllib.parse.urlencode(
                {"name": "checkout{pod=shop-1,build=4711}", "from": 1, "until": 2, "format": "pprof"}
            )
            url = f"http://127.0.0.1:{port}/ingest?{query}"
            digest = hashlib.sha256(profile).hexdigest()[:12]
            say(f"sent:    POST {url}")
            say(f"         {len(profile)} bytes, sha256 {digest}, no credentials")
            with urllib.request.urlopen(urllib.request.Request(url, profile), timeout=30) as answer:
                say(f"         answered with {answer.status}")
            say(f"arrived: {sink.stdout.readline().strip()}")
            sink.wait(30)
        except (OSError, DemoFailed) as error:
            return fail(f"the demo failed: {error}")
        finally:
            for process in (alloypy, sink):
                if process is not None:
                    stop(process)
    return 0


class DemoFailed(Exception):
    """A process ended before it said what was waited for."""


def say(text: str) -> None:
    """A line for whoever watches."""
    print(text, flush=True)


def start(*arguments: str, stdout: int | None = None, variables: dict[str, str] | None = None) -> Process:
    """Start alloypy; its log can be waited for."""
    return subprocess.Popen(
        [str(PYTHON), "-m", "alloypy", *arguments],
        cwd=ROOT,
        env={**os.environ, **(variables or {})},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def stop(process: Process) -> None:
    """Ask the process to end, and end it if it does not."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
    with process:  # closes its pipes
        pass


def wait_for(process: Process, pattern: str) -> str:
    """What in the process's log matches; from then on the log is read and dropped."""
    seen = []
    for line in process.stderr:
        found = re.search(pattern, line)
        if found:
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return found[0]
        seen.append(line)
    raise DemoFailed("".join(seen))


def free_port() -> int:
    """A port that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test(pytest_arguments: list[str]) -> int:
    """Every check in turn; all of them run, whatever the first ones say."""
    checks = {
        "format": ["ruff", "format", "--check", "."],
        "lint": ["ruff", "check", "."],
        "types": ["mypy"],
        "layers": ["lint-imports"],
        "tests": ["pytest", "-n", "auto", *pytest_arguments],
    }
    failed = []
    for name, command in checks.items():
        print(f"--- {name}: {' '.join(command)}", flush=True)
        started = time.monotonic()
        code = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, check=False).returncode
        print(
            f"--- {name}: {'failed' if code else 'passed'} in {time.monotonic() - started:.0f} s", flush=True
        )
        if code:
            failed.append(name)
    return fail(f"failed: {', '.join(failed)}") if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
