"""What the VS Code extension says where the server cannot start, and where it looks for alloypy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.editing import SETTINGS, needs
from tests.support.running import environment

SOURCE = SETTINGS / "vscode" / "src"
ALLOYPY = Path(sys.executable).parent / "alloypy"
INSTALL = "pip install 'alloypy[lsp]'"


def ask(module: str, function: str, *arguments: object) -> Any:
    """What a function of the extension answers."""
    needs("node")
    program = (
        "const [module, name, given] = process.argv.slice(1);"
        "Promise.resolve(require(module)[name](...JSON.parse(given)))"
        ".then((answer) => process.stdout.write(JSON.stringify(answer ?? null)));"
    )
    done = subprocess.run(
        ["node", "-e", program, str(SOURCE / f"{module}.cjs"), function, json.dumps(arguments)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout)


def cannot_serve(**end: str) -> Any:
    """The advice for a server in /shop/.venv that ended."""
    given = {"program": "/shop/.venv/bin/alloypy", "version": "", "written": "", "failure": ""}
    return ask("explaining", "cannotServe", given | end)


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


# Messages


def test_where_nothing_is_installed_the_places_and_the_command_are_named() -> None:
    advice = ask("explaining", "notFound", True)
    assert "nor on PATH" in advice["text"]
    assert advice["command"] == INSTALL
    assert advice["answers"] == ["copy", "settings"]


def test_an_untrusted_workspace_is_named_as_the_reason() -> None:
    assert "Trust this workspace" in ask("explaining", "notFound", False)["text"]


def test_a_wrong_setting_is_corrected_and_nothing_is_installed() -> None:
    advice = ask("explaining", "wrongSetting", "/opt/nope/alloypy")
    assert "/opt/nope/alloypy" in advice["text"]
    assert advice["answers"] == ["settings"]
    assert "command" not in advice


def test_without_the_extra_the_environment_of_the_program_gets_it() -> None:
    program = (
        "import importlib.util, sys\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'pygls' else found(name, *rest)\n"
        "from alloypy.cli.main import main\n"
        "sys.exit(main(['lsp']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    advice = cannot_serve(written=done.stderr, pip="/shop/.venv/bin/pip")
    assert advice["command"] == f"/shop/.venv/bin/{INSTALL}"
    assert advice["text"].count("pip install") == 1


def test_a_version_without_the_command_is_upgraded() -> None:
    done = subprocess.run(
        [ALLOYPY, "lsq"], env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    advice = cannot_serve(written=done.stderr.replace("lsq", "lsp"), version="alloypy, version v0.1.0")
    assert "(alloypy, version v0.1.0) is too old" in advice["text"]
    assert advice["command"] == "pip install --upgrade 'alloypy[lsp]'"


def test_a_moved_environment_is_recognised() -> None:
    advice = cannot_serve(failure="spawn /shop/.venv/bin/alloypy ENOENT")
    assert "ENOENT" not in advice["text"]
    assert "If /shop/.venv is a virtual environment that was moved" in advice["text"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [("Traceback:\nRuntimeError: no\n", ". It last wrote: RuntimeError: no"), ("", ".")],
)
def test_another_end_is_reported_with_its_last_line(written: str, shown: str) -> None:
    assert cannot_serve(written=written)["text"].endswith(f"ended without serving the editor{shown}")
    again = ask("explaining", "endsAgainAndAgain", 5, 3, written)
    assert again["text"].endswith(f"5 times within 3 minutes, so it is not started again{shown}")
    assert again["answers"] == ["restart", "output"]


def test_a_path_with_a_space_is_quoted() -> None:
    advice = cannot_serve(written="needs further packages", pip="/my shop/bin/pip")
    assert advice["command"].startswith('"/my shop/bin/pip" install')


# Where alloypy is


def test_an_environment_of_any_folder_of_the_workspace_is_found(tmp_path: Path) -> None:
    wanted = program(tmp_path / "edge" / "venv" / "bin" / "alloypy")
    found = ask("locating", "inEnvironments", [str(tmp_path / "shop"), str(tmp_path / "edge")])
    assert found == {"path": str(wanted), "environment": "venv"}


def test_the_dotted_environment_comes_first(tmp_path: Path) -> None:
    program(tmp_path / "venv" / "bin" / "alloypy")
    wanted = program(tmp_path / ".venv" / "bin" / "alloypy")
    assert ask("locating", "inEnvironments", [str(tmp_path)])["path"] == str(wanted)


@pytest.mark.parametrize("named", ["bin/alloypy", "bin/python3.12", "bin", ""])
def test_the_setting_may_name_the_program_the_interpreter_or_the_environment(
    tmp_path: Path, named: str
) -> None:
    wanted = program(tmp_path / "bin" / "alloypy")
    program(tmp_path / "bin" / "python3.12")
    assert ask("locating", "programAt", str(tmp_path / named)) == str(wanted)


@pytest.mark.parametrize("named", ["nothing", "empty", "text", "bin/python3"])
def test_what_is_no_program_is_not_taken(tmp_path: Path, named: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("no program\n")
    program(tmp_path / "bin" / "python3")
    assert ask("locating", "programAt", str(tmp_path / named)) is None


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ("/opt/alloypy", ["/opt/alloypy"]),
        ("~/bin/alloypy", ["/home/ann/bin/alloypy"]),
        ("${workspaceFolder}/x/alloypy", ["/shop/x/alloypy", "/edge/x/alloypy"]),
        ("tools/alloypy", ["/shop/tools/alloypy", "/edge/tools/alloypy"]),
        ("alloypy", []),
    ],
)
def test_the_setting_is_expanded(wanted: str, meant: list[str]) -> None:
    assert ask("locating", "candidates", wanted, ["/shop", "/edge"], "/home/ann") == meant


def test_path_is_searched_but_not_its_relative_folders(tmp_path: Path) -> None:
    wanted = program(tmp_path / "alloypy")
    searched = os.pathsep.join(["bin", ".", str(tmp_path)])
    assert ask("locating", "onPath", "alloypy", searched) == str(wanted)
    assert ask("locating", "onPath", "alloypy", "bin") is None


def test_packages_are_installed_where_a_linked_program_really_is(tmp_path: Path) -> None:
    real = program(tmp_path / "tool" / "bin" / "alloypy")
    pip = program(tmp_path / "tool" / "bin" / "pip")
    link = tmp_path / "alloypy"
    link.symlink_to(real)
    assert ask("locating", "pipOf", str(link)) == str(pip.resolve())
