"""A run of the tests has the modules that it is meant to test: compiled ones, or the sources."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from tests.support.compiled import COMPILED, modules_to_compile
from tests.support.running import alloypy, environment, of_checkout

ROOT = Path(__file__).parents[2]
SUFFIXES = tuple(EXTENSION_SUFFIXES) if COMPILED else (".py",)
KIND = "compiled" if COMPILED else "pure"
PROGRAM = """
import json, sys
from importlib import import_module
from alloypy.build_kind import BUILD_KIND
print(json.dumps([BUILD_KIND, [import_module(name).__file__ for name in sys.argv[1:]]]))
"""


def test_each_module_to_compile_exists_and_is_named_once() -> None:
    names = modules_to_compile()
    assert names == sorted(set(names))
    assert [name for name in names if not (ROOT / f"{name.replace('.', '/')}.py").is_file()] == []


def test_tests_import_the_modules_that_they_are_meant_to_test() -> None:
    files = [import_module(name).__file__ or "" for name in modules_to_compile()]
    assert [file for file in files if not file.endswith(SUFFIXES)] == []


@pytest.mark.parametrize("variables", [of_checkout(), environment()], ids=["checkout", "installed"])
def test_processes_import_them_too(variables: Mapping[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, *modules_to_compile()]
    done = subprocess.run(command, env=variables, cwd=tmp_path, stdout=subprocess.PIPE, check=True)
    kind, files = json.loads(done.stdout)
    assert [file for file in files if not file.endswith(SUFFIXES)] == []
    assert kind == KIND


def test_the_version_says_which_build_runs(tmp_path: Path) -> None:
    assert f"\n  build:            {KIND}\n" in alloypy("--version", cwd=tmp_path).stdout
