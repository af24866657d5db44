"""The drivers of real SDKs: what each needs, how it is built in a copy of its folder, how it is run."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

DRIVERS = Path(__file__).parents[1] / "wire" / "sdk_drivers"
SET_UP_SECONDS = 300


class Missing(Exception):
    """A driver cannot be built here; the text says why."""


class SDK(NamedTuple):
    """A driver. format: of its /ingest requests."""

    name: str
    tools: Sequence[str]
    build: Sequence[Sequence[str]]
    run: Sequence[str]
    format: str | None

    def built(self, folder: Path) -> Path:
        """Build it below `folder`; returns where it is run. Raises Missing."""
        for tool in self.tools:
            if shutil.which(tool) is None:
                raise Missing(f"{tool} is not installed, which the {self.name} SDK needs")
        folder = folder / self.name
        shutil.copytree(DRIVERS / self.name, folder)
        for command in self.build:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=SET_UP_SECONDS, check=False
            )
            if done.returncode:
                reason = (done.stderr or done.stdout)[-300:]
                raise Missing(f"the {self.name} driver cannot be built here: {reason}")
        return folder


PYTHON = SDK("python", [], [], [sys.executable, "app.py"], None)
HAS_PYTHON = importlib.util.find_spec("pyroscope") is not None
SDKS = [
    SDK("go", ["go"], [["go", "build", "-mod=mod", "-o", "driver", "."]], ["./driver"], None),
    SDK(
        "node", ["node", "npm"], [["npm", "install", "--no-audit", "--no-fund"]], ["node", "app.js"], "pprof"
    ),
    SDK(
        "java",
        ["javac", "java", "mvn"],
        [
            ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=dl"],
            ["javac", "-cp", "dl/agent-2.1.2.jar", "App.java"],
        ],
        ["java", "-cp", "dl/agent-2.1.2.jar:.", "App"],
        "jfr",
    ),
]
"""Those that send to /ingest."""
