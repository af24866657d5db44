"""`alloypy validate` with the settings of a project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alloypy.cli.main import main

Capture = pytest.CaptureFixture[str]

OLD = 'logging { level = env("LEVEL") }\n'
UNUSED = 'local.file "a" { filename = "a" }\n'
FOREACH = 'foreach "f" {\n  collection = []\n  var = "x"\n  template { }\n}\n'
ONLY_ALLOY = 'loki.echo "a" { }\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.alloy").write_text(OLD + UNUSED)
    return tmp_path


def found(capsys: Capture, *arguments: str) -> list[str]:
    """File and code of each finding."""
    main(["validate", "--output-format=json", *arguments])
    diagnostics = json.loads(capsys.readouterr().out)["diagnostics"]
    return [f"{each['file']} {each['code']}" for each in diagnostics]


def test_settings_select_and_the_command_line_decides(project: Path, capsys: Capture) -> None:
    both = ["old.alloy ALY0901", "old.alloy ALY0903"]
    assert found(capsys, "old.alloy") == both
    (project / ".alloypy.toml").write_text('ignore = ["ALY0903"]')
    assert found(capsys, "old.alloy") == both[:1]
    assert found(capsys, "--no-settings", "old.alloy") == both
    assert found(capsys, "--select=ALY09", "old.alloy") == both[:1]
    assert found(capsys, "--extend-select=ALY0903", "old.alloy") == both
    assert found(capsys, "--ignore=ALY09", "old.alloy") == []
    (project / "strict.toml").write_text('select = ["ALY0903"]')
    assert found(capsys, "--settings=strict.toml", "old.alloy") == both[1:]
    (project / ".alloypy.toml").write_text('per-file-ignores = {"old.*" = ["ALY0903"]}')
    assert found(capsys, "old.alloy") == both[:1]


def test_settings_say_which_program_runs_it_and_what_it_permits(project: Path, capsys: Capture) -> None:
    (project / "each.alloy").write_text(FOREACH)
    (project / "echo.alloy").write_text(ONLY_ALLOY)
    refused = ["each.alloy ALY0405"]
    assert found(capsys, "each.alloy") == refused
    (project / ".alloypy.toml").write_text('stability-level = "experimental"')
    assert found(capsys, "each.alloy") == []
    assert found(capsys, "--stability.level=generally-available", "each.alloy") == refused
    assert found(capsys, "--ignore=ALY0903", "echo.alloy") == []
    (project / ".alloypy.toml").write_text('for = "alloypy"')
    assert found(capsys, "echo.alloy") == ["echo.alloy ALY0407"]
    assert found(capsys, "--for=alloy", "--ignore=ALY0903", "echo.alloy") == []


def test_settings_say_which_version_of_alloy_runs_it(project: Path, capsys: Capture) -> None:
    (project / "new.alloy").write_text(
        'discovery.http "a" {\n  url = "http://a"\n  http_headers = {"X-A" = ["b"]}\n}\n'
    )
    (project / ".alloypy.toml").write_text('alloy-version = "1.0"\nignore = ["ALY09"]')
    assert found(capsys, "new.alloy") == ["new.alloy ALY0301"]
    assert found(capsys, "--alloy-version=1.10", "new.alloy") == []
    assert main(["validate", "-r", "new.alloy"]) == 1
    assert capsys.readouterr().err.endswith("\n1 configuration checked for Alloy 1.0.0, 1 failed\n")
    (project / ".alloypy.toml").write_text('alloy-version = "9.9"')
    assert main(["validate", "new.alloy"]) == 1
    assert capsys.readouterr().err.startswith("Error: .alloypy.toml:1: alloy-version: ")


def test_environment_files_are_beside_the_settings(project: Path, capsys: Capture) -> None:
    (project / "sub").mkdir()
    (project / "sub" / "a.alloy").write_text(
        'pyroscope.write "w" {\n  endpoint {\n    url = sys.env("BACKEND")\n  }\n}\n'
    )
    (project / ".alloypy.toml").write_text('env-files = ["prod.env"]')
    (project / "prod.env").write_text("BACKEND=localhost\n")
    assert found(capsys, "--ignore=ALY0903", "sub/a.alloy") == ["sub/a.alloy ALY0907"]
    assert found(capsys, "--ignore=ALY0903", "--env=BACKEND=http://localhost", "sub/a.alloy") == []
    (project / "prod.env").write_text("OTHER=x\n")
    assert found(capsys, "--ignore=ALY0903", "sub/a.alloy") == ["sub/a.alloy ALY0909"]
    (project / "prod.env").unlink()
    assert main(["validate", "sub/a.alloy"]) == 1
    assert capsys.readouterr().err.startswith(f"Error: open {project}/prod.env: no such file")


def test_units_are_the_same_whatever_is_named(project: Path, capsys: Capture) -> None:
    for name in ("one", "two"):
        (project / "conf" / name).mkdir(parents=True)
        (project / "conf" / name / "a.alloy").write_text('local.file "a" { filename = "a" }')
        (project / "conf" / name / "b.alloy").write_text(
            'import.string "s" { content = local.file.a.content }'
        )
    alone = "conf/one/a.alloy ALY0903"
    assert found(capsys, "conf/one/a.alloy") == [alone]
    (project / ".alloypy.toml").write_text('units = ["conf/*/"]')
    assert found(capsys, "conf/one/a.alloy") == []
    assert found(capsys, "--units=auto", "conf/one/b.alloy") == []
    assert found(capsys, "--units=path", "conf/one/a.alloy") == [alone]
    assert found(capsys, "-r", "conf") == []
    (project / ".alloypy.toml").write_text('units = ["conf/one/*.alloy"]')
    for arguments in (["conf/one"], ["-r", "conf/one"], ["-r", "--units=auto", "conf/one"]):
        assert found(capsys, *arguments) == [alone, "conf/one/b.alloy ALY0410"], arguments


def test_excluded_files_are_left_out(project: Path, capsys: Capture) -> None:
    (project / "vendored").mkdir()
    (project / "vendored" / "x.alloy").write_text(OLD)
    (project / "sub").mkdir()
    (project / "sub" / "y.alloy").write_text(OLD)
    (project / ".alloypy.toml").write_text('exclude = ["vendored/"]\nselect = ["ALY0901"]')
    everything = ["old.alloy ALY0901", "sub/y.alloy ALY0901"]
    assert found(capsys, "-r", ".") == everything
    assert found(capsys, "vendored/x.alloy", "sub/y.alloy") == ["vendored/x.alloy ALY0901", everything[1]]
    assert found(capsys, "--force-exclude", "vendored/x.alloy", "sub/y.alloy") == everything[1:]
    assert found(capsys, "--force-exclude", "--exclude=sub", "vendored/x.alloy", "sub/y.alloy") == []


def test_each_file_has_the_settings_nearest_to_it(project: Path, capsys: Capture) -> None:
    (project / "sub").mkdir()
    (project / "sub" / "y.alloy").write_text(OLD + UNUSED)
    (project / "sub" / "pyproject.toml").write_text('[tool.alloypy]\nselect = ["ALY0903"]')
    (project / ".alloypy.toml").write_text('select = ["ALY0901"]')
    assert found(capsys, "old.alloy", "sub/y.alloy") == ["old.alloy ALY0901", "sub/y.alloy ALY0903"]
    assert found(capsys, "-r", ".") == ["old.alloy ALY0901", "sub/y.alloy ALY0903"]


def test_faulty_settings_stop_the_check(project: Path, capsys: Capture) -> None:
    (project / ".alloypy.toml").write_text("\nselct = []")
    assert main(["validate", "old.alloy"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "Error: .alloypy.toml:2: unknown setting selct",
        "  = hint: did you mean `select`?",
    ]
    assert main(["validate", "--settings=.alloypy.toml", "--no-settings", "old.alloy"]) == 1
    assert "--settings and --no-settings exclude each other" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ("ignore = [" + '"ALY0903",' * 30_000 + "]", "settings are larger than 256 KB"),
        ("ignore = " + "[" * 100_000, "nested too deeply"),
    ],
)
def test_settings_that_nobody_writes_are_refused(
    settings: str, fault: str, project: Path, capsys: Capture
) -> None:
    (project / ".alloypy.toml").write_text(settings)
    assert main(["validate", "old.alloy"]) == 1
    assert fault in capsys.readouterr().err
