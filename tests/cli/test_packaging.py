"""The built wheel, in an empty environment away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.running import Running, environment

ROOT = Path(__file__).parents[2]
CONFIG = 'logging {\n\tlevel = "info"\n}\n'


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built through the source distribution, as a release is."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True,
        capture_output=True,
        env=environment(),
    )
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts folder of an environment that holds the wheel.

    The packages that alloypy depends on come from the environment that runs the tests, so that nothing is
    downloaded; alloypy itself comes only from the wheel.
    """
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False, symlinks=os.name != "nt")
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    site = next(home.glob("[Ll]ib/**/site-packages"))
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)],
        check=True,
        env=environment(),
    )
    lent = tmp_path_factory.mktemp("lent")
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if "alloypy" not in entry.name and entry.suffix != ".pth":
            (lent / entry.name).symlink_to(entry)
    (site / "lent.pth").write_text(f"{lent}\n")
    return python.parent


def test_the_wheel_holds_grammar_and_types_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.startswith("alloypy/_grammar/") and name.endswith(".lark") for name in names)
    assert "alloypy/py.typed" in names
    assert any(name.startswith("alloypy/catalog/") and name.endswith(".jsonl") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"alloypy"}


@pytest.mark.parametrize("how", ["script", "module"])
def test_the_installed_program_works_away_from_the_checkout(scripts: Path, tmp_path: Path, how: str) -> None:
    command = [str(scripts / "alloypy")] if how == "script" else [str(scripts / "python"), "-m", "alloypy"]
    (tmp_path / "config.alloy").write_text(CONFIG.replace("\t", "  "))

    def alloypy(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    assert alloypy("--version").stdout.startswith("alloypy, version v")
    formatted = alloypy("fmt", "config.alloy")
    assert (formatted.returncode, formatted.stdout) == (0, CONFIG)
    assert alloypy("validate", "config.alloy").returncode == 0
    assert alloypy("eval", "1 + 1").stdout == "2\n"
    (tmp_path / "bad.alloy").write_text("a = \n")
    assert "bad.alloy:2:1: expected expression" in alloypy("validate", "bad.alloy").stderr
    place = subprocess.run(
        [str(scripts / "python"), "-c", "import alloypy; print(alloypy.__file__)"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(ROOT) not in place.stdout


def test_the_installed_program_runs_a_configuration(scripts: Path, tmp_path: Path) -> None:
    (tmp_path / "config.alloy").write_text(CONFIG)
    with Running(["config.alloy"], tmp_path, command=[str(scripts / "alloypy")], checkout=False) as running:
        running.wait_until_ready()
        assert running.stop() == 0
