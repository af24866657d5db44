"""The wheel and the copy of the checkout that the tests of compiled modules use."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.compiled_checkout import NotBuiltError, compiled_checkout, compiled_wheel

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for Python is a shell script")
BUILDING = """#!/bin/sh
test "$ALLOYPY_COMPILE" = 1 || exit 3
test "$*" = "-m build --wheel --no-isolation --outdir $6 $7" || exit 4
echo >> "$7/builds"
mkdir "$6"
cp "$7/made.whl" "$6/"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small checkout, with a stand-in for Python that builds the wheel `made.whl`."""
    top = tmp_path / "checkout"
    for name in (
        "alloypy/a.py",
        "grammar/g.lark",
        ".venv/bin/tool",
        "alloypy/__pycache__/a.pyc",
        "docs/x.md",
    ):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name)
    made(top, "alloypy/a.py", "alloypy/a.so")
    return top


def made(root: Path, *names: str) -> None:
    with zipfile.ZipFile(root / "made.whl", "w") as archive:
        for name in names:
            archive.writestr(name, "from the wheel")


def python(folder: Path, text: str = BUILDING) -> Path:
    file = folder / "python"
    file.write_text(text)
    file.chmod(0o755)
    return file


def builds(root: Path) -> int:
    return len((root / "builds").read_text().splitlines())


def test_a_wheel_is_built_once_for_the_same_sources(root: Path, tmp_path: Path) -> None:
    builder, cache = python(tmp_path), tmp_path / "cache"
    first = compiled_wheel(root, builder, cache)
    (root / "docs" / "x.md").write_text("changed")
    (root / "alloypy" / "__pycache__" / "a.pyc").write_text("changed")
    assert compiled_wheel(root, builder, cache) == first
    assert builds(root) == 1
    (root / "alloypy" / "a.py").write_text("changed")
    second = compiled_wheel(root, builder, cache)
    assert second != first
    assert builds(root) == 2
    assert set(cache.glob("*/*.whl")) == {first, second}


def test_only_the_last_wheels_are_kept(root: Path, tmp_path: Path) -> None:
    builder, cache = python(tmp_path), tmp_path / "cache"
    for number in range(10):
        (root / "alloypy" / "a.py").write_text(str(number))
        wheel = compiled_wheel(root, builder, cache)
    assert len(list(cache.iterdir())) == 8
    assert wheel.is_file()


def test_a_wheel_without_compiled_modules_is_refused(root: Path, tmp_path: Path) -> None:
    made(root, "alloypy/a.py")
    builder, cache = python(tmp_path), tmp_path / "cache"
    for _ in range(2):
        with pytest.raises(NotBuiltError, match="cannot be compiled"):
            compiled_wheel(root, builder, cache)
    assert builds(root) == 2


def test_a_build_that_fails_is_reported(root: Path, tmp_path: Path) -> None:
    with pytest.raises(NotBuiltError, match="cannot be built"):
        compiled_wheel(root, python(tmp_path, "#!/bin/sh\nexit 1\n"), tmp_path / "cache")


def test_the_copy_has_the_compiled_modules_and_nothing_that_was_made_in_the_checkout(
    root: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    compiled_checkout(root, root / "made.whl", copy)
    files = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert files == {"alloypy/a.py", "alloypy/a.so", "docs/x.md", "grammar/g.lark", "made.whl"}
    assert (copy / "alloypy" / "a.py").read_text() == "alloypy/a.py"
