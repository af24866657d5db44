#!/usr/bin/env python3
"""The commands of a fresh checkout; they need only Python 3.11 or newer.

    python3 dev.py demo            set everything up, forward a bundled profile, and show it arrive
    python3 dev.py demo --stay     keep running, so that you can look at the profile in a browser
    python3 dev.py test            set everything up and run linters, type checks and all tests
    python3 dev.py test --compiled all tests with compiled modules; needs a C compiler and Python's headers
    python3 dev.py test --smoke    a few of the tests with compiled modules; three minutes
    python3 dev.py test --full     both of these with all repetitions of the tests; about two hours
    python3 dev.py test --coverage the first, and list the lines and branches of alloypy that no test reaches
    python3 dev.py test --newest   the first, with the newest packages instead of the tested ones
    python3 dev.py lint            formatting, linters and layers only
    python3 dev.py fix             fix what the formatter and the linter can fix
    python3 dev.py types           type checks only
    python3 dev.py docs            write the pages of docs that are made from the code
    python3 dev.py screenshots     takes the pictures of the pages anew; needs Node and Chromium
    python3 dev.py bench NAME      a benchmark (NAME --compiled: with compiled modules); no name lists all
    python3 dev.py soak NAME       a long run under load: receiver, queue, or kafka
    python3 dev.py constraints     take the newest packages as the tested ones; run the tests afterwards

Everything is installed in `.venv` beside this file (`.venv-newest` for the newest packages, `.venv-compiled`
for compiled modules, which are kept in the user's cache directory). Arguments after `test` go to pytest,
after `types` to mypy, after `bench NAME` or `soak NAME` to that run.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

Process = "subprocess.Popen[str]"

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
VENV_NEWEST = ROOT / ".venv-newest"
VENV_COMPILED = ROOT / ".venv-compiled"
COMPILED = VENV_COMPILED / "checkout"
CONSTRAINTS = ROOT / ".ci" / "constraints.txt"
DEMO = ROOT / "examples" / "demo"
SOAK = ROOT / "tests" / "soak"
BENCHMARKS = ROOT / "tests" / "benchmarks"

CONSTRAINTS_HEAD = """\
# The versions that the tests passed with; written by `python3 dev.py constraints`.
"""
TOOLS = ("test", "lint")
LINT = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "layers": ["lint-imports"],
}
FIX = {"lint": ["ruff", "check", "--fix", "."], "format": ["ruff", "format", "."]}
DOCS = ("own_words", "cli_page", "lint_page", "stdlib_page", "component_pages")
LEAST_COVERED = 15
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
WORKERS = ["-n", str(2 * CORES), "--dist", "worksteal"]
"""Two for each core, because half of the time tests wait for sockets, processes and intervals."""

DOING = re.compile(r" *(?:Collecting|Downloading|Preparing|Building|Installing|Attempting) ")
"""The lines of pip that say what it is doing."""
FULL = {"ALLOYPY_FULL": "1", "PYTEST_ADDOPTS": "--timeout=3600"}
SMOKE = (
    "tests/cli/test_compiled_modules.py",
    "tests/unit/profiles",
    "tests/wire/test_receive_http.py",
    "tests/wire/test_receive_recorded.py",
    "tests/wire/test_reload_under_load.py",
    "tests/wire/test_write.py",
)
"""The tests that exercise most of the compiled modules."""
ON_COMPILED = {"ALLOYPY_COMPILED": "1"}


def program(name: str, venv: Path = VENV) -> Path:
    """A program of a virtual environment."""
    return venv / "Scripts" / f"{name}.exe" if os.name == "nt" else venv / "bin" / name


PYTHON = program("python")


def main(argv: list[str]) -> int:
    """Run the command that the arguments name."""
    if sys.version_info < (3, 11):
        return fail(f"alloypy needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    word, rest = (argv[0], argv[1:]) if argv else ("", [])
    if word == "demo" and rest in ([], ["--stay"]):
        install(groups=())
        return demo(stay=bool(rest))
    if word == "test":
        return test(rest)
    if word in ("lint", "fix") and not rest:
        install(groups=TOOLS)
        return run_all(LINT if word == "lint" else FIX)
    if word == "types":
        install(groups=TOOLS)
        return run_all({"types": ["mypy", *rest]})
    if word == "docs" and not rest:
        install(groups=TOOLS)
        return docs()
    if word == "screenshots" and not rest:
        install(groups=TOOLS)
        return call([PYTHON, "-m", "tests.support.screenshots"])
    if word == "bench":
        return bench(rest)
    if word == "soak" and rest and (SOAK / f"{rest[0]}.py").is_file():
        install(groups=TOOLS)
        return call([PYTHON, "-m", f"tests.soak.{rest[0]}", *rest[1:]])
    if word == "constraints" and not rest:
        return renew_constraints()
    print(__doc__, file=sys.stderr)
    return 2


def fail(message: str) -> int:
    """Print an error on one line; returns exit code 1."""
    print(f"dev.py: {message}", file=sys.stderr)
    return 1


def call(command: list[str | Path], variables: dict[str, str] | None = None, folder: Path = ROOT) -> int:
    """Run a command, by default at the top of the checkout; returns its exit code."""
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=folder, env={**os.environ, **(variables or {})}, check=False).returncode


def install(groups: tuple[str, ...], *, venv: Path = VENV) -> None:
    """Install alloypy and the dependency groups in a virtual environment.

    A second call finds its stamp and does nothing, unless the newest packages are wanted: even newer ones
    may be available.
    """
    if venv == VENV_NEWEST:
        fill(venv, groups, None)
        return
    stamp = venv / f"installed-{'-'.join(('alloypy', *groups))}"
    given = (ROOT / "pyproject.toml").read_bytes() + CONSTRAINTS.read_bytes() + sys.version.encode()
    wanted = hashlib.sha256(given).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted and program("python", venv).exists():
        return
    fill(venv, groups, CONSTRAINTS)
    stamp.write_text(wanted)


def install_compiled() -> None:
    """Install alloypy with compiled modules, and make a copy of the checkout that has them, too."""
    from tests.support import compiled_checkout as compiled

    install(groups=TOOLS)
    try:
        wheel = compiled.compiled_wheel(ROOT, PYTHON, compiled.wheel_cache())
        compiled.compiled_environment(VENV_COMPILED, VENV, wheel)
    except compiled.NotBuiltError as error:
        sys.exit(fail(str(error)))
    compiled.compiled_checkout(ROOT, wheel, COMPILED)
    (COMPILED / ".venv").symlink_to(VENV_COMPILED)


def fill(venv: Path, groups: tuple[str, ...], constraints: Path | None) -> None:
    """Install alloypy and the dependency groups, in the versions in the constraints if there are any."""
    import tomllib

    python = program("python", venv)
    if not python.exists():
        print(f"Creating a virtual environment in {venv.name} ...", file=sys.stderr, flush=True)
        if call([sys.executable, "-m", "venv", venv]):
            sys.exit(fail("cannot create a virtual environment; on Debian and Ubuntu install python3-venv"))
    what = (
        "alloypy and its test tools, which takes a minute" if groups else "alloypy, which takes half a minute"
    )
    print(f"Installing {what} ...", file=sys.stderr, flush=True)
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    requirements = [requirement for group in groups for requirement in declared[group]]
    pip: list[str | Path] = [python, "-m", "pip", "install", "--disable-pip-version-check"]
    if constraints is None:
        chosen, variables = ["--upgrade", "--upgrade-strategy=eager"], {}
    else:
        # These variables constrain the build of alloypy itself: one for older pips, one for newer ones.
        names = ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT")
        chosen, variables = [], {name: constraints.as_uri() for name in names}
    watched = sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"
    run = call_watched if watched else call
    quiet = [] if watched else ["--quiet"]
    if run([*pip, *quiet, "--no-input", *chosen, "--editable", ROOT, *requirements], variables):
        sys.exit(fail("pip could not install the packages that alloypy needs; its own message is above"))


def call_watched(command: list[str | Path], variables: dict[str, str]) -> int:
    """Run pip, and show on the terminal what it is doing, in one line that is cleared at the end."""
    started = time.monotonic()
    process = subprocess.Popen(
        [str(word) for word in [*command, "--progress-bar=off"]],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    packages = 0
    with process:
        for line in process.stdout:
            packages += line.startswith(("Collecting ", "Requirement already satisfied"))
            doing = DOING.match(line)
            if doing is not None:
                text = f"{time.monotonic() - started:.0f} s, package {packages}: {line.strip()}"
                columns = shutil.get_terminal_size().columns
                print(f"\r{text[: columns - 1]}\x1b[K", end="", file=sys.stderr, flush=True)
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    return process.returncode


def renew_constraints() -> int:
    """Pin the newest versions of all packages."""
    with tempfile.TemporaryDirectory() as folder:
        venv = Path(folder) / "venv"
        fill(venv, TOOLS, None)
        listed = subprocess.run(
            [program("python", venv), "-m", "pip", "freeze", "--all", "--exclude=pip", "--exclude-editable"],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
    CONSTRAINTS.write_text(CONSTRAINTS_HEAD + listed, "utf-8")
    print(f"{CONSTRAINTS.relative_to(ROOT)} names {len(listed.splitlines())} packages; now: dev.py test")
    return 0


def demo(*, stay: bool = False) -> int:
    """Run a receiver, a relabel rule, a destination with credentials, and a sink that shows what arrives.

    stay: keep everything running until it is interrupted.
    """
    profile = (DEMO / "checkout.pprof").read_bytes()
    count = [] if stay else ["--count=1"]
    sink = start("dev-sink", *count, "--listen-addr=127.0.0.1:0", stdout=subprocess.PIPE)
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
                variables={
                    "DEMO_PORT": str(port),
                    "DEMO_SINK": destination,
                    "DEMO_PASSWORD": "not-a-real-password",
                },
            )
            admin = wait_for(alloypy, r"Alloy is running.* admin=\S+").rpartition("=")[2]
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
            if stay:
                return stay_with(alloypy, sink, destination, admin)
            sink.wait(30)
        except KeyboardInterrupt:
            return 0
        except (OSError, DemoFailed) as error:
            return fail(f"the demo failed: {error}")
        finally:
            for process in (alloypy, sink):
                if process is not None:
                    stop(process)
    say("With --stay it keeps running, and shows the profile as a flame graph in a browser.")
    say(f"The command is {program('alloypy').relative_to(ROOT)}; README.md shows how to use it.")
    return 0


def stay_with(alloypy: Process, sink: Process, destination: str, admin: str) -> int:
    """Say where to look, and show what else arrives. Raises KeyboardInterrupt, and DemoFailed if one ends."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    say(f"see it:  {destination}/flame?p=1 shows the profile as a flame graph")
    say(f"         http://{admin}/ shows the components that passed it on; Ctrl-C ends the demo")

    def show() -> None:
        for line in sink.stdout:
            say(f"arrived: {line.strip()}")
        alloypy.terminate()  # there is nothing to show any more

    threading.Thread(target=show, daemon=True).start()
    alloypy.wait()
    raise DemoFailed("a process has ended")


class DemoFailed(Exception):
    """A process ended before its log had the expected line."""


def say(text: str) -> None:
    """Print a line immediately."""
    print(text, flush=True)


def start(*arguments: str, stdout: int | None = None, variables: dict[str, str] | None = None) -> Process:
    """Start alloypy, with a pipe for its log."""
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
    """Ask the process to stop, and kill it if it does not."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
    with process:  # closes its pipes
        pass


def wait_for(process: Process, pattern: str) -> str:
    """Wait for a match in the process's log and return it; the rest of the log is discarded."""
    seen = []
    for line in process.stderr:
        found = re.search(pattern, line)
        if found:
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return found[0]
        seen.append(line)
    raise DemoFailed("".join(seen))


def free_port() -> int:
    """A port that nobody is using."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test(arguments: list[str]) -> int:
    """Run what the arguments ask for; those that are not ours go to pytest."""
    own = ("--newest", "--full", "--coverage", "--compiled", "--smoke")
    newest, full, measured, compiled, smoke = (each in arguments for each in own)
    rest = [*(SMOKE if smoke else ()), *(argument for argument in arguments if argument not in own)]
    compiled = compiled or smoke
    if compiled and (newest or measured):
        return fail("only --full goes with --compiled and --smoke")
    variables = FULL if full else {}
    code = 0
    if not compiled:
        venv = VENV_NEWEST if newest else VENV
        install(groups=TOOLS, venv=venv)
        code = check(rest, venv, variables, measured=measured)
    if compiled or (full and not (newest or measured)):
        install_compiled()
        tests = {"tests with compiled modules": ["python", "-m", "pytest", *WORKERS, *rest]}
        code = run_all(tests, VENV_COMPILED, variables | ON_COMPILED, COMPILED) or code
    return code


def check(
    pytest_arguments: list[str], venv: Path, variables: dict[str, str], *, measured: bool = False
) -> int:
    """Run every check in turn; at the end report the coverage, if it is measured."""
    tests = ["pytest", *WORKERS, *pytest_arguments]
    checks = LINT | {"types": ["mypy"]}
    if not measured:
        return run_all(checks | {"tests": tests}, venv, variables)
    with tempfile.TemporaryDirectory() as folder:
        # Processes that tests start, in any directory, write their data there.
        variables = {**variables, "COVERAGE_FILE": str(Path(folder) / "data")}
        code = run_all(checks | {"tests": ["coverage", "run", "-m", *tests]}, venv, variables)
        summary = Path(folder) / "coverage.json"
        coverage = program("coverage", venv)
        if call([coverage, "combine", "--quiet"], variables) or call(
            [coverage, "json", "--quiet", "-o", summary], variables
        ):
            return fail("no coverage was measured")
        print(covered(json.loads(summary.read_text("utf-8"))), flush=True)
    return code


def covered(summary: dict[str, Any]) -> str:
    """The coverage of lines and branches: the total, and the files where it is lowest."""
    files = summary["files"].items()
    shares = sorted((each["summary"]["percent_covered"], name, each["summary"]) for name, each in files)
    lines = [f"--- coverage: {summary['totals']['percent_covered']:.1f} % of lines and branches; lowest in:"]
    for share, name, counts in shares[:LEAST_COVERED]:
        missing = counts["missing_lines"], counts["missing_branches"]
        lines.append(f"{share:6.1f} %  {name}: {missing[0]} lines, {missing[1]} branches missing")
    return "\n".join(lines)


def run_all(
    checks: dict[str, list[str]],
    venv: Path = VENV,
    variables: dict[str, str] | None = None,
    folder: Path = ROOT,
) -> int:
    """Run tools by name, one after the other; all of them run, even after one fails."""
    failed = []
    for name, command in checks.items():
        print(f"--- {name}: {' '.join(command)}", flush=True)
        started = time.monotonic()
        code = call([program(command[0], venv), *command[1:]], variables, folder)
        print(
            f"--- {name}: {'failed' if code else 'passed'} in {time.monotonic() - started:.0f} s", flush=True
        )
        if code:
            failed.append(name)
    return fail(f"failed: {', '.join(failed)}") if failed else 0


def docs() -> int:
    """Write everything that is made from the code; a part that fails does not stop the others."""
    failed = [name for name in DOCS if call([PYTHON, "-m", f"tests.support.{name}"])]
    return fail(f"failed: {', '.join(failed)}") if failed else 0


def bench(arguments: list[str]) -> int:
    """Run a benchmark, or list all with what they measure."""
    files = {path.stem: path for path in sorted(BENCHMARKS.glob("*.py")) if path.stem != "__init__"}
    if not arguments:
        for name, path in files.items():
            first = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[0]
            print(f"{name:16}{first}")
        return 0
    name, *rest = arguments
    if name not in files:
        return fail(f"there is no benchmark {name!r}; choose one of {', '.join(files)}")
    if rest[:1] == ["--compiled"]:
        install_compiled()
        command = [program("python", VENV_COMPILED), "-m", f"tests.benchmarks.{name}", *rest[1:]]
        return call(command, ON_COMPILED, COMPILED)
    install(groups=TOOLS)
    return call([PYTHON, "-m", f"tests.benchmarks.{name}", *rest])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
