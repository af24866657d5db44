"""The script of the README's two commands."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path
from types import ModuleType

import pytest
from coverage import CoverageData
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.compiled_checkout import NotBuiltError
from tests.support.running import environment

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, using the environment that runs the tests."""
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PYTHON", Path(sys.executable))
    return module


def test_the_demo_shows_a_profile_arrive(script: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    assert script.demo() == 0
    lines = capfd.readouterr().out.splitlines()
    (sent,) = [line for line in lines if "sha256" in line and line.startswith(" ")]
    (arrived,) = [line for line in lines if line.startswith("arrived:")]
    digest = sent.partition("sha256 ")[2][:12]
    assert f"sha256 {digest}" in arrived
    for told in ('env="demo"', 'region="eu-west-1"', 'instance="shop-1"', 'basic auth as "demo"'):
        assert told in arrived
    assert "build" not in arrived
    assert any("--stay" in line for line in lines)
    assert "not-a-real-password" not in "".join(lines)
    assert (ROOT / lines[-1].split()[3].rstrip(";")).exists()


def test_a_demo_that_stays_says_where_to_see_the_profile() -> None:
    environ = environment({"PYTHONPATH": str(ROOT)})
    script = (
        f"import dev; from pathlib import Path; dev.PYTHON = Path({sys.executable!r}); dev.demo(stay=True)"
    )
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {script}"]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    with process:
        try:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if "Ctrl-C" in line:
                    break
            flame, components = re.findall(r"http://\S+", "".join(lines[-2:]))
            for address in (flame, components, flame.replace("flame?p=1", "api/v0/alloypy/files/1")):
                with urllib.request.urlopen(address, timeout=60) as answer:
                    content = answer.read()
            assert content == (ROOT / "examples" / "demo" / "checkout.pprof").read_bytes()
        finally:
            process.terminate()
    assert process.returncode == 0
    with pytest.raises(OSError):
        urllib.request.urlopen(flame, timeout=60)


def test_a_demo_that_cannot_run_says_why(
    script: ModuleType, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "checkout.pprof").write_bytes(b"x")
    (tmp_path / "config.alloy").write_text("a = \n")
    monkeypatch.setattr(script, "DEMO", tmp_path)
    assert script.demo() == 1
    err = capfd.readouterr().err
    assert "the demo failed" in err
    assert "expected expression" in err
    assert "Traceback" not in err


PIP = "print('Collecting one'); print('  noise'); print('  Downloading one.whl'); raise SystemExit(3)"


def test_an_installation_says_on_a_terminal_what_it_is_doing(
    script: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    assert script.call_watched([sys.executable, "-c", PIP], {}) == 3
    captured = capfd.readouterr()
    assert captured.out == ""
    assert [line.rpartition(" s, ")[2] for line in captured.err.split("\x1b[K")] == [
        "package 1: Collecting one",
        "package 1: Downloading one.whl",
        "\r",
        "",
    ]


def test_an_installation_is_quiet_elsewhere(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[object]] = []
    monkeypatch.setattr(script, "call", lambda command, variables: calls.append(command))
    monkeypatch.setattr(script, "call_watched", None)
    script.fill(script.VENV, (), script.CONSTRAINTS)
    assert "--quiet" in calls[-1]


def test_anything_else_prints_the_commands(script: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    for argv in (
        [],
        ["nonsense"],
        ["demo", "more"],
        ["soak"],
        ["soak", "nonsense"],
        ["lint", "more"],
        ["fix", "x"],
    ):
        assert script.main(argv) == 2
    assert "dev.py demo" in capfd.readouterr().err


def test_an_old_python_is_reported(
    script: ModuleType, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script.sys, "version_info", (3, 10, 0))
    assert script.main(["demo"]) == 1
    assert "needs Python 3.11" in capfd.readouterr().err


def test_every_requirement_has_a_tested_version() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project, groups = declared["project"], declared["dependency-groups"]
    optional = [each for extra in project["optional-dependencies"].values() for each in extra]
    lines = (ROOT / ".ci" / "constraints.txt").read_text("utf-8").splitlines()
    tested = {
        canonicalize_name(pinned.name): str(pinned.specifier).removeprefix("==")
        for pinned in (Requirement(line) for line in lines if not line.startswith("#"))
    }
    compiler = declared["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["compiler"]
    for text in [*project["dependencies"], *optional, *groups["test"], *groups["lint"], *compiler]:
        wanted = Requirement(text)
        assert wanted.specifier.contains(tested[canonicalize_name(wanted.name)]), text


@pytest.mark.parametrize(
    ("argv", "arguments", "folders", "variables"),
    [
        (["test"], [], [".venv"], {}),
        (["test", "-k", "x"], ["-k", "x"], [".venv"], {}),
        (["test", "--newest"], [], [".venv-newest"], {}),
        (["test", "--compiled", "-x"], ["-x"], [".venv-compiled"], {"ALLOYPY_COMPILED": "1"}),
        (["test", "--full", "-x"], ["-x"], [".venv", ".venv-compiled"], {"ALLOYPY_FULL": "1"}),
        (["test", "--full", "--compiled"], [], [".venv-compiled"], {"ALLOYPY_FULL": "1"}),
    ],
)
def test_words_of_test(
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    argv: list[str],
    arguments: list[str],
    folders: list[str],
    variables: dict[str, str],
) -> None:
    called: list[tuple[Path, list[str], Path]] = []
    expected = [*script.WORKERS, *arguments]
    monkeypatch.setattr(script, "install", lambda groups, venv=None: None)
    monkeypatch.setattr(script, "install_compiled", lambda: None)

    def call(command: list[str | Path], more: dict[str, str], place: Path) -> int:
        words = [str(word) for word in command[1:]]
        if "pytest" in (Path(command[0]).stem, *words):
            assert variables.items() <= more.items()
            called.append((Path(command[0]).parent.parent, words[-len(expected) :], place))
        return 0

    monkeypatch.setattr(script, "call", call)
    assert script.main(argv) == 0
    places = {".venv": ROOT, ".venv-newest": ROOT, ".venv-compiled": ROOT / ".venv-compiled" / "checkout"}
    assert called == [(ROOT / folder, expected, places[folder]) for folder in folders]


def test_the_smoke_test_runs_tests_that_exist(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(script, "install_compiled", lambda: None)
    monkeypatch.setattr(
        script, "run_all", lambda checks, venv, variables, folder: called.append(*checks.values())
    )
    script.main(["test", "--smoke", "-x"])
    assert called == [["python", "-m", "pytest", *script.WORKERS, *script.SMOKE, "-x"]]
    assert [name for name in script.SMOKE if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("more", ["--newest", "--coverage"])
def test_compiled_modules_are_neither_measured_nor_tested_with_the_newest_packages(
    more: str, script: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["test", "--compiled", more]) == 1
    assert capfd.readouterr().err == "dev.py: only --full goes with --compiled and --smoke\n"


def test_a_compiled_wheel_that_cannot_be_built_ends_the_run(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> Path:
        raise NotBuiltError("no compiler")

    monkeypatch.setattr(script, "install", lambda groups, venv=None: None)
    monkeypatch.setattr("tests.support.compiled_checkout.compiled_wheel", fails)
    with pytest.raises(SystemExit) as caught:
        script.main(["test", "--compiled"])
    assert caught.value.code == 1
    assert capfd.readouterr().err == "dev.py: no compiler\n"


def file_summary(lines: int, missing: int, branches: int = 0) -> dict[str, object]:
    """What coverage says of a file."""
    percent = 100 * (lines - missing) / lines
    counts = {"percent_covered": percent, "missing_lines": missing, "missing_branches": branches}
    return {"summary": counts}


@pytest.mark.parametrize("passed", [True, False])
def test_the_tests_can_be_measured(
    passed: bool, script: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    files = {f"alloypy/m{number}.py": file_summary(100, number, 2) for number in range(20)}
    called: list[tuple[list[str], str]] = []

    def call(command: list[str | Path], variables: dict[str, str] | None = None, folder: Path = ROOT) -> int:
        words = [Path(command[0]).stem, *(str(word) for word in command[1:])]
        called.append((words, (variables or {}).get("COVERAGE_FILE", "")))
        if words[:2] == ["coverage", "json"]:
            summary = {"files": files, "totals": {"percent_covered": 90.52}}
            Path(words[-1]).write_text(json.dumps(summary))
        return int(not passed and words[:2] == ["coverage", "run"])

    monkeypatch.setattr(script, "install", lambda groups, venv=None: None)
    monkeypatch.setattr(script, "call", call)
    assert script.main(["test", "--coverage", "tests/unit"]) == (0 if passed else 1)
    measuring = [(words, file) for words, file in called if words[0] == "coverage"]
    assert [words[1] for words, _ in measuring] == ["run", "combine", "json"]
    assert measuring[0][0][2:] == ["-m", "pytest", *script.WORKERS, "tests/unit"]
    assert len({file for _, file in measuring}) == 1
    assert Path(measuring[0][1]).is_absolute()
    out = capfd.readouterr().out
    assert "--- coverage: 90.5 % of lines and branches; lowest in:" in out
    least = [line for line in out.splitlines() if " alloypy/" in line]
    assert len(least) == 15
    assert least[0] == "  81.0 %  alloypy/m19.py: 19 lines, 2 branches missing"


def test_processes_that_tests_start_are_measured(tmp_path: Path) -> None:
    data = tmp_path / "data"
    code = (
        "from tests.support.running import alloypy\n"
        "from pathlib import Path\n"
        "assert alloypy('--version', cwd=Path('/')).returncode == 0\n"
    )
    script = tmp_path / "start.py"
    script.write_text(code)
    command = [sys.executable, "-m", "coverage", "run", str(script)]
    env = environment({"COVERAGE_FILE": str(data), "PYTHONPATH": str(ROOT)})
    subprocess.run(command, cwd=ROOT, env=env, check=True, timeout=60)
    files = set()
    for each in tmp_path.glob("data.*"):
        measured = CoverageData(str(each))
        measured.read()
        files |= measured.measured_files()
    assert str(ROOT / "alloypy" / "cli" / "main.py") in files


@pytest.fixture
def called(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that the script has called: the name of the program, then its arguments."""
    commands: list[list[str]] = []

    def call(command: list[str | Path], variables: dict[str, str] | None = None, folder: Path = ROOT) -> int:
        commands.append([Path(command[0]).stem, *(str(word) for word in command[1:])])
        return int(commands[-1] == ["ruff", "check", "."])

    monkeypatch.setattr(script, "install", lambda groups, venv=None: None)
    monkeypatch.setattr(script, "call", call)
    return commands


def test_lint_runs_all_its_tools_and_names_those_that_failed(
    script: ModuleType, called: list[list[str]], capfd: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["lint"]) == 1
    assert called == [["ruff", "format", "--check", "."], ["ruff", "check", "."], ["lint-imports"]]
    assert capfd.readouterr().err == "dev.py: failed: lint\n"


def test_fix_formats_what_the_linter_has_repaired(script: ModuleType, called: list[list[str]]) -> None:
    assert script.main(["fix"]) == 0
    assert called == [["ruff", "check", "--fix", "."], ["ruff", "format", "."]]


def test_types_hands_arguments_to_the_type_checker(script: ModuleType, called: list[list[str]]) -> None:
    assert script.main(["types", "--no-incremental"]) == 0
    assert called == [["mypy", "--no-incremental"]]


def test_docs_writes_everything_that_is_made_from_the_code(
    script: ModuleType, called: list[list[str]]
) -> None:
    assert script.main(["docs"]) == 0
    support = ROOT / "tests" / "support"
    makers = {path.parent.name for path in support.glob("*_pages/__main__.py")} | {"own_words"}
    makers |= {path.stem for path in support.glob("*_page.py")}
    assert {command[-1] for command in called} == {f"tests.support.{name}" for name in makers}


def test_bench_without_a_name_lists_what_there_is(
    script: ModuleType, called: list[list[str]], capfd: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["bench"]) == 0
    listed = dict(line.split(maxsplit=1) for line in capfd.readouterr().out.splitlines())
    there = {path.stem for path in (ROOT / "tests" / "benchmarks").glob("*.py")}
    assert listed.keys() == there
    assert all(len(purpose) > 10 for purpose in listed.values())
    assert called == []


def test_bench_runs_a_benchmark_by_its_name(
    script: ModuleType, called: list[list[str]], capfd: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["bench", "startup", "--runs", "3"]) == 0
    assert called == [[Path(sys.executable).stem, "-m", "tests.benchmarks.startup", "--runs", "3"]]
    assert script.main(["bench", "nonsense"]) == 1
    assert "no benchmark 'nonsense'; choose one of enrich" in capfd.readouterr().err
