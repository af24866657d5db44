"""`alloypy validate`, `explain`, `docs` and `schema` from the command line."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.cli.commands.docs.command import reference
from alloypy.cli.main import main

GOOD = """pyroscope.receive_http "in" {
  http {
    listen_address = "127.0.0.1"
  }
  forward_to = [pyroscope.write.out.receiver]
}

pyroscope.write "out" {
  endpoint {
    url = "http://127.0.0.1:4040"
  }
}
"""
WARNED = GOOD.replace('"http://127.0.0.1:4040"', 'env("URL")')
BAD = GOOD.replace("forward_to", "foward_to")


class Answer(NamedTuple):
    """The result of a command."""

    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, text in (("good", GOOD), ("warned", WARNED), ("bad", BAD)):
        (tmp_path / f"{name}.alloy").write_text(text)
    return tmp_path


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> Answer:
    code = main(arguments)
    return Answer(code, *capsys.readouterr())


Capture = pytest.CaptureFixture[str]


def test_success_is_silent(folder: Path, capsys: Capture) -> None:
    assert ask(capsys, "validate", "good.alloy") == (0, "", "")


def test_an_error_with_excerpt_hint_and_code(folder: Path, capsys: Capture) -> None:
    answer = ask(capsys, "validate", "bad.alloy")
    assert (answer.code, answer.out) == (1, "\n")
    assert answer.err.startswith(
        'Error: bad.alloy:5:3: unrecognized attribute name "foward_to"\n'
        "\n"
        "4 |   }\n"
        "5 |   foward_to = [pyroscope.write.out.receiver]\n"
        "  |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "6 | }\n"
        "  = hint: did you mean `forward_to`?\n"
        "  = code: ALY0301 (alloypy explain ALY0301)\n"
        "\n"
        'Error: bad.alloy:1:1: missing required attribute "forward_to"\n'
    )
    assert answer.err.endswith("Error: validation failed\n")


def test_warnings_fail_only_when_strict(folder: Path, capsys: Capture) -> None:
    answer = ask(capsys, "validate", "warned.alloy")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err.startswith("Warning: warned.alloy:10:11: this stdlib function is deprecated")
    assert "validation failed" not in answer.err
    strict = ask(capsys, "validate", "--strict", "warned.alloy")
    assert (strict.code, strict.out) == (1, "\n")
    assert strict.err.endswith("Error: validation failed\n")


def test_several_units(folder: Path, capsys: Capture) -> None:
    assert ask(capsys, "validate", "good.alloy", "warned.alloy").code == 0
    answer = ask(capsys, "validate", "good.alloy", "bad.alloy", "absent.alloy")
    assert answer.code == 1
    assert "Error: stat absent.alloy: no such file or directory\n" in answer.err


def test_a_directory_is_one_unit(folder: Path, capsys: Capture) -> None:
    (folder / "unit").mkdir()
    (folder / "unit" / "a.alloy").write_text(GOOD)
    (folder / "unit" / "b.alloy").write_text(GOOD)
    answer = ask(capsys, "validate", "unit")
    assert answer.code == 1
    assert "block pyroscope.write.out already declared at unit/a.alloy:8:1" in answer.err
    assert ask(capsys, "validate", "unit/a.alloy", "unit/b.alloy").code == 0


def test_units_below_a_directory(folder: Path, capsys: Capture) -> None:
    tree = folder / "tree"
    for name, text in (("one", GOOD), ("two/deep", BAD), ("left", BAD)):
        (tree / name).mkdir(parents=True)
        (tree / name / "config.alloy").write_text(text)
    assert ask(capsys, "validate", "tree").code == 0
    answer = ask(capsys, "validate", "--recursive", "--exclude", "left", "tree")
    assert answer.code == 1
    assert "tree/two/deep/config.alloy:5:3" in answer.err
    assert "left" not in answer.err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "accepts 1 arg(s), received 0"),
        (["absent.alloy"], "stat absent.alloy: no such file or directory"),
        (["--stability.level=stable", "good.alloy"],
         'invalid argument "stable" for "--stability.level" flag: invalid stability level "stable"'),
        (["--config.format=toml", "good.alloy"],
         '(Critical) unrecognized kind "toml" given to the config converter'),
        (["--env", "A", "good.alloy"], "--env needs KEY=VALUE"),
        (["--env-file", "absent", "good.alloy"], "open absent: no such file or directory"),
        (["--output-file", "no/where", "bad.alloy"], "open no/where: no such file or directory"),
    ],
)  # fmt: skip
def test_wrong_use(folder: Path, capsys: Capture, arguments: list[str], text: str) -> None:
    answer = ask(capsys, "validate", *arguments)
    assert (answer.code, answer.out, answer.err.splitlines()[0]) == (1, "", f"Error: {text}")


def test_the_environment_can_be_told(folder: Path, capsys: Capture) -> None:
    text = GOOD.replace('"http://127.0.0.1:4040"', '"http://h"\n    max_backoff_retries = sys.env("N")')
    (folder / "env.alloy").write_text(text)
    (folder / "env").write_text('# comment\nexport N="many"\n\nM=1\n')
    assert ask(capsys, "validate", "env.alloy").code == 0
    assert ask(capsys, "validate", "--env", "N=5", "env.alloy").code == 0
    assert "should be number, got string" in ask(capsys, "validate", "--env=N=x", "env.alloy").err
    assert "should be number, got string" in ask(capsys, "validate", "--env-file=env", "env.alloy").err
    assert ask(capsys, "validate", "--env-file=env", "--env=N=5", "env.alloy").code == 0


def test_what_alloypy_itself_can_run(folder: Path, capsys: Capture) -> None:
    (folder / "own.alloy").write_text('pyroscope.ebpf "x" {\n  forward_to = []\n}\n' + GOOD)
    assert ask(capsys, "validate", "own.alloy").code == 0
    answer = ask(capsys, "validate", "--for=alloypy", "--stability.level=public-preview", "own.alloy")
    assert answer.code == 1
    assert 'alloypy does not run the component "pyroscope.ebpf"' in answer.err
    assert "= hint: Alloy has this component, alloypy does not: remove the block" in answer.err
    gated = ask(capsys, "validate", "--for=alloypy", "good.alloy")
    assert 'component "pyroscope.receive_http" is at stability level "public-preview"' in gated.err
    level = "--stability.level=public-preview"
    assert ask(capsys, "validate", "--for=alloypy", level, "good.alloy") == (0, "", "")


def test_own_rules_are_checked_too(folder: Path, capsys: Capture) -> None:
    (folder / "own.alloy").write_text(
        'pyroscope.write "w" {\n  endpoint {\n    url = "http://h"\n    basic_auth {\n'
        '      password      = "a"\n      password_file = "b"\n    }\n    oauth2 {\n'
        '      client_id = sys.env("ID")\n    }\n  }\n}\n'
    )
    answer = ask(capsys, "validate", "--for=alloypy", "own.alloy")
    message = "at most one of basic_auth password & password_file must be configured"
    assert f"own.alloy:6:7: {message}" in answer.err
    assert "client_id must be configured" not in answer.err
    assert answer.err.count(message) == 1


def test_what_a_constructor_refuses_is_found_for_alloypy_too(folder: Path, capsys: Capture) -> None:
    (folder / "own.alloy").write_text(
        'local.file "f" {\n  filename = "f.txt"\n  poll_frequency = "0s"\n}\n'
        'pyroscope.relabel "r" {\n  forward_to = []\n  max_cache_size = 0\n}\n'
    )
    for given in (["own.alloy"], ["--for=alloypy", "own.alloy"]):
        answer = ask(capsys, "validate", *given)
        assert "own.alloy:3:3: poll_frequency must be greater than 0" in answer.err
        assert "own.alloy:7:3: must provide a positive size" in answer.err


def test_secrets_are_not_shown_in_what_may_be_kept(folder: Path, capsys: Capture) -> None:
    (folder / "secret.alloy").write_text(
        'pyroscope.write "w" {\n  endpoint {\n    url = "http://h"\n    nope = 1\n'
        '    bearer_token = "hush-hush"\n    http_headers = {"a" = ["hush-hush"]}\n    nope = 1\n'
        '    basic_auth {\n      password = "hush-hush"[0]\n    }\n  }\n}\n'
    )
    (folder / "broken.alloy").write_text('a "b" {\n  client_secret = "hush-hush"\n  x =\n}\n')
    for name in ("secret", "broken"):
        for form in ("text", "json", "github", "sarif", "junit"):
            answer = ask(capsys, "validate", f"--output-format={form}", f"{name}.alloy")
            assert answer.code == 1
            assert "hush-hush" not in answer.out + answer.err
    assert '5 |     bearer_token = "*********"' in ask(capsys, "validate", "secret.alloy").err


def test_as_json(folder: Path, capsys: Capture) -> None:
    answer = ask(capsys, "validate", "--output-format=json", "bad.alloy", "warned.alloy")
    report = json.loads(answer.out)
    assert answer.code == 1
    assert report["summary"] == {"files": 2, "errors": 2, "warnings": 1, "changed": 0, "failed": 1}
    first = report["diagnostics"][0]
    assert (first["file"], first["line"], first["code"]) == ("bad.alloy", 1, "ALY0305")
    assert report["diagnostics"][1]["hint"] == "did you mean `forward_to`?"


@pytest.mark.parametrize("form", ["github", "sarif", "junit", "text"])
def test_other_formats_go_into_a_file(folder: Path, capsys: Capture, form: str) -> None:
    answer = ask(capsys, "validate", f"--output-format={form}", "--output-file=report", "bad.alloy")
    assert (answer.code, answer.out) == (1, "")
    assert "foward_to" in (folder / "report").read_text()
    assert "   foward_to = [" not in (folder / "report").read_text()  # no excerpt


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'a "b" { x = "\xff" }\n', "Error: odd.alloy:1:14: unknown encoding for config"),
        ("\ufeff".encode() + GOOD.encode(), ""),
        (
            "a".encode("utf-16"),
            "Error: odd.alloy: configuration is encoded with UTF16LittleEndian but must be utf8",
        ),
        (b"", ""),
        (GOOD.replace("\n", "\r\n").encode(), ""),
    ],
)
def test_encodings(folder: Path, capsys: Capture, content: bytes, told: str) -> None:
    (folder / "odd.alloy").write_bytes(content)
    answer = ask(capsys, "validate", "odd.alloy")
    assert answer.code == (1 if told else 0)
    assert answer.err.splitlines()[:1] == ([told] if told else [])


def test_the_beginning_of_codes_and_a_number_are_explained(capsys: Capture) -> None:
    every = ask(capsys, "explain").out.splitlines()
    group = ask(capsys, "explain", "aly09").out.splitlines()
    assert group == [line for line in every if line.startswith("ALY09")]
    assert len(group) > 10
    assert ask(capsys, "explain", "901").out == ask(capsys, "explain", "ALY0901").out
    assert ask(capsys, "explain", "09").out.splitlines() == group
    for wrong in ("", "ALY97", "X"):
        answer = ask(capsys, "explain", wrong)
        assert answer.code == 1
        assert "there is no code" in answer.err
        assert "\n  = hint: " in answer.err


def test_codes_are_explained(capsys: Capture) -> None:
    answer = ask(capsys, "explain", "aly0410")
    assert answer.code == 0
    assert answer.out.startswith("ALY0410: unknown name (error)\n\n")
    assert "\nWrong\n  local.file" in answer.out
    both = json.loads(ask(capsys, "explain", "--json", "ALY0901", "aly0101").out)
    assert [(each["code"], each["severity"]) for each in both] == [
        ("ALY0901", "warning"),
        ("ALY0101", "error"),
    ]
    assert all(each["example"]["wrong"] and each["explanation"] for each in both)
    listed = ask(capsys, "explain").out.splitlines()
    assert "ALY0301  unknown attribute" in listed
    assert listed == sorted(listed)
    wrong = ask(capsys, "explain", "ALY0310")
    assert wrong.code == 1
    assert wrong.err.startswith("Error: there is no code ALY0310\n")


def test_the_reference_of_a_component(capsys: Capture) -> None:
    text = ask(capsys, "docs", "pyroscope.write").out
    assert text.startswith(
        "pyroscope.write (generally-available)\n"
        "as in Alloy main, the coming 1.19; since 1.0\n"
        "described at https://grafana.com/docs/alloy/latest/reference/components/pyroscope/pyroscope.write/\n"
        "alloypy runs it\n"
    )
    assert 'remote_timeout             duration           default "10s"' in text
    assert "  endpoint {  // repeated" in text
    assert "Exports\n  receiver" in text
    other = ask(capsys, "docs", "loki.process").out
    assert "alloypy checks it and does not run it" in other
    assert "as above, one level deeper" in other
    block = ask(capsys, "docs", "logging").out
    assert 'one of "debug", "error", "info", "warn"' in block
    assert "takes no settings of its own" in ask(capsys, "docs", "ui").out


def test_the_reference_of_a_function(capsys: Capture) -> None:
    text = ask(capsys, "docs", "sys.env").out
    assert text.startswith(
        "sys.env (generally-available); since Alloy 1.4\n\n  sys.env(name: string) -> string\n"
    )
    assert '  with REGION=eu-west-1 in the environment\n  > sys.env("REGION")\n  "eu-west-1"\n' in text
    assert "Old name, which still works: env\n" in text
    assert ask(capsys, "docs", "env").out == text
    assert "  string.split " in ask(capsys, "docs", "string").out
    assert ask(capsys, "docs", "constants.os").out.startswith("constants.os: string\n")
    entry = json.loads(ask(capsys, "docs", "--json", "array.group_by").out)
    assert (entry["stability"], entry["gives"]) == ("experimental", "list(map(any))")


def bodies(body: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every attribute and block of a body and of those inside it, with its place."""
    for attribute in body.get("attributes", ()):
        yield f"{path}.{attribute['name']}", attribute
    for block in body.get("blocks", ()):
        yield f"{path}.{block['name']}", block
        yield from bodies(block["body"], f"{path}.{block['name']}")


def test_every_setting_of_what_alloypy_runs_is_described() -> None:
    catalog = load_catalog()
    entries = [reference(catalog, name) for name in (*catalog.component_names, *catalog.block_names)]
    run = [entry for entry in entries if entry and entry["runs_in_alloypy"]]
    assert {"pyroscope.write", "local.file", "logging", "import.http", "foreach"} <= {e["name"] for e in run}
    settings = [
        place
        for entry in run
        for part in (entry["arguments"], entry["exports"])
        for place in bodies(part or {}, entry["name"])
    ]
    assert len(settings) > 200
    undescribed = [place for place, member in settings if not str(member.get("doc", "")).endswith(".")]
    assert undescribed == []


def test_the_reference_as_data(capsys: Capture) -> None:
    entry = json.loads(ask(capsys, "docs", "--json", "pyroscope.receive_http").out)
    names = {a["name"]: a for a in entry["arguments"]["attributes"]}
    assert names["forward_to"]["required"]
    assert names["forward_to"]["doc"]
    assert names["max_body_size"]["only_alloypy"]


def test_what_there_is_no_reference_of(capsys: Capture) -> None:
    listed = ask(capsys, "docs").out
    assert "  pyroscope.write\n" in listed
    assert "  logging\n" in listed
    assert "  string.format\n" in listed
    for command, kinds in (("docs", "component, block or function"), ("schema", "component or block")):
        answer = ask(capsys, command, "pyroscope.wirte")
        assert (answer.code, answer.out) == (1, "")
        assert answer.err.splitlines() == [
            f'Error: there is no {kinds} "pyroscope.wirte"',
            "  = hint: did you mean `pyroscope.write`?",
        ]


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"]
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


def test_json_schema_of_everything(capsys: Capture) -> None:
    schema = json.loads(ask(capsys, "schema").out)
    assert len(schema["properties"]) > 190
    known = {f"#/$defs/{name.replace('#', '%23')}" for name in schema["$defs"]}
    assert set(references(schema)) == known


def test_json_schema_of_a_component(capsys: Capture) -> None:
    schema = json.loads(ask(capsys, "schema", "pyroscope.write").out)
    endpoint = schema["$defs"]["write.EndpointOptions"]
    assert schema["$ref"] == "#/$defs/write.Arguments"
    assert endpoint["required"] == ["url"]
    assert endpoint["properties"]["max_backoff_retries"]["default"] == 10
    assert endpoint["properties"]["bearer_token"]["writeOnly"]
    assert endpoint["additionalProperties"] is False


def test_a_directory_without_files_is_a_warning(folder: Path, capsys: Capture) -> None:
    (folder / "outer" / "inner").mkdir(parents=True)
    (folder / "outer" / "inner" / "x.alloy").write_text(GOOD)
    (folder / "empty").mkdir()
    warning = "Warning: nothing to check: no *.alloy files in outer; --recursive looks into subdirectories\n"
    assert ask(capsys, "validate", "outer") == (0, "", warning)
    assert ask(capsys, "validate", "--strict", "outer") == (1, "", warning)
    assert ask(capsys, "validate", "-q", "outer") == (0, "", "")
    nothing = "Warning: nothing to check: no *.alloy files in empty\n"
    assert ask(capsys, "validate", "-r", "empty") == (0, "", nothing)
    assert ask(capsys, "validate", "-r", "--strict", "empty").code == 1
    both = ask(capsys, "validate", "-r", "--output-format=json", "outer", "empty")
    assert [each["code"] for each in json.loads(both.out)["diagnostics"]] == ["ALY0133"]
    excluded = ask(capsys, "validate", "-r", "--exclude=inner", "outer")
    assert excluded == (0, "", nothing.replace("empty", "outer"))


def test_several_units_are_counted(folder: Path, capsys: Capture) -> None:
    counted = ask(capsys, "validate", "good.alloy", "bad.alloy", "warned.alloy").err.splitlines()[-2:]
    assert counted == ["Error: validation failed", "3 configurations checked, 1 failed, 1 warning"]
    assert ask(capsys, "validate", "-r", "good.alloy").err == "1 configuration checked, 0 failed\n"
    quiet = ask(capsys, "validate", "-q", "good.alloy", "warned.alloy")
    assert quiet == (0, "", "")
    assert "deprecated" in ask(capsys, "validate", "-q", "--strict", "warned.alloy").err


def test_a_unit_named_twice_is_judged_once(folder: Path, capsys: Capture) -> None:
    err = ask(capsys, "validate", "bad.alloy", "./bad.alloy").err
    assert err.count("foward_to") == ask(capsys, "validate", "bad.alloy").err.count("foward_to")


def test_standard_input(folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def given(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    given(GOOD)
    assert ask(capsys, "validate", "-") == (0, "", "")
    given(BAD)
    assert "Error: <stdin>:5:3: unrecognized attribute" in ask(capsys, "validate", "-").err
    given(BAD)
    answer = ask(capsys, "validate", "--stdin-filename=conf/x.alloy", "--output-format=json", "-")
    assert {each["file"] for each in json.loads(answer.out)["diagnostics"]} == {"conf/x.alloy"}


def test_a_list_of_units(folder: Path, capsys: Capture) -> None:
    (folder / "list").write_text("good.alloy\r\nbad.alloy\r\n\n")
    answer = ask(capsys, "validate", "--files-from=list")
    assert (answer.code, answer.err.splitlines()[-1]) == (1, "2 configurations checked, 1 failed")
    (folder / "list").write_text("")
    for arguments in ((), ("--strict",)):
        answer = ask(capsys, "validate", "--files-from=list", *arguments)
        assert answer == (0, "", "no configurations to check\n")


def test_a_split_configuration_is_judged_as_one(folder: Path, capsys: Capture) -> None:
    (folder / "split").mkdir()
    receiver, writer = GOOD.split("\n\n")
    (folder / "split" / "1.alloy").write_text(receiver + "\n")
    (folder / "split" / "2.alloy").write_text(writer)
    assert ask(capsys, "validate", "split/1.alloy", "split/2.alloy").code == 1
    answer = ask(capsys, "validate", "--units=auto", "split/1.alloy", "split/2.alloy", "good.alloy")
    assert answer == (0, "", "2 configurations checked, 0 failed\n")
    assert ask(capsys, "validate", "--units=auto", "split/1.alloy").code == 0
    assert ask(capsys, "validate", "-r", "--units=auto", ".").err.endswith(
        "4 configurations checked, 1 failed, 1 warning\n"
    )


def test_strict_is_one_verdict_in_every_format(folder: Path, capsys: Capture) -> None:
    def said(form: str, name: str) -> str:
        answer = ask(capsys, "validate", "--strict", f"--output-format={form}", "good.alloy", name)
        assert answer.code == (name == "warned.alloy")
        return answer.out

    for name, failures in (("warned.alloy", 1), ("good.alloy", 0)):
        assert f'failures="{failures}"' in said("junit", name)
        assert json.loads(said("json", name))["summary"]["failed"] == failures
        assert said("github", name).count("::error ") == failures
        assert said("sarif", name).count('"level": "error"') == failures


def test_no_lines_of_a_file_that_is_no_text(folder: Path, capsys: Capture) -> None:
    (folder / "binary.alloy").write_bytes(bytes(range(256)) * 16)
    answer = ask(capsys, "validate", "binary.alloy")
    assert answer.code == 1
    first = "Error: binary.alloy:1:1: this is not a text file: it has a NUL byte here"
    assert answer.err.splitlines() == [first, "Error: validation failed"]


def test_warnings_can_be_left_out_by_their_code(folder: Path, capsys: Capture) -> None:
    assert ask(capsys, "validate", "--strict", "--ignore=aly0904, ALY0901", "warned.alloy") == (0, "", "")
    assert ask(capsys, "validate", "--strict", "--ignore=ALY0904", "warned.alloy").code == 1
    errors = ask(capsys, "validate", "--ignore=ALY0301", "--ignore=ALY0305", "bad.alloy")
    assert (errors.code, "foward_to" in errors.err) == (1, True)
    wrong = ask(capsys, "validate", "--ignore=ALY9999", "warned.alloy")
    assert (wrong.code, wrong.err.splitlines()[0]) == (
        1,
        "Error: there is no code ALY9999; `alloypy explain` lists them",
    )


def test_a_hint_about_a_module_is_a_change_of_its_file(folder: Path, capsys: Capture) -> None:
    (folder / "lib.alloy").write_text(
        'declare "pipe" {\n  argument "url" { }\n  pyroscope.write "w" {\n    endpoint {\n'
        "      url = argument.ulr.value\n    }\n  }\n}\n"
    )
    for name, fixes in (
        ("url", {"lib.alloy": [{"offset": 89, "length": 18, "text": "argument.url.value"}]}),
        ("ulr", {"main.alloy": [{"offset": 64, "length": 3, "text": "url"}]}),
    ):
        (folder / "main.alloy").write_text(
            f'import.file "lib" {{\n  filename = "lib.alloy"\n}}\nlib.pipe "p" {{\n  {name} = "http://h"\n}}\n'
        )
        found = json.loads(ask(capsys, "validate", "--output-format=json", "main.alloy").out)
        assert {each["file"]: each["fix"] for each in found["diagnostics"] if each["fix"]} == fixes
