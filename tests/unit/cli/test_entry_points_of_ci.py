"""The hooks for pre-commit and the action for GitHub workflows do what they promise."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from alloypy.cli.main import find_command
from tests.support.documented import blocks

ROOT = Path(__file__).parents[3]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
PAGE = ROOT / "docs" / "ci.md"
ALLOYPY = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m alloypy "$@"\n'


def test_hooks() -> None:
    assert [(hook["id"], hook["alias"]) for hook in HOOKS] == [
        ("alloypy-fmt", "fmt"),
        ("alloypy-fmt-check", "fmt-check"),
        ("alloypy-validate", "validate"),
    ]
    for hook in HOOKS:
        program, command, *_ = hook["entry"].split()
        assert program == "alloypy"
        assert find_command(command) is not None


@pytest.mark.parametrize(
    ("hook", "expected"),
    [(HOOKS[0], (0, b"a = 1\n", b"b = 1\n")), (HOOKS[1], (1, b"a=1\n", b"b = 1\n"))],
    ids=["alloypy-fmt", "alloypy-fmt-check"],
)
def test_formatting_hooks(hook: dict[str, Any], expected: tuple[int, bytes, bytes], tmp_path: Path) -> None:
    (tmp_path / "x.alloy").write_bytes(b"a=1\n")
    (tmp_path / "y.alloy").write_bytes(b"b = 1\n")
    command = [sys.executable, "-m", *hook["entry"].split(), "x.alloy", "y.alloy"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    contents = (tmp_path / "x.alloy").read_bytes(), (tmp_path / "y.alloy").read_bytes()
    assert (done.returncode, *contents) == expected


def act(directory: Path, **inputs: str) -> tuple[int, str, str, str]:
    """Run the action's last step. Returns the exit code, the log, the outputs and the summary."""
    program = directory / "alloypy"
    program.write_text(ALLOYPY)
    program.chmod(0o755)
    given = {name: setting["default"] for name, setting in ACTION["inputs"].items()} | inputs
    env = {name.upper().replace("-", "_"): value for name, value in given.items()}
    env |= {"ALLOYPY": str(program), "GITHUB_OUTPUT": str(directory / "out")}
    env |= {"GITHUB_STEP_SUMMARY": str(directory / "summary"), "RUNNER_TEMP": str(directory)}
    step = ACTION["runs"]["steps"][-1]
    assert set(step["env"]) <= set(env)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=directory / "work",
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
    )
    summary = directory / "summary"
    return (
        done.returncode,
        done.stdout,
        (directory / "out").read_text() if (directory / "out").exists() else "",
        summary.read_text() if summary.exists() else "",
    )


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "work" / "two words").mkdir(parents=True)
    (tmp_path / "work" / "ugly.alloy").write_text("logging{}\n")
    (tmp_path / "work" / "fine.alloy").write_text("logging { }\n")
    return tmp_path


def test_action_on_a_tree_in_order(work: Path) -> None:
    code, log, outputs, summary = act(work, paths="fine.alloy", **{"sarif-file": "found.sarif"})
    assert (code, log.strip(), outputs) == (0, "0 files would change, 1 unchanged", "exit-code=0\n")
    assert "No problems found." in summary
    assert '"results": []' in (work / "work" / "found.sarif").read_text()


def test_action_on_a_tree_out_of_order(work: Path) -> None:
    code, log, outputs, summary = act(work, **{"sarif-file": "found.sarif"})
    assert (code, outputs) == (1, "exit-code=1\n")
    assert "::error file=ugly.alloy," in log
    assert "1 file would change, 1 unchanged" in log
    assert "| ugly.alloy | file ugly.alloy is not formatted correctly" in summary
    assert "ugly.alloy" in (work / "work" / "found.sarif").read_text()


def test_action_takes_options_and_no_commands(work: Path) -> None:
    code, _, outputs, summary = act(
        work, options="--exclude ugly.*\n--exclude=$(touch${IFS}pwned)", summary="false"
    )
    assert (code, outputs, summary) == (0, "exit-code=0\n", "")
    assert not (work / "work" / "pwned").exists()
    code, log, _, _ = act(work, command="run")
    assert (code, log) == (2, "::error::command is 'run', not fmt, validate or upgrade\n")


def test_action_validates(work: Path) -> None:
    (work / "work" / "ugly.alloy").write_text("nonsense { }\n")
    code, log, _, summary = act(work, command="validate", paths="ugly.alloy fine.alloy")
    assert code == 1
    assert "::error file=ugly.alloy,line=1" in log
    assert "ugly.alloy:1:1" in summary


def test_action_takes_paths_with_blanks(work: Path) -> None:
    place = work / "work" / "two words"
    (place / "a b.alloy").write_text("logging{}\n")
    code, log, _, _ = act(work, paths="two words\n  fine.alloy  \n\n")
    assert code == 1
    assert "::error file=two words/a b.alloy," in log
    assert "1 file would change, 1 unchanged" in log
    code, log, _, _ = act(work, paths="fine.alloy ugly.alloy")
    assert (code, log.strip().splitlines()[-1]) == (1, "1 file would change, 1 unchanged")
    code, log, _, summary = act(work, paths="\n")
    assert (code, log.strip()) == (0, "no files to format")
    assert summary.endswith("No problems found.\n")


def test_action_makes_directories_for_its_reports(work: Path) -> None:
    places = {"sarif-file": "out/a b/found.sarif", "junit-file": "out/found.xml"}
    code, _, _, _ = act(work, paths="fine.alloy", **places)
    assert code == 0
    assert '"results": []' in (work / "work" / places["sarif-file"]).read_text()
    assert 'name="fine.alloy"' in (work / "work" / places["junit-file"]).read_text()


def test_action_reports_warnings(work: Path) -> None:
    (work / "work" / "warned.alloy").write_text('pyroscope.write "unused" { }\n')
    code, log, _, summary = act(work, command="validate", paths="warned.alloy")
    assert code == 0
    assert "::warning file=warned.alloy,line=1" in log
    assert "| warned.alloy:1:1 | " in summary
    assert "| warning | ALY0903 nothing uses it | 1 | warned.alloy:1:1 |" in summary
    assert "::" not in summary
    assert "No problems found." not in summary
    code, log, _, _ = act(work, command="validate", paths="warned.alloy", options="--strict")
    assert code == 1
    assert "::error file=warned.alloy,line=1" in log


def test_action_and_hook_judge_what_run_would_load(work: Path) -> None:
    split = work / "work" / "split"
    split.mkdir()
    (split / "1.alloy").write_text('discovery.relabel "a" {\n  targets = discovery.http.b.targets\n}\n')
    (split / "2.alloy").write_text('discovery.http "b" {\n  url = "http://h"\n}\n')
    (work / "work" / "fine.alloy").write_text("logging { }\n")
    code, log, _, _ = act(work, command="validate")
    assert (code, log.strip().splitlines()[-1]) == (0, "3 configurations checked, 0 failed, 1 warning")
    command = [sys.executable, "-m", *HOOKS[2]["entry"].split()]
    for names in (["split/1.alloy"], ["split/2.alloy", "split/1.alloy", "fine.alloy"]):
        done = subprocess.run([*command, *names], cwd=work / "work", capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


def test_action_takes_the_version_of_alloy(work: Path) -> None:
    (work / "work" / "new.alloy").write_text("livedebugging { enabled = true }\n")
    code, log, _, _ = act(work, command="validate", paths="new.alloy")
    assert code == 0
    code, log, _, summary = act(work, command="validate", paths="new.alloy", **{"alloy-version": "1.2"})
    assert code == 1
    assert "::error file=new.alloy,line=1" in log
    assert "checked for 1.2.1" in summary
    code, log, _, _ = act(work, command="validate", paths="new.alloy", **{"alloy-version": "47"})
    assert code == 1
    assert "47" in log


def test_action_and_hook_take_settings(work: Path) -> None:
    (work / "work" / "new.alloy").write_text("livedebugging { enabled = true }\n")
    (work / "old.toml").write_text('alloy-version = "1.2"\n')
    assert act(work, command="validate", paths="new.alloy")[0] == 0
    assert act(work, command="validate", paths="new.alloy", settings="../old.toml")[0] == 1
    (work / "work" / ".alloypy.toml").write_text('alloy-version = "1.2"\nexclude = ["left/"]\n')
    (work / "work" / "left").mkdir()
    (work / "work" / "left" / "out.alloy").write_text("nonsense { }\n")
    code, log, _, _ = act(work, command="validate")
    assert code == 1
    assert "new.alloy" in log
    assert "out.alloy" not in log
    hook = [sys.executable, "-m", *HOOKS[2]["entry"].split()]
    for name, expected in (("new.alloy", 1), ("fine.alloy", 0), ("left/out.alloy", 0)):
        done = subprocess.run([*hook, name], cwd=work / "work", capture_output=True, check=False)
        assert done.returncode == expected, done.stderr


def test_hook_and_action_check_yaml(work: Path) -> None:
    text = "kind: ConfigMap\nmetadata: {name: a}\ndata:\n  config.alloy: nonsense { }\n"
    (work / "work" / "two words" / "cm.yaml").write_text(text)
    code, log, _, _ = act(work, command="validate", options="--from-yaml")
    assert code == 1
    assert "::error file=two words/cm.yaml,line=4,col=17," in log
    hook = [sys.executable, "-m", *HOOKS[2]["entry"].split(), "--from-yaml"]
    done = subprocess.run([*hook, "two words/cm.yaml"], cwd=work / "work", capture_output=True, check=False)
    assert done.returncode == 1, done.stderr


def test_action_reports_what_an_upgrade_changes(work: Path) -> None:
    (work / "work" / "old.alloy").write_text('otelcol.exporter.logging "a" { }\n')
    versions = {"from-version": "1.3", "alloy-version": "1.10"}
    code, log, _, summary = act(work, command="upgrade", paths="old.alloy fine.alloy", **versions)
    assert code == 1, log
    assert "::error file=old.alloy,line=1" in log
    assert "### alloypy upgrade" in summary
    assert "old.alloy:1:1" in summary
    code, log, _, summary = act(work, command="upgrade", paths="fine.alloy", **versions)
    assert (code, "No problems found." in summary) == (0, True), log
    code, log, _, _ = act(work, command="upgrade", paths="fine.alloy")
    assert code == 2
    assert "from-version" in log
    (work / "work" / "use.toml").write_text('alloy-version = "1.3"\n')
    given = {"alloy-version": "1.10", "settings": "use.toml"}
    code, log, _, _ = act(work, command="upgrade", paths="old.alloy", **given)
    assert code == 1, log
    assert "::error file=old.alloy,line=1" in log


def test_the_summary_links_to_the_lines_that_were_checked(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("SERVER_URL", "https://host"), ("REPOSITORY", "a/b"), ("SHA", "c0ffee")):
        monkeypatch.setenv(f"GITHUB_{name}", value)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(work / "work"))
    (work / "work" / "two words" / "warned.alloy").write_text('\n\npyroscope.write "unused" { }\n')
    _, _, _, summary = act(work, command="validate", paths="two words")
    link = "[two words/warned.alloy:3:1](https://host/a/b/blob/c0ffee/two%20words/warned.alloy#L3)"
    assert f"| {link} | nothing uses pyroscope.write.unused (ALY0903) |" in summary


def jobs_of_the_page() -> list[dict[str, Any]]:
    return [yaml.safe_load(block.text) for block in blocks(PAGE) if block.language == "yaml"]


def test_the_page_uses_inputs_and_hooks_that_exist() -> None:
    inputs, hooks = set(), set()
    for job in jobs_of_the_page():
        steps = [step for one in job.get("jobs", {}).values() for step in one["steps"]]
        for step in steps:
            if step.get("uses", "").startswith("OWNER/alloypy@"):
                inputs |= set(step["with"])
        hooks |= {hook["id"] for repo in job.get("repos", []) for hook in repo["hooks"]}
    assert {"alloy-version", "from-version", "sarif-file"} <= inputs <= set(ACTION["inputs"])
    assert {"alloypy-fmt", "alloypy-validate"} <= hooks <= {hook["id"] for hook in HOOKS}


def test_the_page_uses_commands_and_flags_that_exist() -> None:
    reference = (ROOT / "docs" / "cli.md").read_text("utf-8")
    lines = re.findall(r"\balloypy (\w+) ([^'|#\n]*)", PAGE.read_text("utf-8").partition("## pre-commit")[2])
    assert {command for command, _ in lines} >= {"fmt", "validate", "upgrade"}
    for command, arguments in lines:
        assert find_command(command) is not None, command
        flags = re.findall(r"(?<!\S)--[a-z][\w.-]*", arguments)
        assert [flag for flag in flags if f"`{flag}" not in reference and f" {flag} " not in reference] == []


def test_action_says_what_stopped_it(work: Path) -> None:
    code, _, _, summary = act(work, options="--frob")
    assert code == 2
    assert "Error: unknown flag: --frob" in summary


def test_action_wants_a_python_that_is_new_enough(tmp_path: Path) -> None:
    """If the default is too old, the first newer one is used; without any, the error says what to do."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("python3", "python", "python3.14", "python3.13", "python3.12", "python3.11"):
        (programs / name).write_text("#!/bin/sh\nexit 1\n")
        (programs / name).chmod(0o755)
    step = ACTION["runs"]["steps"][0]["run"]

    def install() -> subprocess.CompletedProcess[str]:
        env = {
            "PATH": f"{programs}:/usr/bin:/bin",
            "RUNNER_TEMP": str(tmp_path),
            "VERSION": "",
            "ACTION_PATH": ".",
        }
        env["GITHUB_OUTPUT"] = str(tmp_path / "out")
        return subprocess.run(["bash", "-c", step], env=env, capture_output=True, text=True, check=False)

    done = install()
    assert (done.returncode, done.stdout[:29]) == (2, "::error::alloypy needs Python")
    (programs / "python3.12").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/log\nexit 0\n')
    (tmp_path / "alloypy-checkout").mkdir()
    (tmp_path / "alloypy-checkout" / "installed").touch()
    assert install().returncode == 0
    assert (tmp_path / "out").read_text() == f"program={tmp_path}/alloypy-checkout/bin/alloypy\n"
