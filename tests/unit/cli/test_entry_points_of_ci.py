"""The hooks for pre-commit and the action for GitHub workflows do what they promise."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from alloypy.cli.main import find_command

ROOT = Path(__file__).parents[3]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
ALLOYPY = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m alloypy "$@"\n'


def test_hooks() -> None:
    assert [(hook["id"], hook["alias"]) for hook in HOOKS] == [
        ("alloypy-fmt", "fmt"),
        ("alloypy-fmt-check", "fmt-check"),
        ("alloypy-validate", "validate"),
    ]
    for hook in HOOKS:
        program, command, *_ = hook["entry"].split()
        assert program == "alloypy"
        assert find_command(command) is not None


@pytest.mark.parametrize(
    ("hook", "expected"),
    [(HOOKS[0], (0, b"a = 1\n", b"b = 1\n")), (HOOKS[1], (1, b"a=1\n", b"b = 1\n"))],
    ids=["alloypy-fmt", "alloypy-fmt-check"],
)
def test_formatting_hooks(hook: dict[str, Any], expected: tuple[int, bytes, bytes], tmp_path: Path) -> None:
    (tmp_path / "x.alloy").write_bytes(b"a=1\n")
    (tmp_path / "y.alloy").write_bytes(b"b = 1\n")
    command = [sys.executable, "-m", *hook["entry"].split(), "x.alloy", "y.alloy"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    contents = (tmp_path / "x.alloy").read_bytes(), (tmp_path / "y.alloy").read_bytes()
    assert (done.returncode, *contents) == expected


def act(directory: Path, **inputs: str) -> tuple[int, str, str, str]:
    """Run the action's last step. Returns the exit code, the log, the outputs and the summary."""
    program = directory / "alloypy"
    program.write_text(ALLOYPY)
    program.chmod(0o755)
    given = {name: setting["default"] for name, setting in ACTION["inputs"].items()} | inputs
    env = {name.upper().replace("-", "_"): value for name, value in given.items()}
    env |= {"ALLOYPY": str(program), "GITHUB_OUTPUT": str(directory / "out")}
    env |= {"GITHUB_STEP_SUMMARY": str(directory / "summary")}
    step = ACTION["runs"]["steps"][-1]
    assert set(step["env"]) <= set(env)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=directory / "work",
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
    )
    summary = directory / "summary"
    return (
        done.returncode,
        done.stdout,
        (directory / "out").read_text() if (directory / "out").exists() else "",
        summary.read_text() if summary.exists() else "",
    )


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "work" / "two words").mkdir(parents=True)
    (tmp_path / "work" / "ugly.alloy").write_text("logging{}\n")
    (tmp_path / "work" / "fine.alloy").write_text("logging { }\n")
    return tmp_path


def test_action_on_a_tree_in_order(work: Path) -> None:
    code, log, outputs, summary = act(work, paths="fine.alloy", **{"sarif-file": "found.sarif"})
    assert (code, log.strip(), outputs) == (0, "", "exit-code=0\n")
    assert "All is well." in summary
    assert '"results": []' in (work / "work" / "found.sarif").read_text()


def test_action_on_a_tree_out_of_order(work: Path) -> None:
    code, log, outputs, summary = act(work, **{"sarif-file": "found.sarif"})
    assert (code, outputs) == (1, "exit-code=1\n")
    assert "::error file=ugly.alloy," in log
    assert "1 file would change, 1 unchanged" in log
    assert "Error: file ugly.alloy is not formatted correctly" in summary
    assert "ugly.alloy" in (work / "work" / "found.sarif").read_text()


def test_action_takes_options_and_no_commands(work: Path) -> None:
    code, _, outputs, summary = act(
        work, options="--exclude ugly.*\n--exclude=$(touch${IFS}pwned)", summary="false"
    )
    assert (code, outputs, summary) == (0, "exit-code=0\n", "")
    assert not (work / "work" / "pwned").exists()
    code, log, _, _ = act(work, command="run")
    assert (code, log) == (2, "::error::command is 'run', not fmt or validate\n")


def test_action_validates(work: Path) -> None:
    (work / "work" / "ugly.alloy").write_text("nonsense { }\n")
    code, log, _, summary = act(work, command="validate", paths="ugly.alloy fine.alloy")
    assert code == 1
    assert "::error file=ugly.alloy,line=1" in log
    assert "ugly.alloy:1:1" in summary
