"""On a terminal `run`, `fmt` and `validate` show the same: the lines, a hint, the code; no secrets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.running import alloypy, of_checkout
from tests.support.terminal import on_terminal

SYNTAX = """pyroscope.write "w" {
  endpoint {
    url: "http://bob:hunter2@h"
    bearer_token = "hunter3"
  }
}
"""
SYNTAX_SHOWN = """Error: config.alloy:3:8: illegal character U+003A ':'

2 |   endpoint {
3 |     url: "http://bob:*******@h"
  |        ^
4 |     bearer_token = "*******"
  = hint: write `=` instead of `:`
  = code: ALY0101 (alloypy explain ALY0101)

"""
TYPING = """pyroscope.wirte "w" {
  endpoint {
    url = "http://h"
  }
}
pyroscope.relabel "r" {
  foward_to = []
}
pyroscope.relabel "s" {
  forward_to = [pyroscope.relabel.receiver]
}
logging {
  level = "warning"
}
"""


def blocks(text: str) -> list[str]:
    """The diagnostics, without log records and the final lines."""
    kept = [
        line for line in text.splitlines(keepends=True) if not line.startswith(("ts=", "Error: could not"))
    ]
    parts = "".join(kept).partition("Error: validation failed")[0].split("\nError: ")
    return [part.removeprefix("Error: ").strip() for part in parts if "alloypy explain" in part]


def run(folder: Path) -> tuple[int, list[str]]:
    shown = on_terminal(
        folder, "run", "--storage.path=data", "--server.http.listen-addr=127.0.0.1:0", "config.alloy"
    )
    return shown.code, blocks(shown.text)


def validate(folder: Path) -> tuple[int, list[str]]:
    shown = on_terminal(folder, "validate", "--for=alloypy", "config.alloy")
    errors = blocks(shown.text.partition("\nWarning: ")[0])
    return shown.code, errors


def test_a_syntax_fault_looks_the_same_everywhere(tmp_path: Path) -> None:
    (tmp_path / "config.alloy").write_text(SYNTAX)
    formatted = on_terminal(tmp_path, "fmt", "config.alloy")
    assert formatted.code == 2
    assert formatted.text.startswith(SYNTAX_SHOWN)
    assert "hunter" not in formatted.text
    assert formatted.text.endswith("Error: encountered errors during formatting\n")
    found = blocks(formatted.text.partition("Error: encountered")[0])
    assert validate(tmp_path) == (1, found)
    assert run(tmp_path) == (1, found)


def test_run_shows_every_error_that_validate_shows(tmp_path: Path) -> None:
    (tmp_path / "config.alloy").write_text(TYPING)
    code, shown = run(tmp_path)
    assert code == 1
    assert {part.splitlines()[-2] for part in shown if "= hint" in part} == {
        "  = hint: did you mean `pyroscope.write`?",
        "  = hint: did you mean `forward_to`?",
        "  = hint: did you mean `pyroscope.relabel.r.receiver`?",
        "  = hint: did you mean `warn`?",
    }
    assert sorted(shown) == sorted(validate(tmp_path)[1])


def test_a_pipe_is_not_read_again(tmp_path: Path) -> None:
    script = f'exec {sys.executable} -m alloypy run --storage.path=data "$0" <(printf %s "$1")'
    done = subprocess.run(
        ["bash", "-c", script, "--server.http.listen-addr=127.0.0.1:0", SYNTAX],
        cwd=tmp_path,
        env=of_checkout(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "illegal character U+003A ':'" in done.stderr


def test_in_a_file_there_are_places_only(tmp_path: Path) -> None:
    (tmp_path / "config.alloy").write_text(SYNTAX)
    done = alloypy("fmt", "config.alloy", cwd=tmp_path)
    assert done.stderr.splitlines()[0] == "config.alloy:3:8: illegal character U+003A ':'"
    assert "hint" not in done.stderr
    assert "hunter" not in done.stderr
