"""Neovim with the settings of docs/editors: a person finishes and mends a configuration."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.editing import FINISHED, SETTINGS, edit, needs, project

SCRIPT = Path(__file__).parent / "neovim.lua"


@pytest.fixture(scope="module")
def version() -> tuple[int, ...]:
    needs("nvim")
    said = subprocess.run(["nvim", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"NVIM v(\d+)\.(\d+)", said)
    assert found is not None, said
    return tuple(int(each) for each in found.groups())


def test_a_configuration_is_finished_and_mended(version: tuple[int, ...], tmp_path: Path) -> None:
    settings = SETTINGS / "neovim" / ("alloypy.lua" if version >= (0, 11) else "alloypy-0.7.lua")
    file = project(tmp_path)
    command: list[str | Path] = ["nvim", "--headless", "-u", settings, "-i", "NONE", "-n", "-S", SCRIPT]
    seen = edit(command, tmp_path, {"FILE": str(file)})
    assert seen["filetype"] == "alloy"
    assert seen["fault"].startswith("expected")
    assert "receiver" in seen["completions"]
    assert "listen_addres" in seen["second_fault"]
    assert "listen_address" in seen["fixed"]
    assert [("store" in each, "backend" in each) for each in seen["renamed"]] == [(True, False)] * 2
    assert file.read_bytes() == FINISHED.encode()
