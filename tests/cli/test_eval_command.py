"""`alloypy eval` and `alloypy debug` from the command line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from alloypy.cli.main import main

CONFIG = """
argument "level" {
	default = 5
}

local.file "token" {
	filename = "/var/" + constants.os
}

pyroscope.write "backend" {
	endpoint {
		url     = "http://" + local.file.token.filename
		headers = {"X-Level" = argument.level.value + 1}
	}

	endpoint {
		url = local.file.token.content
	}
	external_labels = {"region" = "eu"}
}

declare "own" {
	local.file "inner" {
		filename = "x"
	}
}
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.alloy"
    path.write_text(CONFIG)
    return str(path)


def feed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))


def answers(capfdbinary: pytest.CaptureFixture[bytes]) -> list[Any]:
    return [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]


class TestEval:
    @pytest.mark.parametrize(
        ("text", "printed"),
        [
            ('"a" + "b"', '"ab"\n'),
            ("{b = [1, 2.5], a = null}", "{\n\ta = null,\n\tb = [1, 2.5],\n}\n"),
            ("string.to_upper", "function\n"),
            ('"\u00e9\\xff"', '"\u00e9\\xff"\n'),
        ],
    )
    def test_a_value_is_printed_in_the_language(
        self, text: str, printed: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["eval", text]) == 0
        captured = capsys.readouterr()
        assert (captured.out, captured.err) == (printed, "")

    def test_json_has_types(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["eval", "--json", "[1, true]"]) == 0
        assert json.loads(capsys.readouterr().out) == {
            "type": "array",
            "value": [{"type": "number", "kind": "int", "value": "1"}, {"type": "bool", "value": True}],
        }

    def test_a_fault_has_its_place(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["eval", '1 + "a"']) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err == (
            'Error: expression:1:5: "a" should be number, got string\n\n1 | 1 + "a"\n  |     ^^^\n'
        )

    def test_a_fault_without_a_place(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["eval", "1e999"]) == 1
        assert capsys.readouterr().err.startswith("Error: strconv.ParseFloat")

    def test_syntax_faults(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["eval", "1 +"]) == 1
        assert "Error: expression:1:4: expected expression, got" in capsys.readouterr().err
        assert main(["eval", '{"a": 1}']) == 1
        assert "  = hint: write `=` instead of `:`\n" in capsys.readouterr().err

    def test_the_expression_comes_from_standard_input(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for arguments in ([], ["-"]):
            feed(monkeypatch, b"1 + 1\n")
            assert main(["eval", *arguments]) == 0
            assert capsys.readouterr().out == "2\n"

    def test_the_expression_comes_from_a_file(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "expression"
        path.write_text("[1,\n")
        assert main(["eval", "--file", str(path)]) == 1
        assert f"Error: {path}:2:1: expected ], got EOF" in capsys.readouterr().err

    def test_notices(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["eval", 'env("HOME") == array.group_by([], "a", true)']) == 0
        lines = capsys.readouterr().err.splitlines()
        assert lines[0].startswith("Warning: env: this stdlib function is deprecated")
        assert lines[1].startswith("Warning: array.group_by is experimental")

    @pytest.mark.parametrize(
        ("text", "printed"),
        [
            ("pyroscope.write.backend.external_labels", '{\n\tregion = "eu",\n}\n'),
            ('pyroscope.write.backend.endpoint[0].headers["X-Level"]', "6\n"),
            ("argument.level.value * 2", "10\n"),
            ("pyroscope.write.backend.endpoint[1]", "{ }\n"),
        ],
    )
    def test_a_configuration_is_in_scope(
        self, config: str, text: str, printed: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["eval", "--file", config, text]) == 0
        assert capsys.readouterr().out.replace("{}", "{ }") == printed

    def test_exports_are_not_known(self, config: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["eval", "--file", config, "local.file.token.content"]) == 1
        printed = capsys.readouterr().err
        assert 'expression:1:18: field "content" does not exist' in printed
        assert "exports exist only while the configuration runs" in printed

    def test_bodies_with_names_of_their_own_stay_closed(
        self, config: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["eval", "--file", config, "local.file.inner"]) == 1
        assert 'field "inner" does not exist' in capsys.readouterr().err

    def test_files_that_cannot_be_read(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        missing = str(tmp_path / "missing")
        assert main(["eval", "--file", missing, "1"]) == 1
        assert main(["eval", "--file", missing]) == 1
        broken = tmp_path / "broken.alloy"
        broken.write_text("a {")
        assert main(["eval", "--file", str(broken), "1"]) == 1
        printed = capsys.readouterr().err
        assert "no such file or directory" in printed
        assert f"{broken}:1:4" in printed
        assert "Traceback" not in printed

    def test_wrong_use(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["eval", "1", "2"]) == 1
        assert main(["eval", "--jsonl", "1"]) == 1
        assert main(["eval", "--nonsense"]) == 1
        assert main(["eval", "--help"]) == 0
        assert "Evaluate an expression" in capsys.readouterr().out


class TestRequests:
    def test_each_line_is_answered(
        self, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        lines = [
            b'{"id": 1, "input": "1 + 1"}',
            b"",
            b"broken",
            b"[]",
            b'{"id": 2}',
            b'{"id": 3, "input": "[1"}',
            b'{"id": 4, "input": "s", "scope": {"s": {"$secret": "hush"}}}',
            b'{"id": 5, "input": "env(`A`) + sys.env(`HOME`)", "env": {"A": "x"}}',
            b'{"id": 6, "input_b64": "Inx4/yI="}',
            b'{"id": 7, "input_b64": "!"}',
            b'{"id": 8, "input": "1", "scope": []}',
            b'{"id": 9, "input": "1", "env": {"A": 1}}',
            b'{"id": 10, "input": "1", "scope": {"d": {"$duration": "x"}}}',
            b'{"id": 11, "input": "1", "as": ["nonsense"]}',
            b'{"id": 12, "input": "1e999"}',
            b'{"id": 13, "input": "5", "as": ["uint", "duration"]}',
        ]
        feed(monkeypatch, b"\n".join(lines))
        assert main(["eval", "--jsonl"]) == 0
        found = answers(capfdbinary)
        assert [answer.get("id") for answer in found] == [1, None, None, *range(2, 14)]
        by_id = {answer.get("id"): answer for answer in found}
        assert by_id[1]["value"] == {"type": "number", "kind": "int", "value": "2"}
        assert by_id[3]["diags"][0]["start"] == [1, 3]
        assert by_id[4]["value"]["value"] == "hush"
        assert by_id[5]["value"] == {"type": "string", "value": "x"}
        assert by_id[12]["error"].startswith("strconv.ParseFloat")
        assert by_id[13]["as"]["uint"]["value"]["kind"] == "uint"
        assert by_id[13]["as"]["duration"]["diags"][0]["message"] == '5 time: missing unit in duration "5"'
        for number in (2, 7, 8, 9, 10, 11):
            assert by_id[number]["error"]

    @pytest.mark.parametrize(
        ("view", "key"), [("tokens", "tokens"), ("tree", "ast"), ("diagnostics", "ok"), ("format", "output")]
    )
    def test_views(
        self, view: str, key: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        feed(monkeypatch, b'{"id": 1, "input": "a=1"}\nbroken\n{"id": 2, "input": "a = {"}\n')
        assert main(["debug", view, "--jsonl"]) == 0
        good, broken, bad = answers(capfdbinary)
        assert key in good
        assert list(broken) == ["error"]
        assert "tokens" in bad if view == "tokens" else "diags" in bad

    def test_a_file_is_shown(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "config.alloy"
        path.write_text("a = 1\n")
        assert main(["debug", "format", str(path)]) == 0
        assert json.loads(capsys.readouterr().out) == {"output": "a = 1\n", "changed": False}

    def test_standard_input_is_shown(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        feed(monkeypatch, b"a=1")
        assert main(["debug", "format"]) == 0
        assert json.loads(capsys.readouterr().out) == {"output": "a = 1\n", "changed": True}

    def test_wrong_use(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["debug"]) == 1
        assert main(["debug", "nonsense"]) == 1
        assert main(["debug", "tree", "--jsonl", "x"]) == 1
        assert main(["debug", "tree", str(tmp_path / "missing")]) == 1
        printed = capsys.readouterr().err
        assert "choose one of tokens, tree, diagnostics, format" in printed
        assert "no such file or directory" in printed

    def test_debug_is_not_advertised(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--help"]) == 0
        assert "debug" not in capsys.readouterr().out
