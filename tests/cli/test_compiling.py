"""A build that cannot compile modules says why, and gives the wheel without them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hatch_build import MadeFromSources, NotCompiledError, compiled_modules

ROOT = Path(__file__).parents[2]
SMALL = "alloypy.build_kind"
WITHOUT = "alloypy is built without compiled modules: "
WITHOUT_HEADERS = """#!/bin/sh
echo "module.c:1:10: fatal error: Python.h: No such file or directory"
echo "compilation terminated."
exit 1
"""
WITHOUT_MYPYC = "raise ModuleNotFoundError(\"No module named 'mypyc'\")\n"


def program(folder: Path, text: str) -> str:
    """An executable file."""
    file = folder / "program"
    file.write_text(text)
    file.chmod(0o755)
    return str(file)


@pytest.mark.skipif(sys.platform == "win32", reason="there the compiler is not found by CC")
@pytest.mark.parametrize(
    ("compiler", "reason"),
    [
        ("#!/bin/sh\nexit 1\n", "exit status 1"),
        (WITHOUT_HEADERS, "module.c:1:10: fatal error: Python.h: No such file or directory"),
        ("", "No such file or directory"),
    ],
    ids=["fails", "headers", "missing"],
)
def test_a_compiler_that_does_not_compile_is_the_reason(
    compiler: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", program(tmp_path, compiler) if compiler else "missing-compiler")
    with pytest.raises(NotCompiledError) as caught:
        compiled_modules(ROOT, [SMALL], tmp_path)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_a_module_that_mypyc_refuses_is_the_reason(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text('number: int = "text"\n')
    with pytest.raises(NotCompiledError, match=r"^wrong\.py:1: error: Incompatible types"):
        compiled_modules(tmp_path, ["wrong"], tmp_path)


def test_mypyc_that_is_not_installed_is_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mypyc.py").write_text(WITHOUT_MYPYC)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(NotCompiledError, match=r"^error: ModuleNotFoundError: No module named 'mypyc'$"):
        compiled_modules(ROOT, [SMALL], tmp_path)


def test_a_python_that_cannot_be_started_is_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(NotCompiledError, match="/nowhere/python"):
        compiled_modules(ROOT, [SMALL], tmp_path)


class Build:
    """A build with the hook, without parse tables."""

    def __init__(self, asked: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hatch_build.grammar_tables", lambda root, folder: {"t": "tables"})
        if asked is None:
            monkeypatch.delenv("ALLOYPY_COMPILE", raising=False)
        else:
            monkeypatch.setenv("ALLOYPY_COMPILE", asked)
        monkeypatch.setattr("sys.path", list(sys.path))
        config = {"compiler": ["a", "b"], "modules": [SMALL]}
        self.hook = MadeFromSources(str(ROOT), config, None, None, str(folder), "wheel")

    def run(self, version: str = "standard") -> dict[str, Any]:
        """What the hook adds to a build."""
        data: dict[str, Any] = {"force_include": {}}
        self.hook.initialize(version, data)
        self.hook.finalize(version, data, "")
        return data


PURE = {"force_include": {"t": "tables"}}


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Replaces the compiler by one that fails for a reason, or compiles."""

    def replace(reason: str | None) -> None:
        def compiled(root: Path, modules: list[str], folder: Path) -> dict[str, str]:
            if reason is not None:
                raise NotCompiledError(reason)
            return {name: f"{name}.so" for name in modules}

        monkeypatch.setattr("hatch_build.compiled_modules", compiled)

    return replace


@pytest.mark.parametrize("asked", [None, "", "0"])
def test_nothing_is_compiled_unless_it_is_asked_for(
    asked: str | None,
    compiler: Callable[[str | None], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    compiler(None)
    build = Build(asked, tmp_path, monkeypatch)
    assert build.hook.dependencies() == []
    assert build.run() == PURE
    assert capfd.readouterr().err == ""


def test_compiled_modules_are_added_to_a_wheel_for_one_platform(
    compiler: Callable[[str | None], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    compiler(None)
    build = Build("1", tmp_path, monkeypatch)
    assert build.hook.dependencies() == ["a", "b"]
    files = {"t": "tables", SMALL: f"{SMALL}.so"}
    assert build.run() == {"force_include": files, "pure_python": False, "infer_tag": True}
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("asked", "version", "expected", "told"),
    [
        ("1", "standard", PURE, "no compiler"),
        ("1", "editable", {"force_include": {}}, "an editable installation runs the sources as they are"),
        ("yes", "standard", PURE, "ALLOYPY_COMPILE is 'yes'; to compile modules, set it to 1"),
    ],
)
def test_a_build_without_them_says_why_in_one_line(
    asked: str,
    version: str,
    expected: dict[str, Any],
    told: str,
    compiler: Callable[[str | None], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    compiler("no compiler")
    assert Build(asked, tmp_path, monkeypatch).run(version) == expected
    assert capfd.readouterr().err == f"{WITHOUT}{told}\n"
