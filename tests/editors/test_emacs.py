"""Emacs and eglot with the settings of docs/editors: a person finishes and mends a configuration."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.editing import FINISHED, edit, needs, project

SCRIPT = Path(__file__).parent / "emacs.el"
HAS_EGLOT = "(progn (require 'package) (package-initialize) (require 'eglot))"


@pytest.fixture
def emacs() -> str:
    needs("emacs")
    done = subprocess.run(["emacs", "-Q", "--batch", "--eval", HAS_EGLOT], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("eglot is not installed")
    return "emacs"


def test_a_configuration_is_finished_and_mended(emacs: str, tmp_path: Path) -> None:
    file = project(tmp_path)
    seen = edit([emacs, "-Q", "--batch", "-l", SCRIPT], tmp_path, {"FILE": str(file)})
    assert seen["mode"] == "alloy-mode"
    assert "expected identifier" in seen["fault"]
    assert "receiver" in seen["completions"]
    assert "backend.receiver]" in seen["completed"]
    assert "listen_addres" in seen["second_fault"]
    assert "listen_address" in seen["fixed"]
    assert "store" in seen["renamed"]
    assert file.read_bytes() == FINISHED.encode()
