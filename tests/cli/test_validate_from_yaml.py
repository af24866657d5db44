"""`alloypy validate --from-yaml` from the command line."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from alloypy.cli.main import main

CONFIG_MAP = """\
kind: ConfigMap
metadata:
  name: {0}
data:
  config.alloy: |
    logging {{
      {1} = "debug"
    }}
"""
GOOD = CONFIG_MAP.format("good", "level")
BAD = CONFIG_MAP.format("bad", "levl")
TEMPLATE = "kind: {{ .Values.kind }}: alloy\n"

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep").mkdir()
    for name, text in (("good.yaml", GOOD), ("deep/bad.yml", BAD), ("values.yaml", "a: b"), ("c.txt", BAD)):
        (tmp_path / name).write_text(text)
    return tmp_path


def ask(*arguments: str) -> int:
    return main(["validate", "--from-yaml", *arguments])


def test_files_that_are_named(folder: Path, capsys: Capture) -> None:
    assert ask("good.yaml") == 0
    assert capsys.readouterr().err == "1 configuration checked, 0 failed\n"
    assert ask("good.yaml", "deep/bad.yml", "./good.yaml") == 1
    shown = capsys.readouterr().err
    assert 'Error: deep/bad.yml:7:7: unrecognized attribute name "levl"\n' in shown
    assert '7 |       levl = "debug"\n  |       ^^^^^^^^^^^^^^\n' in shown
    assert shown.endswith("2 configurations checked, 1 failed\n")


def test_directories(folder: Path, capsys: Capture) -> None:
    assert ask(".") == 0
    assert capsys.readouterr().err == "1 configuration checked, 0 failed\n"
    assert ask("--recursive", ".") == 1
    assert capsys.readouterr().err.endswith("2 configurations checked, 1 failed\n")
    assert ask("--recursive", "--exclude=deep", ".") == 0
    (folder / "templates.yaml").write_text(TEMPLATE)
    capsys.readouterr()
    assert ask(".") == 0
    assert "Warning: templates.yaml:1:" in capsys.readouterr().err
    assert ask("--strict", ".") == 1
    assert ask("templates.yaml") == 1


def test_nothing_to_check_is_a_warning(folder: Path, capsys: Capture) -> None:
    assert ask("values.yaml") == 0
    assert (
        "Warning: nothing to check: values.yaml has no ConfigMap or Secret with a key that ends in .alloy, "
        "and no Helm values with alloy.configMap.content" in capsys.readouterr().err
    )
    (folder / "empty").mkdir()
    assert ask("empty") == 0
    assert (
        "Warning: nothing to check: the YAML files in empty have no ConfigMap or Secret"
        in capsys.readouterr().err
    )
    assert ask("--strict", "empty") == 1
    assert ask("missing.yaml") == 1
    assert "missing.yaml: no such file or directory" in capsys.readouterr().err


def test_a_named_file_that_is_not_yaml_is_an_error_wherever_it_is_broken(
    folder: Path, capsys: Capture
) -> None:
    (folder / "broken.yaml").write_text("a: [\n")
    assert ask("broken.yaml") == 1
    assert "Error: broken.yaml:2:1: this is not YAML" in capsys.readouterr().err
    (folder / "broken.yaml").write_text("a: b\n---\nc:\n  - d\n e: f\n")
    assert ask("broken.yaml") == 1
    assert "Error: broken.yaml:5:2: this is not YAML" in capsys.readouterr().err
    (folder / "directive.yaml").write_text("%YAML 1.2\n---\na: b\n")
    assert ask("directive.yaml") == 0
    assert "nothing to check" in capsys.readouterr().err


def test_what_helm_renders_comes_from_standard_input(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pipe(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    pipe(f"---\n# Source: alloy/templates/configmap.yaml\n{GOOD}---\n{BAD}")
    assert ask("-") == 1
    assert "Error: <stdin>:18:7: unrecognized" in capsys.readouterr().err
    pipe(BAD)
    assert ask("--stdin-filename=chart.yaml", "-") == 1
    assert "Error: chart.yaml:7:7: unrecognized" in capsys.readouterr().err


def test_reports_have_the_places_of_the_yaml(folder: Path, capsys: Capture) -> None:
    reports = ["--report=sarif=a.sarif", "--report=junit=a.xml", "--report=json=a.json"]
    assert ask("deep/bad.yml", "--output-format=github", *reports) == 1
    assert capsys.readouterr().out.startswith(
        "::error file=deep/bad.yml,line=7,col=7,endLine=7,endColumn=21,"
    )
    (result,) = json.loads(Path("a.sarif").read_text())["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("deep/bad.yml", 7)
    assert 'name="deep/bad.yml (ConfigMap bad: config.alloy)"' in Path("a.xml").read_text()
    (found,) = json.loads(Path("a.json").read_text())["diagnostics"]
    assert (found["file"], found["line"], found["column"], found["fix"]) == ("deep/bad.yml", 7, 7, [])


@pytest.mark.parametrize("command", [["validate"], ["fmt"], ["requires"], ["upgrade", "--from=1.10"]])
def test_yaml_without_the_flag_has_one_fault_and_a_hint(
    folder: Path, capsys: Capture, command: list[str]
) -> None:
    (folder / "cm.txt").write_text(f"# a comment\n\n---\n{GOOD}")
    for name in ("good.yaml", "cm.txt"):
        assert main([*command, name]) != 0
        shown = "".join(capsys.readouterr())
        assert shown.count(f"{name}:") <= 2 + (command == ["requires"])
        assert shown.count("this looks like YAML") == 1
        assert "validate --from-yaml" in shown
        assert "instead of `:`" not in shown
    (folder / "own.yaml").write_text('logging { level "info" }\n')
    main([*command, "own.yaml"])
    assert "looks like YAML" not in "".join(capsys.readouterr())
