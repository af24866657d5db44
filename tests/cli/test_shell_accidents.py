"""Accidents in shells and on build machines: each ends in one line and the documented exit code."""

from __future__ import annotations

import os
import pty
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.running import of_checkout

ROOT = Path(__file__).parents[2]
ALLOYPY = f"{shlex.quote(sys.executable)} -m alloypy"
GOOD = 'logging {\n\tlevel = "info"\n}\n'

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell is needed")


class Answer(NamedTuple):
    """The result of a shell."""

    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.alloy").write_text(GOOD)
    (tmp_path / "ugly.alloy").write_text("logging{}\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x.alloy").write_text(GOOD)
    return tmp_path


def shell(script: str, cwd: Path, *prefix: str) -> Answer:
    """Run a script of bash; `alloypy` in it is the program."""
    script = script.replace("alloypy ", f"{ALLOYPY} ")
    done = subprocess.run(
        [*prefix, "bash", "-c", script],
        cwd=cwd,
        env=of_checkout(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


FULL = "Error: cannot write to standard output: no space left on device\n"
CLOSED = "Error: cannot write to standard output: it is closed\n"
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


@needs_full
@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("alloypy fmt good.alloy > /dev/full", 2),
        ("alloypy fmt --diff ugly.alloy > /dev/full", 2),
        ("alloypy fmt --check --output-format=json good.alloy > /dev/full", 2),
        ("alloypy validate --output-format=json good.alloy > /dev/full", 1),
        ("alloypy explain > /dev/full", 1),
        ("alloypy schema > /dev/full", 1),
    ],
)
def test_standard_output_is_full(script: str, code: int, folder: Path) -> None:
    assert shell(script, folder) == (code, "", FULL)


def test_standard_output_is_closed(folder: Path) -> None:
    assert shell("alloypy fmt --check good.alloy >&-", folder) == (0, "", "")
    assert shell("alloypy fmt good.alloy >&-", folder) == (2, "", CLOSED)
    assert shell("alloypy validate good.alloy >&-", folder) == (0, "", "")
    assert shell("alloypy validate --output-format=json good.alloy >&-", folder) == (1, "", CLOSED)
    refused = shell("alloypy validate absent.alloy ugly.alloy >&-", folder)
    assert (refused.code, "no such file" in refused.err) == (1, True)


@needs_full
def test_the_verdict_stays_where_nothing_can_be_said(folder: Path) -> None:
    for place in ("2>&-", "2>/dev/full", ">&- 2>&-"):
        assert shell(f"alloypy fmt --check good.alloy {place}", folder).code == 0
        assert shell(f"alloypy fmt --check ugly.alloy {place}", folder).code == 1
        assert shell(f"alloypy fmt --check absent.alloy {place}", folder).code == 2
        assert shell(f"alloypy validate absent.alloy {place}", folder).code == 1


def test_standard_input_is_closed(folder: Path) -> None:
    said = "Error: cannot read standard input: it is closed\n"
    for arguments in ("", "-", "--check", "--check --files-from=-"):
        assert shell(f"alloypy fmt {arguments} <&-", folder) == (2, "", said)
    assert shell("alloypy validate - <&-", folder) == (1, "", said)


@pytest.mark.parametrize("command", ["schema", "docs", "explain", "completion bash"])
def test_a_reader_that_has_seen_enough_is_no_fault(command: str, folder: Path) -> None:
    answer = shell(f"set -o pipefail; alloypy {command} | head -c 1", folder)
    assert (answer.code, len(answer.out), answer.err) == (0, 1, "")


def test_a_reader_that_leaves_changes_no_verdict(folder: Path) -> None:
    (folder / "long.alloy").write_text("a{}\n" * 3_000)
    script = "set -o pipefail; alloypy fmt --diff long.alloy | head -1"
    assert shell(script, folder).code == 1
    assert shell("set -o pipefail; alloypy validate long.alloy 2>&1 | head -1", folder).code == 1


def test_the_working_directory_is_gone(folder: Path) -> None:
    gone = "mkdir gone; cd gone; rmdir ../gone; "
    said = "Error: the working directory does not exist any more\n"
    assert shell(f"{gone}alloypy fmt --check .", folder) == (2, "", said)
    assert shell(f"{gone}alloypy validate -r .", folder) == (1, "", said)
    assert shell(f"{gone}alloypy fmt --check x.alloy", folder).code == 2


def test_an_empty_path_is_a_missing_file(folder: Path) -> None:
    said = "Error: stat : no such file or directory\n"
    for mode in ("--check", "-w", "--diff", ""):
        assert shell(f"alloypy fmt {mode} ''", folder) == (2, "", said)
        assert shell(f"alloypy fmt {mode} --force-exclude ''", folder).code == 2
    assert shell("alloypy validate ''", folder) == (1, "", said)
    assert shell("alloypy validate -r --units=auto ''", folder).code == 1
    assert (folder / "ugly.alloy").read_text() == "logging{}\n"


def test_what_may_not_be_read(folder: Path) -> None:
    prefix: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may read everything, and there is no setpriv")
        prefix = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    (folder / "sub").chmod(0)
    try:
        answers = {
            arguments: shell(f"alloypy {arguments}", folder, *prefix)
            for arguments in (
                "fmt sub/x.alloy",
                "fmt --check sub/x.alloy",
                "fmt --check sub",
                "fmt --check .",
                "fmt --check --force-exclude sub/x.alloy good.alloy",
                "validate sub",
                "validate -r sub",
                "validate --units=auto sub/x.alloy",
            )
        }
    finally:
        (folder / "sub").chmod(0o755)
    for arguments, answer in answers.items():
        assert answer.code == (2 if arguments.startswith("fmt") else 1), arguments
        first = answer.err.splitlines()[0]
        assert first.startswith("Error: ") and first.endswith("permission denied"), arguments


def test_a_list_that_ends_its_names_otherwise(folder: Path) -> None:
    (folder / "list").write_bytes(b"good\0.alloy\n")
    assert shell("alloypy fmt --check --files-from=list", folder).code == 2
    assert shell("alloypy validate --files-from=list", folder).code == 1


def on_terminal(arguments: list[str], cwd: Path, columns: int = 80, **env: str) -> tuple[int, str]:
    """Run the program with a terminal for all three streams. Returns its exit code and what was shown."""
    import fcntl
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "alloypy", *arguments],
        cwd=cwd,
        env=of_checkout({"TERM": "xterm", **env}),
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(leader)
    return process.wait(timeout=60), shown.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("mode", ["--check", "--diff", "-w"])
def test_a_forgotten_path_on_a_terminal(mode: str, folder: Path) -> None:
    code, shown = on_terminal(["fmt", mode], folder)
    assert code == 2
    assert shown.startswith("Error: no path is given; use - for standard input\n")
    assert "usage: alloypy fmt [flags] [PATH...]\n" in shown


def test_colours_follow_the_terminal_and_the_environment(folder: Path) -> None:
    (folder / "bad.alloy").write_text("nonsense { }\n")
    assert "\x1b[31;1m" in on_terminal(["validate", "bad.alloy"], folder)[1]
    for name, value in (("TERM", "dumb"), ("NO_COLOR", "1")):
        variables: dict[str, Any] = {name: value}
        assert "\x1b" not in on_terminal(["validate", "bad.alloy"], folder, **variables)[1]
    assert "\x1b" not in on_terminal(["validate", "--color=never", "bad.alloy"], folder)[1]
    assert "\x1b[31;1m" in shell("alloypy validate --color=always bad.alloy", folder).err


def test_fmt_shows_on_a_terminal_what_validate_shows(folder: Path) -> None:
    (folder / "bad.alloy").write_text("logging {\n\tlevel = 'info'\n}\n")
    code, shown = on_terminal(["fmt", "--check", "--color=never", "bad.alloy"], folder)
    validated = on_terminal(["validate", "--color=never", "bad.alloy"], folder)[1]
    excerpt = validated.partition("\n\nError: validation failed")[0]
    assert "2 |     level = 'info'\n" in excerpt and "= hint: " in excerpt and "= code: ALY0104" in excerpt
    assert (code, shown) == (2, f"{excerpt}\n\nError: encountered errors during formatting\n")
    piped = shell("alloypy fmt --check bad.alloy", folder).err
    assert piped.splitlines()[0] == excerpt.splitlines()[0].removeprefix("Error: ")


def test_excerpts_fit_the_terminal(folder: Path) -> None:
    text = "x" * 150
    (folder / "long.alloy").write_text(f'logging {{\n\tlevel = "{text}" + nope + "{text}"\n}}\n')
    shown = on_terminal(["validate", "--color=never", "long.alloy"], folder, columns=60)[1].splitlines()
    lines = [line for line in shown if line[:3] in {"1 |", "2 |", "3 |", "  |"}]
    assert max(map(len, lines)) <= 60
    marked = next(at for at, line in enumerate(lines) if "^" in line)
    start = lines[marked].index("^")
    assert lines[marked - 1][start : start + 4] == "nope"
    piped = shell("alloypy validate long.alloy", folder).err
    assert f'"{text}" + nope' in piped


def test_control_characters_do_nothing_to_the_terminal(folder: Path) -> None:
    (folder / "odd.alloy").write_text('x { y = "\x1b[2J\u202e" + nope }\n')
    shown = shell("alloypy validate odd.alloy", folder).err
    assert "\x1b" not in shown and "\u202e" not in shown
    line = next(line for line in shown.splitlines() if line.startswith("1 |"))
    assert r"\x1b[2J\u202e" in line


@pytest.mark.parametrize(
    "command",
    [
        "view",
        "graph",
        "queue ls",
        "run",
        "explain",
        "docs",
        "schema",
        "fmt -w",
        "graph --focus=x -",
        "eval -e",
    ],
)
def test_names_of_files_do_nothing_to_the_terminal(command: str, folder: Path) -> None:
    shown = shell(f"alloypy {command} $'no\\x1b[31m\\u202e' < /dev/null", folder)
    assert shown.code != 0
    assert "\x1b" not in shown.err and "\u202e" not in shown.err
    assert "Traceback" not in shown.err


def test_an_unknown_command_does_nothing_to_the_terminal(folder: Path) -> None:
    assert "\x1b" not in shell("alloypy $'\\x1b[31m'", folder).err


def test_without_any_thread_run_says_what_cannot_be_read(folder: Path) -> None:
    program = (
        "import threading\n"
        "def refuse(thread): raise RuntimeError('no thread')\n"
        "threading.Thread.start = refuse\n"
        "from alloypy.cli.main import entry_point\n"
        "entry_point()\n"
    )
    script = f"{shlex.quote(sys.executable)} -c {shlex.quote(program)} run good.alloy"
    answer = shell(f"{script} --server.http.listen-addr=127.0.0.1:0", folder)
    assert answer.code == 1
    assert "resource temporarily unavailable" in answer.err
    assert "internal error" not in answer.err
