"""Packages kept in memory: imported without their files."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from alloypy.packed_package import PackedPackages


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    root = tmp_path / "kept_for_test"
    (root / "inner").mkdir(parents=True)
    (root / "static").mkdir()
    (root / "__init__.py").write_text('"""The package."""\n')
    (root / "one.py").write_text("from kept_for_test.inner.two import VALUE\n")
    (root / "inner/__init__.py").write_text("")
    (root / "inner/two.py").write_text("VALUE = 2\n")
    (root / "static/a.txt").write_bytes(b"a" * 1000)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield root
    for name in [each for each in sys.modules if each.partition(".")[0] == "kept_for_test"]:
        del sys.modules[name]


def test_a_package_outlives_its_files(package: Path) -> None:
    packed = PackedPackages()
    packed.keep("kept_for_test", "static")
    shutil.rmtree(package)
    assert import_module("kept_for_test.one").VALUE == 2
    assert import_module("kept_for_test").__doc__ == "The package."
    assert packed.files("kept_for_test", "static") == {"a.txt": b"a" * 1000}
    with pytest.raises(ModuleNotFoundError):
        import_module("kept_for_test.three")


def test_an_imported_package_is_left_alone(package: Path) -> None:
    import_module("kept_for_test")
    packed = PackedPackages()
    packed.keep("kept_for_test", "static")
    assert packed not in sys.meta_path
    assert packed.files("kept_for_test", "static") == {"a.txt": b"a" * 1000}


def test_a_missing_package_is_skipped() -> None:
    packed = PackedPackages()
    packed.keep("there_is_no_such_package")
    assert packed not in sys.meta_path
