"""`alloypy requires` and `alloypy upgrade` as users call them: files, reports, exit codes, fixes."""

from __future__ import annotations

import errno
import io
import json
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from alloypy.cli.main import main
from alloypy.cli.report import FORMATS

Capture = pytest.CaptureFixture[str]

OLD = """// Traces.
otelcol.exporter.otlp "traces" {
	client {
		endpoint = env("TEMPO") // host:port
	}

	sending_queue {
		blocking = true
	}
}
"""
NEW = OLD.replace("blocking", "block_on_overflow")
SCRAPE = """prometheus.remote_write "r" {
	endpoint {
		url = "http://localhost"
	}
}
"""
PATTERN = """loki.process "x" {
	forward_to = []

	stage.pattern {
		pattern = "<a>"
	}
}
"""
FOREACH = 'foreach "f" {\n  collection = []\n  var = "x"\n  template { }\n}\n'
MODULE = """declare "sender" {
	argument "endpoint" { }

	otelcol.exporter.otlp "o" {
		client {
			endpoint = argument.endpoint.value
		}

		sending_queue {
			blocking = true
		}
	}
}
"""


class Answer(NamedTuple):
    code: int
    out: str
    err: str


def ask(capsys: Capture, *arguments: str) -> Answer:
    code = main(list(arguments))
    return Answer(code, *capsys.readouterr())


def upgrade(capsys: Capture, *arguments: str, start: str = "1.10", end: str = "1.11") -> Answer:
    return ask(capsys, "upgrade", f"--from={start}", f"--to={end}", *arguments)


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.alloy").write_text(OLD)
    (tmp_path / "scrape.alloy").write_text(SCRAPE)
    return tmp_path


def test_requires_says_the_versions_and_what_limits_them(capsys: Capture) -> None:
    answer = ask(capsys, "requires", "old.alloy", "scrape.alloy")
    assert answer.code == 0
    assert answer.out == (
        "old.alloy: Alloy 1.7.0 to 1.10.2\n"
        "  from 1.7.0: sending_queue/blocking at old.alloy:8:3 needs 1.7.0\n"
        "  to 1.10.2: sending_queue/blocking at old.alloy:8:3 is gone in 1.11.0\n"
        "scrape.alloy: all versions of Alloy\n"
        "together: Alloy 1.7.0 to 1.10.2\n"
    )


def test_requires_as_json(capsys: Capture) -> None:
    data = json.loads(ask(capsys, "requires", "--output-format=json", "old.alloy").out)
    (unit,) = data["configurations"]
    assert unit["versions"][0] == "1.7.0"
    assert data["together"] == unit["versions"]
    assert unit["ranges"][0]["last"] == "1.10.2"
    assert unit["ranges"][0]["to"][0]["name"] == "sending_queue/blocking"
    assert (unit["ranges"][0]["to"][0]["line"], unit["ranges"][0]["to"][0]["column"]) == (8, 3)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (NEW.replace("sending_queue", "nothing"), 'bad.alloy:7:2: unrecognized block name "nothing"'),
        ("logging {\n", "bad.alloy:2:1: expected }, got EOF"),
        (
            'otelcol.exporter.logging "x" { }\n' + NEW,
            "otelcol.exporter.logging at bad.alloy:1:1 is accepted by",
        ),
    ],
)
def test_requires_says_why_there_is_no_version(
    capsys: Capture, directory: Path, text: str, line: str
) -> None:
    (directory / "bad.alloy").write_text(text)
    answer = ask(capsys, "requires", "bad.alloy")
    assert answer.code == 1
    first, *rest = answer.out.splitlines()
    assert first == "bad.alloy: no version of Alloy loads it"
    assert any(each.strip().startswith(line) for each in rest), rest


def test_requires_reads_directories_and_standard_input(
    capsys: Capture, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(capsys, "requires", ".").out.startswith(".: Alloy 1.7.0 to 1.10.2\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(OLD.encode())))
    answer = ask(capsys, "requires", "--stdin-filename=in.alloy", "-")
    assert "in.alloy:8:3" in answer.out


def test_an_upgrade_that_is_refused(capsys: Capture) -> None:
    answer = upgrade(capsys, "old.alloy")
    assert answer.code == 1
    assert answer.out.splitlines()[:3] == [
        "refused by 1.11.3",
        (
            "  old.alloy:8:3: sending_queue/blocking of otelcol.exporter.otlp is renamed in 1.11.0: "
            "The argument is unknown; block_on_overflow takes its place."
        ),
        "      Rename to block_on_overflow. [CHANGELOG.md]",
    ]


def test_changed_defaults_fail_only_if_that_is_wanted(capsys: Capture) -> None:
    answer = upgrade(capsys, "scrape.alloy")
    assert answer.code == 0
    assert "default true, from 1.11.0 on false" in answer.out
    assert upgrade(capsys, "--strict", "scrape.alloy").code == 1


def test_what_the_old_version_refuses_already_is_said_once(capsys: Capture, directory: Path) -> None:
    text = OLD.replace("client {", "client {\n\t\tnothing = 1\n\t\tnone = 2")
    (directory / "bad.alloy").write_text(text)
    answer = upgrade(capsys, "bad.alloy")
    assert answer.code == 1
    assert answer.out.splitlines()[1] == (
        '  bad.alloy:4:3: already refused by 1.10.2: unrecognized attribute name "nothing" (and 1 more)'
    )
    assert answer.out.count("unrecognized") == 1
    assert "sending_queue/blocking" in answer.out
    (directory / "older.alloy").write_text(OLD)
    answer = upgrade(capsys, "older.alloy", start="1.11", end="1.12")
    assert answer.code == 1
    assert "already refused by 1.11.3: " in answer.out
    assert "is renamed" not in answer.out
    assert "1 refused" in answer.out


def test_what_only_the_old_version_refuses_is_no_reason_of_the_new_one(
    capsys: Capture, directory: Path
) -> None:
    young = 'otelcol.receiver.otlp "in" {\n\thttp {\n\t\tidle_timeout = "1m"\n\t}\n\toutput { }\n}\n'
    (directory / "young.alloy").write_text(young + OLD)
    answer = upgrade(capsys, "young.alloy", start="1.7", end="1.18")
    assert answer.code == 1
    assert "already refused" not in answer.out
    assert "sending_queue/blocking of otelcol.exporter.otlp is renamed in 1.11.0" in answer.out
    assert "1 refused" in answer.out
    (directory / "both.alloy").write_text(young + OLD.replace("client {", "client {\n\t\tnothing = 1"))
    answer = upgrade(capsys, "both.alloy", start="1.7", end="1.18")
    line = next(each for each in answer.out.splitlines() if "already refused" in each)
    assert line.endswith('already refused by 1.7.5: unrecognized attribute name "nothing"')
    assert "2 refused" in answer.out


def test_nothing_to_say(capsys: Capture) -> None:
    answer = upgrade(capsys, "scrape.alloy", start="1.17", end="newest")
    assert answer == (0, "nothing between 1.17.1 and 1.18.1 touches this configuration\n", "")


def test_a_downgrade_says_so(capsys: Capture, directory: Path) -> None:
    (directory / "new.alloy").write_text(NEW)
    answer = upgrade(capsys, "new.alloy", start="1.18", end="1.7")
    assert answer.code == 1
    assert answer.out.splitlines()[0] == "1.7.5 is older than 1.18.1: this is a downgrade"
    assert "does not exist in 1.7.5: it needs 1.9.0" in answer.out


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_of_reports(capsys: Capture, directory: Path, format_name: str) -> None:
    answer = upgrade(capsys, f"--report={format_name}=report", "-q", "old.alloy")
    assert answer.code == 1
    text = (directory / "report").read_text().replace("\\", "")
    assert "sending_queue/blocking of otelcol.exporter.otlp is renamed in 1.11.0" in text


def test_machine_readable_findings_have_codes_places_and_changes(capsys: Capture) -> None:
    answer = upgrade(capsys, "--output-format=json", "old.alloy")
    (first, *_) = json.loads(answer.out)["diagnostics"]
    assert (first["code"], first["severity"], first["line"]) == ("ALY0802", "error", 8)
    assert first["fix"] == [{"offset": OLD.index("blocking"), "length": 8, "text": "block_on_overflow"}]
    assert first["hint"] == "Rename to block_on_overflow; documented in CHANGELOG.md"


def test_fixing_a_file(capsys: Capture, directory: Path) -> None:
    answer = upgrade(capsys, "--fix", "old.alloy")
    assert answer.code == 0
    assert answer.out == ""
    assert "between 1.10.2 and 1.11.3: 1 fixed" in answer.err
    assert (directory / "old.alloy").read_text() == NEW
    again = upgrade(capsys, "--fix", "old.alloy")
    assert again.code == 0
    assert (directory / "old.alloy").read_text() == NEW
    assert ask(capsys, "validate", "--alloy-version=1.11", "old.alloy").code == 0


def test_a_difference_changes_nothing(capsys: Capture, directory: Path) -> None:
    answer = upgrade(capsys, "--diff", "old.alloy")
    assert answer.code == 1
    assert "-\t\tblocking = true\n+\t\tblock_on_overflow = true\n" in answer.out
    assert (directory / "old.alloy").read_text() == OLD


def test_fixing_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(OLD.encode())))
    assert upgrade(capsys, "--fix", "-q", "-").out == NEW


def test_fixing_modules_that_a_directory_imports(capsys: Capture, directory: Path) -> None:
    (directory / "modules").mkdir()
    (directory / "modules" / "m.alloy").write_text(MODULE)
    unit = directory / "unit"
    unit.mkdir()
    (unit / "a.alloy").write_text('import.file "m" {\n\tfilename = module_path + "/../modules/m.alloy"\n}\n')
    (unit / "b.alloy").write_text('m.sender "s" {\n\tendpoint = "localhost:4317"\n}\n')
    answer = upgrade(capsys, "unit")
    assert answer.code == 1
    assert "m.alloy:10:4: sending_queue/blocking" in answer.out
    assert upgrade(capsys, "--fix", "unit").code == 0
    assert (directory / "modules" / "m.alloy").read_text() == MODULE.replace("blocking", "block_on_overflow")


def test_a_reference_in_another_file_is_renamed_with_the_component(capsys: Capture, directory: Path) -> None:
    unit = directory / "unit"
    unit.mkdir()
    (unit / "a.alloy").write_text('otelcol.exporter.logging "l" { }\n')
    (unit / "b.alloy").write_text(
        'otelcol.receiver.otlp "r" {\n\tgrpc { }\n\n\toutput {\n'
        "\t\tlogs = [otelcol.exporter.logging.l.input]\n\t}\n}\n"
    )
    flags = ("--stability.level=experimental", "--fix", "unit")
    assert upgrade(capsys, *flags, start="1.4", end="1.5").code == 0
    assert "otelcol.exporter.debug.l.input" in (unit / "b.alloy").read_text()
    assert (unit / "a.alloy").read_text() == 'otelcol.exporter.debug "l" { }\n'


def test_what_cannot_be_fixed_is_said(capsys: Capture, directory: Path) -> None:
    text = 'otelcol.exporter.logging "l" { }\n'
    (directory / "old.alloy").write_text(text)
    answer = upgrade(capsys, "--fix", "old.alloy", start="1.4", end="1.5")
    assert answer.code == 1
    assert "0 fixed, 1 refused" in answer.err
    assert (directory / "old.alloy").read_text() == text


def test_files_that_cannot_be_parsed_stay_as_they_are(capsys: Capture, directory: Path) -> None:
    (directory / "bad.alloy").write_text("logging {\n")
    answer = upgrade(capsys, "--fix", "bad.alloy")
    assert answer.code == 1
    assert "bad.alloy:2:1: expected }, got EOF" in answer.err
    assert (directory / "bad.alloy").read_text() == "logging {\n"


def test_a_failed_write_fixes_nothing(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str, data: bytes) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("alloypy.cli.files.rewriting.rewrite", fail)
    answer = upgrade(capsys, "--fix", "old.alloy")
    assert answer.code == 2
    assert "Error: open old.alloy: permission denied\n" in answer.err
    assert "0 fixed, 1 refused" in answer.err
    assert "-: " not in answer.err


def test_a_missing_file_is_not_refused_by_a_version(capsys: Capture) -> None:
    answer = upgrade(capsys, "none.alloy")
    assert answer.code == 2
    assert "Error: stat none.alloy: no such file or directory\n" in answer.out
    assert "refused" not in answer.out
    answer = ask(capsys, "requires", "none.alloy")
    assert answer.code == 2
    assert answer.out == "none.alloy: stat none.alloy: no such file or directory\n"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (
            b'logging { level = "\xe9" }',
            "bad.alloy:1:20: unknown encoding for config: the file must be UTF-8",
        ),
        (b"logging { \0 }", "bad.alloy:1:11: this is not a text file: it has a NUL byte here"),
    ],
)
def test_a_file_that_is_no_text_is_not_refused_by_a_version(
    capsys: Capture, directory: Path, data: bytes, line: str
) -> None:
    (directory / "bad.alloy").write_bytes(data)
    assert upgrade(capsys, "bad.alloy") == (2, f"Error: {line}\n", "")
    assert ask(capsys, "requires", "bad.alloy") == (2, f"{line}\n", "")


CONFIG_MAP = """apiVersion: v1
kind: ConfigMap
metadata:
  name: alloy
data:
  config.alloy: |
    otelcol.exporter.otlp "traces" {
      client {
        endpoint = "tempo:4317"
      }
      sending_queue {
        blocking = true
      }
    }
    otelcol.receiver.kafka "k" {
      brokers = ["b"]
      protocol_version = "2.0.0"
      output { }
    }
"""


def test_configurations_in_yaml_have_their_places_there(capsys: Capture, directory: Path) -> None:
    (directory / "cm.yaml").write_text(CONFIG_MAP)
    answer = upgrade(capsys, "--from-yaml", "cm.yaml")
    assert answer.code == 1
    assert (
        "  cm.yaml:12:9: sending_queue/blocking of otelcol.exporter.otlp is renamed in 1.11.0" in answer.out
    )
    answer = ask(capsys, "requires", "--from-yaml", ".")
    assert answer.code == 0
    assert answer.out == (
        "cm.yaml (ConfigMap alloy: config.alloy): Alloy 1.7.0 to 1.10.2\n"
        "  from 1.7.0: sending_queue/blocking at cm.yaml:12:9 needs 1.7.0\n"
        "  to 1.10.2: sending_queue/blocking at cm.yaml:12:9 is gone in 1.11.0\n"
    )
    (directory / "bad.yaml").write_text("kind: [ConfigMap, alloy")
    assert upgrade(capsys, "--from-yaml", "bad.yaml").out.startswith("Error: bad.yaml:1:")
    answer = ask(capsys, "requires", "--from-yaml", "bad.yaml", "cm.yaml")
    assert (answer.code, answer.out.splitlines()[1]) == (
        2,
        "cm.yaml (ConfigMap alloy: config.alloy): Alloy 1.7.0 to 1.10.2",
    )
    assert "not in YAML files" in upgrade(capsys, "--from-yaml", "--fix", "cm.yaml").err


def test_the_flags_in_a_manifest_permit_what_they_permit_to_alloy(capsys: Capture, directory: Path) -> None:
    inner = "".join(f"    {line}\n" for line in FOREACH.splitlines())
    text = CONFIG_MAP.replace("    otelcol.exporter", f"{inner}    otelcol.exporter")
    text += "args: [--stability.level=experimental]\n"
    (directory / "cm.yaml").write_text(text)
    assert ask(capsys, "requires", "--from-yaml", "cm.yaml").code == 0
    (directory / "cm.yaml").write_text(text.replace("experimental", "generally-available"))
    assert ask(capsys, "requires", "--from-yaml", "cm.yaml").code == 1


def test_flags_of_the_run_command(capsys: Capture) -> None:
    flags = "--run-flags=--cluster.use-discovery-v1 --stability.level=experimental --none 'x'"
    answer = upgrade(capsys, flags, "scrape.alloy", start="1.4", end="1.5")
    assert answer.code == 1
    assert "the flag --none is no flag of any version" in answer.out
    assert "the flag --cluster.use-discovery-v1 has no effect in 1.5.1" in answer.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scrape.alloy"], "--from is missing"),
        (["--from=1.5"], "requires at least 1 arg(s)"),
        (["--from=1.99", "scrape.alloy"], '--from: unknown Alloy version "1.99"'),
        (["--from=1.5", "--to=9", "scrape.alloy"], '--to: unknown Alloy version "9"'),
        (["--from=1.5", "--to=1.5.1", "scrape.alloy"], "there is nothing between them"),
        (["--from=1.5", "--run-flags='", "scrape.alloy"], "--run-flags: it ends inside quotes"),
        (["--from=1.5", "--run-flags=--stability.level=x", "scrape.alloy"], 'invalid stability level "x"'),
        (["--from=1.5", "--run-flags=--stability.level", "scrape.alloy"], "flag needs an argument"),
        (["--from=1.5", "--diff", "--output-format=json", "scrape.alloy"], "goes to standard output"),
    ],
)
def test_wrong_usage(capsys: Capture, arguments: list[str], message: str) -> None:
    answer = ask(capsys, "upgrade", *arguments)
    assert answer.code == 2
    assert message in answer.err


def test_requires_fails_if_no_version_loads_all(capsys: Capture, directory: Path) -> None:
    (directory / "new.alloy").write_text(PATTERN)
    answer = ask(capsys, "requires", "old.alloy", "new.alloy", "scrape.alloy")
    assert answer.code == 1
    assert answer.out.endswith(
        "together: no version loads all of them\n"
        "  old.alloy needs Alloy 1.7.0 to 1.10.2\n"
        "  new.alloy needs Alloy 1.11.0 and later\n"
    )


def test_requires_says_together_even_if_one_configuration_has_no_version(
    capsys: Capture, directory: Path
) -> None:
    (directory / "bad.alloy").write_text("nothing {\n}\n")
    answer = ask(capsys, "requires", "bad.alloy", "scrape.alloy")
    assert answer.code == 1
    assert answer.out.endswith("together: no version loads all of them\n")


@pytest.mark.parametrize(("flags", "code"), [((), 0), (("--strict",), 1)])
def test_an_empty_directory_has_only_a_warning(
    flags: tuple[str, ...], code: int, capsys: Capture, directory: Path
) -> None:
    (directory / "empty").mkdir()
    answer = upgrade(capsys, *flags, "empty")
    assert answer.code == code
    (line,) = answer.out.splitlines()
    assert line.startswith("Warning: ")


def codes(answer: Answer) -> list[str]:
    return [each["code"] for each in json.loads(answer.out)["diagnostics"]]


def test_ignored_codes_are_left_out_unless_the_version_refuses(capsys: Capture, directory: Path) -> None:
    (directory / "old.alloy").write_text(OLD + SCRAPE)
    assert codes(upgrade(capsys, "--output-format=json", "old.alloy")) == ["ALY0802", "ALY0805", "ALY0806"]
    answer = upgrade(capsys, "--ignore=ALY08", "--output-format=json", "old.alloy")
    assert (answer.code, codes(answer)) == (1, ["ALY0802"])
    assert upgrade(capsys, "--strict", "--ignore=ALY0805", "scrape.alloy").code == 0
    assert "no code ALY9999" in upgrade(capsys, "--ignore=ALY9999", "old.alloy").err
    (directory / ".alloypy.toml").write_text('ignore = ["ALY0805"]\n')
    assert upgrade(capsys, "--strict", "scrape.alloy").code == 0
    (directory / ".alloypy.toml").write_text('[per-file-ignores]\n"scrape.alloy" = ["ALY0805"]\n')
    assert upgrade(capsys, "--strict", "scrape.alloy").code == 0
    assert codes(upgrade(capsys, "--output-format=json", "old.alloy")) == ["ALY0802", "ALY0805", "ALY0806"]


def test_comments_suppress_what_the_version_does_not_refuse(capsys: Capture, directory: Path) -> None:
    text = "// alloypy: ignore[ALY0805, ALY0806, ALY0804]\n" + SCRAPE + "// alloypy: ignore[ALY0802]\n" + OLD
    (directory / "old.alloy").write_text(text)
    assert codes(upgrade(capsys, "--output-format=json", "old.alloy")) == ["ALY0802"]
    text = text.replace("\n// alloypy: ignore[ALY0802]", "")
    (directory / "old.alloy").write_text(text)
    assert "nothing to ignore" not in ask(capsys, "validate", "--alloy-version=1.10", "old.alloy").err
    assert "no comment suppresses" not in ask(capsys, "validate", "--alloy-version=1.10", "old.alloy").err


def test_a_change_of_several_places_has_all_of_them(capsys: Capture, directory: Path) -> None:
    text = SCRAPE + SCRAPE.replace('"r"', '"s"')
    (directory / "two.alloy").write_text(text)
    answer = upgrade(capsys, "--output-format=json", "two.alloy")
    (each,) = [one for one in json.loads(answer.out)["diagnostics"] if one["code"] == "ALY0806"]
    assert " (and 1 more) behaves differently in " in each["message"]
    assert [(one["line"], one["column"]) for one in each["further"]] == [(6, 1)]
    (directory / "two.alloy").write_text("// alloypy: ignore[ALY0806]\n" + text)
    answer = upgrade(capsys, "--output-format=json", "two.alloy")
    (each,) = [one for one in json.loads(answer.out)["diagnostics"] if one["code"] == "ALY0806"]
    assert (each["line"], each.get("further")) == (7, None)
    assert " behaves differently in " in each["message"]
    assert "more" not in each["message"].partition(":")[0]


def test_settings_say_the_version_in_use_and_what_is_permitted(capsys: Capture, directory: Path) -> None:
    (directory / ".alloypy.toml").write_text('alloy-version = "1.10"\nexclude = ["scrape.alloy"]\n')
    answer = ask(capsys, "upgrade", "--to=1.11", "--recursive", "--units=auto", "--output-format=json", ".")
    assert answer.code == 1
    assert {each["file"] for each in json.loads(answer.out)["diagnostics"]} == {"old.alloy"}
    answer = ask(capsys, "upgrade", "--to=1.11", "--no-settings", "old.alloy")
    assert "--from is missing" in answer.err
    assert "from-version" in answer.err
    (directory / "each.alloy").write_text(FOREACH)
    assert ask(capsys, "requires", "each.alloy").code == 1
    (directory / "other.toml").write_text('stability-level = "experimental"\n')
    assert ask(capsys, "requires", "--settings=other.toml", "each.alloy").code == 0
    given = ["--settings=other.toml", "--stability.level=generally-available", "each.alloy"]
    assert ask(capsys, "requires", *given).code == 1
    assert upgrade(capsys, "--settings=other.toml", "each.alloy").code == 0
    assert upgrade(capsys, "each.alloy").code == 1


def test_settings_of_projects_with_different_versions_need_a_flag(capsys: Capture, directory: Path) -> None:
    for name in ("1.9", "1.10"):
        (directory / name).mkdir()
        (directory / name / ".alloypy.toml").write_text(f'alloy-version = "{name}"\n')
        (directory / name / "a.alloy").write_text(SCRAPE)
    answer = ask(capsys, "upgrade", "1.9", "1.10")
    assert answer.code != 0
    assert "1.9 in 1.9/.alloypy.toml, 1.10 in 1.10/.alloypy.toml" in answer.err
    (directory / "1.9" / ".alloypy.toml").write_text('alloy-version = "1.99"\n')
    assert "1.9/.alloypy.toml: alloy-version: " in ask(capsys, "upgrade", "1.9").err


def test_settings_group_files_and_give_the_environment(capsys: Capture, directory: Path) -> None:
    (directory / ".alloypy.toml").write_text('units = ["both/"]\n')
    (directory / "both").mkdir()
    (directory / "both" / "a.alloy").write_text(SCRAPE)
    (directory / "both" / "b.alloy").write_text('logging { level = "info" }\n')
    answer = ask(capsys, "requires", "--output-format=json", "both/a.alloy")
    assert [each["path"] for each in json.loads(answer.out)["configurations"]] == ["both"]
    answer = ask(capsys, "requires", "--units=path", "--output-format=json", "both/a.alloy")
    assert [each["path"] for each in json.loads(answer.out)["configurations"]] == ["both/a.alloy"]
    (directory / ".alloypy.toml").write_text('env-files = ["missing.env"]\n')
    answer = ask(capsys, "requires", "old.alloy")
    assert answer.code == 2
    assert "missing.env" in answer.err
