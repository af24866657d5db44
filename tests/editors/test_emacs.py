"""Emacs and eglot with the settings of docs/editors: a person finishes and mends a configuration."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.documented import blocks
from tests.support.editing import FINISHED, SETTINGS, edit, needs, project

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).parent / "emacs.el"
HAS_EGLOT = "(progn (require 'package) (package-initialize) (require 'eglot))"


@pytest.fixture
def init(tmp_path: Path) -> Path:
    """The settings that the page shows, with the file where it says."""
    needs("emacs")
    done = subprocess.run(["emacs", "-q", "--batch", "--eval", HAS_EGLOT], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("eglot is not installed")
    folder = tmp_path / ".emacs.d"
    folder.mkdir()
    shutil.copy(SETTINGS / "emacs" / "alloypy.el", folder)
    (shown,) = [block.text for block in blocks(ROOT / "docs" / "editors.md") if block.language == "elisp"]
    path = folder / "init.el"
    path.write_text(f"(package-initialize)\n{shown}")
    return path


def test_a_configuration_is_finished_and_mended(init: Path, tmp_path: Path) -> None:
    file = project(tmp_path)
    command: list[str | Path] = ["emacs", "-q", "--batch", "-l", init, "-l", SCRIPT]
    seen = edit(command, tmp_path, {"FILE": str(file)})
    assert seen["mode"] == "alloy-mode"
    assert "expected" in seen["fault"]
    assert "receiver" in seen["completions"]
    assert "backend.receiver]" in seen["completed"]
    assert "listen_addres" in seen["second_fault"]
    assert "listen_address" in seen["fixed"]
    assert "store" in seen["renamed"]
    assert file.read_bytes() == FINISHED.encode()
