"""Vim and ALE with the settings of docs/editors: a person finishes and mends a configuration."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.documented import blocks
from tests.support.editing import FINISHED, SETTINGS, edit, needs, project

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).parent / "vim.vim"


@pytest.fixture
def vimrc(tmp_path: Path) -> Path:
    """The settings that the page shows, with the folder where it says."""
    needs("vim")
    asked = [
        "vim",
        "-Nu",
        "NONE",
        "-es",
        "-c",
        "packadd ale | if !exists(':ALEInfo') | cquit | endif",
        "-c",
        "qa",
    ]
    if subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode:
        pytest.skip("ALE is not installed")
    shutil.copytree(SETTINGS / "vim", tmp_path / ".vim" / "pack" / "alloypy" / "start" / "alloypy")
    (shown,) = [block.text for block in blocks(ROOT / "docs" / "editors.md") if block.language == "vim"]
    path = tmp_path / ".vimrc"
    path.write_text(f"packadd! ale\n{shown}filetype plugin indent on\nsyntax on\nset viminfo=\n")
    return path


def test_a_configuration_is_finished_and_mended(vimrc: Path, tmp_path: Path) -> None:
    file = project(tmp_path)
    command: list[str | Path] = ["vim", "-Nnu", vimrc, "--not-a-term", "-T", "dumb", "-S", SCRIPT]
    seen = edit(command, tmp_path, {"FILE": str(file)})
    assert seen["filetype"] == "alloy"
    assert "expected" in seen["fault"]
    assert "backend.receiver]" in seen["completed"]
    assert "listen_addres" in seen["second_fault"]
    assert "listen_address" in seen["fixed"]
    assert file.read_bytes() == FINISHED.encode()
