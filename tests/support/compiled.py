"""Whether the tests run with compiled modules, as `dev.py test --compiled` runs them."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

COMPILED = os.environ.get("ALLOYPY_COMPILED") == "1"
_PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def pure_only(reason: str) -> pytest.MarkDecorator:
    """Mark a test that cannot run with compiled modules."""
    return pytest.mark.skipif(COMPILED, reason=f"not with compiled modules: {reason}")


def modules_to_compile() -> list[str]:
    """The names of the modules that a compiled wheel has compiled."""
    build = tomllib.loads(_PROJECT.read_text("utf-8"))["tool"]["hatch"]["build"]
    names: list[str] = build["targets"]["wheel"]["hooks"]["custom"]["modules"]
    return names
