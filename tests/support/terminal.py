"""Runs the program with standard error on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from tests.support.running import of_checkout

ROOT = Path(__file__).parents[2]
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


class Shown(NamedTuple):
    """How the program ended, and the text on the terminal."""

    code: int
    text: str


def on_terminal(folder: Path, *arguments: str, variables: Mapping[str, str] = NO_VARIABLES) -> Shown:
    """The result of a command that ends by itself, without colours; the terminal has 100 columns."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "alloypy", *arguments],
        cwd=folder,
        env=of_checkout({"NO_COLOR": "1", "COLUMNS": "100", **variables}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    pieces = []
    try:
        while piece := os.read(ours, 65536):
            pieces.append(piece)
    except OSError:  # the terminal closes when its last user ends
        pass
    os.close(ours)
    return Shown(process.wait(timeout=60), b"".join(pieces).decode().replace("\r\n", "\n"))
