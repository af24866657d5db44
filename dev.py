#!/usr/bin/env python3
"""The two commands of a fresh checkout; needs Python 3.11 or newer and nothing else.

    python3 dev.py demo    set everything up and forward a bundled profile, so that you see it arrive
    python3 dev.py test    set everything up and run linters, type checks and all tests

Everything lands in `.venv` beside this file. What follows `test` goes to pytest.
"""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

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


def test(pytest_arguments: list[str]) -> int:
    """Every check in turn; all of them run, whatever the first ones say."""
    checks = {
        "format": ["ruff", "format", "--check", "."],
        "lint": ["ruff", "check", "."],
        "types": ["mypy"],
        "layers": ["lint-imports"],
        "tests": ["pytest", *pytest_arguments],
    }
    failed = []
    for name, command in checks.items():
        print(f"--- {name}: {' '.join(command)}", flush=True)
        started = time.monotonic()
        code = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, check=False).returncode
        print(f"--- {name}: {'failed' if code else 'passed'} in {time.monotonic() - started:.0f} s", flush=True)
        if code:
            failed.append(name)
    return fail(f"failed: {', '.join(failed)}") if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
