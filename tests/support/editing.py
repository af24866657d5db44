"""What a person does in an editor, whichever it is: a configuration with faults, and the same one mended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import of_checkout

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "docs" / "editors"
_SECONDS = 100

UNFINISHED = """\
pyroscope.receive_http "in" {
  http {
    listen_addres = "127.0.0.1"
    listen_port = 9999
  }
  forward_to = [pyroscope.write.backend.]
}

pyroscope.write "backend" {
    endpoint {
    url = "http://localhost:4040"
    }
}
"""
"""Lacks `receiver` at the end of line 6, misspells a name in line 3, and is not formatted."""

FINISHED = """\
pyroscope.receive_http "in" {
	http {
		listen_address = "127.0.0.1"
		listen_port    = 9999
	}
	forward_to = [pyroscope.write.store.receiver]
}

pyroscope.write "store" {
	endpoint {
		url = "http://localhost:4040"
	}
}
"""
"""The same, completed, with the quick fix, `backend` renamed to `store`, and formatted."""


def needs(*programs: str) -> None:
    """Skip, by name, where a program is missing."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def project(folder: Path) -> Path:
    """A folder with the unfinished configuration; returns its path."""
    (folder / "project").mkdir()
    (folder / "project" / ".alloypy.toml").write_text("")
    path = folder / "project" / "config.alloy"
    path.write_text(UNFINISHED)
    return path


def edit(
    command: Sequence[str | Path], folder: Path, variables: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Run an editor with a script that writes what it has seen to the file in $SEEN, as JSON.

    Its home is `folder`, and `alloypy` on its PATH is the one of this environment.
    """
    seen = folder / "seen.json"
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {
        "PATH": programs,
        "HOME": str(folder),
        "TERM": "dumb",
        "SEEN": str(seen),
        "SETTINGS": str(SETTINGS),
    }
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=of_checkout({**own, **(variables or {})}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    said = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert seen.exists(), said
    found: dict[str, Any] = json.loads(seen.read_text())
    assert "error" not in found, f"{found}\n{said}"
    assert done.returncode == 0, said
    return found
