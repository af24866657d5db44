"""The TextMate grammar of the VS Code extension, on the engine that VS Code uses."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

from tests.support.running import environment

ROOT = Path(__file__).parents[2]
GRAMMAR = ROOT / "docs" / "editors" / "vscode" / "syntaxes" / "alloy.tmLanguage.json"
_DRIVER = ROOT / "tests" / "editors" / "grammar"
_SECONDS = 60

Line: TypeAlias = list[tuple[int, int, list[str]]]


class Coloured(NamedTuple):
    """A text, and the scopes of each of its UTF-16 units; those of a line feed are empty."""

    text: str
    scopes: list[tuple[str, ...]]

    def at(self, offset: int) -> tuple[str, ...]:
        """The scopes of the character at an offset of the text in UTF-8."""
        before = self.text.encode()[:offset].decode()
        return self.scopes[len(before.encode("utf-16-le")) // 2]

    def runs(self) -> list[tuple[str, tuple[str, ...]]]:
        """The parts of the text, with their scopes; blanks at their ends are cut."""
        units = self.text.encode("utf-16-le")
        found: list[tuple[str, tuple[str, ...]]] = []
        start = 0
        for end in range(1, len(self.scopes) + 1):
            if end == len(self.scopes) or self.scopes[end] != self.scopes[start]:
                part = units[2 * start : 2 * end].decode("utf-16-le").strip()
                if part:
                    found.append((part, self.scopes[start]))
                start = end
        return found


class Colourist:
    """Colours texts; needs Node.js and its packages, and skips by name where they are missing."""

    def __init__(self, folder: Path) -> None:
        for tool in ("node", "npm"):
            if shutil.which(tool) is None:
                pytest.skip(f"{tool} is not installed, which highlighting needs")
        self._folder = folder / "driver"
        shutil.copytree(_DRIVER, self._folder, ignore=shutil.ignore_patterns("node_modules"))
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--prefer-offline"],
            cwd=self._folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=2 * _SECONDS,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"the packages for highlighting cannot be installed here: {done.stderr[-300:]}")

    def colour(self, texts: Sequence[str]) -> list[Coloured]:
        """Colour texts, independently of each other."""
        done = subprocess.run(
            ["node", "colours.mjs", str(GRAMMAR)],
            cwd=self._folder,
            env=environment(),
            input=json.dumps(texts),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_SECONDS,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return [
            Coloured(text, _scopes(text, lines))
            for text, lines in zip(texts, json.loads(done.stdout), strict=True)
        ]


def _scopes(text: str, lines: list[Line]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for written, line in zip(text.split("\n"), lines, strict=True):
        units = len(written.encode("utf-16-le")) // 2
        for start, end, scopes in line:
            found += [tuple(scopes)] * (min(end, units) - start)
        found.append(())
    return found[:-1]
