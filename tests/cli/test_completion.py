"""Completion in the shells themselves: what they make of a line when the TAB key is pressed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alloypy.cli.main import main
from tests.support.running import environment

_SAID = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_PATIENCE = 60.0

# Each shell without its user's settings; `alloypy` is a function that prints its arguments.
START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "zsh, fpath": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "--interactive"],
}
SETTINGS = {
    "bash": "alloypy() { printf '[[%s' \"$1\"; shift; printf '|%s' \"$@\"; echo ']]'; }\nsource completion\n",
    "zsh": "alloypy() { print -n \"[[$1\"; shift; printf '|%s' \"$@\"; print ']]' }\n"
    "autoload -Uz compinit; compinit -u -D; source ./completion\n",
    "zsh, fpath": "alloypy() { print -n \"[[$1\"; shift; printf '|%s' \"$@\"; print ']]' }\n"
    "fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u -D\n",
    "fish": "function alloypy; printf '[[%s' $argv[1]; printf '|%s' $argv[2..]; echo ']]'; end\n"
    "source completion\n",
}


class Shell:
    """An interactive shell on its own terminal, in `directory`."""

    def __init__(self, name: str, directory: Path) -> None:
        leader, follower = pty.openpty()
        variables = {
            "TERM": "dumb" if name == "bash" else "xterm",
            "LC_ALL": "C.UTF-8",
            "HOME": str(directory),
        }
        self._leader = leader
        self._process = subprocess.Popen(
            START[name],
            cwd=directory,
            env=environment(variables),
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
        )
        os.close(follower)
        self._shown = ""

    def type(self, keys: str) -> None:
        os.write(self._leader, keys.encode())

    def said(self) -> str:
        """What the next command prints between double brackets."""
        deadline = time.monotonic() + _PATIENCE
        while not (match := _SAID.search(self._shown)):
            left = deadline - time.monotonic()
            assert left > 0, f"nothing of it in {self._shown!r}"
            if select.select([self._leader], [], [], left)[0]:
                self._shown += os.read(self._leader, 65536).decode(errors="replace")
        self._shown = self._shown[match.end() :]
        return match[1]

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._leader)


@pytest.fixture(scope="module", params=START)
def shell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    name = str(request.param)
    if shutil.which(START[name][0]) is None:
        pytest.skip(f"there is no {START[name][0]}")
    directory = tmp_path_factory.mktemp("shell")
    (directory / "functions").mkdir()
    for file in ("only.alloy", "other.txt", "sub/inner one.alloy", "list.txt"):
        (directory / file).parent.mkdir(exist_ok=True)
        (directory / file).touch()
    script = subprocess.run(
        [sys.executable, "-m", "alloypy", "completion", name.partition(",")[0]],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    (directory / "completion").write_bytes(script)
    (directory / "functions" / "_alloypy").write_bytes(script)
    (directory / "settings").write_text(SETTINGS[name] + "echo '[[ready]]'\n")
    started = Shell(name, directory)
    try:
        started.type("source ./settings\r")
        assert started.said() == "ready"
        yield started
    finally:
        started.end()


@pytest.mark.parametrize(
    ("typed", "called"),
    [
        ("val", "validate"),
        ("run --server.http.listen-ad", "run|--server.http.listen-addr="),
        ("run --config.wa", "run|--config.watch"),
        ("run --stability.level=pub", "run|--stability.level=public-preview"),
        ("run --stability.level exp", "run|--stability.level|experimental"),
        ("fmt --output-format=sar", "fmt|--output-format=sarif"),
        ("format --color nev", "format|--color|never"),
        ("validate --units=au", "validate|--units=auto"),
        ("fmt --files-from li", "fmt|--files-from|list.txt"),
        ("fmt --files-from=li", "fmt|--files-from=list.txt"),
        ("fmt --check o", "fmt|--check|only.alloy"),
        ("run o", "run|only.alloy"),
        ("validate -- o", "validate|--|only.alloy"),
        ("validate sub/in", "validate|sub/inner one.alloy"),
        ("docs pyroscope.receive_h", "docs|pyroscope.receive_http"),
        ("docs string.to_up", "docs|string.to_upper"),
        ("schema discovery.kuberne", "schema|discovery.kubernetes"),
        ("explain ALY013", "explain|ALY013"),
        ("explain ALY0133", "explain|ALY0133"),
        ("explain ALY0133 ALY00", "explain|ALY0133|ALY0001"),
        ("validate --select=ALY0975", "validate|--select=ALY0975"),
        ("validate --ignore=ALY00", "validate|--ignore=ALY0001"),
        ("validate --alloy-version=new", "validate|--alloy-version=newest"),
        ("docs --alloy-version 1.10.", "docs|--alloy-version|1.10."),
        ("completion fi", "completion|fish"),
        ("help expl", "help|explain"),
        ("dev-sink --stat", "dev-sink|--status="),
    ],
)
def test_the_tab_key(typed: str, called: str, shell: Shell) -> None:
    shell.type(f"alloypy {typed}\t\r")
    assert shell.said().rstrip("|=") == called.rstrip("=")  # zsh removes = again at the end of a line


def test_the_help_says_how_to_install_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "--help"]) == 0
    told = capsys.readouterr().out
    for place in ("bash-completion/completions/alloypy", "$fpath", "fish/completions/alloypy.fish"):
        assert place in told
