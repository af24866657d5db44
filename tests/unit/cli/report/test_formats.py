"""One report in every format, with the places each format wants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from alloypy.check.explanations import all_codes
from alloypy.cli.report import FORMATS, Entry, Finding, Report, render
from alloypy.cli.report.places import region
from alloypy.syntax.codes import CODES
from alloypy.syntax.diagnostics import Diagnostic, Edit, Severity
from alloypy.syntax.source import Source, Span
from tests.support.sarif_rules import broken_rules

DATA = '\ufeffa = 1\n\tü = "😀", 2\nlast'.encode()
SOURCE = Source("dir/my file.alloy", DATA)


def at(text: str, length: int | None = None) -> Span:
    start = DATA.index(text.encode())
    return Span(SOURCE, start, None if length is None else start + length - 1)


def report(*findings: Finding, changed: int = 0) -> Report:
    return Report(
        Entry(finding.file, (finding.diagnostic,), changed=number < changed, failed=number == 0)
        for number, finding in enumerate(findings)
    )


FIX = (Edit(24, 24, "}"),)
ERROR = Finding(
    "dir/my file.alloy", Diagnostic(at("2", 1), "expected\n}, got %", "ALY0110", hint="close it", fix=FIX)
)
WARNING = Finding("dir/my file.alloy", Diagnostic(at("last"), "deprecated", "ALY9999", Severity.WARNING))
PLACELESS = Finding("a,b:c.alloy", Diagnostic(None, "stat a,b:c.alloy: gone", "ALY0130"))


def test_text() -> None:
    assert render(report(ERROR, WARNING, PLACELESS), "text") == (
        "dir/my file.alloy:2:15: expected\n}, got %\n"
        "dir/my file.alloy:3:1: deprecated\n"
        "Error: stat a,b:c.alloy: gone\n"
    )


def test_json() -> None:
    found = json.loads(render(report(ERROR, WARNING, PLACELESS, changed=2), "json"))
    assert found["summary"] == {"files": 3, "errors": 2, "warnings": 1, "changed": 2, "failed": 1}
    assert found["diagnostics"] == [
        {
            "file": "dir/my file.alloy",
            "line": 2,
            "column": 15,
            "end_line": 2,
            "end_column": 15,
            "severity": "error",
            "code": "ALY0110",
            "message": "expected\n}, got %",
            "hint": "close it",
            "fix": [{"offset": 24, "length": 0, "text": "}"}],
        },
        {
            "file": "dir/my file.alloy",
            "line": 3,
            "column": 1,
            "end_line": None,
            "end_column": None,
            "severity": "warning",
            "code": "ALY9999",
            "message": "deprecated",
            "hint": "",
            "fix": [],
        },
        {
            "file": "a,b:c.alloy",
            "line": None,
            "column": None,
            "end_line": None,
            "end_column": None,
            "severity": "error",
            "code": "ALY0130",
            "message": "stat a,b:c.alloy: gone",
            "hint": "",
            "fix": [],
        },
    ]


def test_github() -> None:
    assert render(report(ERROR, WARNING, PLACELESS), "github").splitlines() == [
        (
            "::error file=dir/my file.alloy,line=2,col=12,endLine=2,endColumn=13,"
            "title=ALY0110 unexpected token::expected%0A}, got %25%0Aclose it"
        ),
        "::warning file=dir/my file.alloy,line=3,col=1,title=ALY9999::deprecated",
        f"::error file=a%2Cb%3Ac.alloy,title=ALY0130 {CODES['ALY0130'].title}::stat a,b:c.alloy: gone",
    ]


def test_sarif() -> None:
    log = json.loads(render(report(ERROR, WARNING, PLACELESS), "sarif"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["columnKind"] == "utf16CodeUnits"
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["ALY0110", "ALY0130", "ALY9999"]
    results = run["results"]
    assert [rules[result["ruleIndex"]]["id"] for result in results] == ["ALY0110", "ALY9999", "ALY0130"]
    assert [result["level"] for result in results] == ["error", "warning", "error"]
    places = [result["locations"][0]["physicalLocation"] for result in results]
    assert [place["artifactLocation"]["uri"] for place in places] == [
        "dir/my%20file.alloy",
        "dir/my%20file.alloy",
        "a%2Cb%3Ac.alloy",
    ]
    assert [place.get("region") for place in places] == [
        {"startLine": 2, "startColumn": 12, "endLine": 2, "endColumn": 13},
        {"startLine": 3, "startColumn": 1},
        {"startLine": 1},
    ]
    assert results[0]["message"]["text"] == "expected\n}, got %\nclose it"
    place = {"startLine": 2, "startColumn": 13, "endLine": 2, "endColumn": 13}
    change = {
        "artifactLocation": {"uri": "dir/my%20file.alloy"},
        "replacements": [{"deletedRegion": place, "insertedContent": {"text": "}"}}],
    }
    assert [result.get("fixes") for result in results] == [
        [{"description": {"text": "close it"}, "artifactChanges": [change]}],
        None,
        None,
    ]


@pytest.mark.parametrize("strict", [False, True])
def test_sarif_passes_the_rules_of_code_scanning(strict: bool, tmp_path: Path) -> None:
    every = [
        Finding(str(tmp_path / "a.alloy"), Diagnostic(None, "message", code))
        for code in (*all_codes(), "ALY9999")
    ]
    entries = [Entry(each.file, (each.diagnostic,)) for each in (ERROR, WARNING, PLACELESS, *every)]
    log = json.loads(render(Report(entries, strict=strict), "sarif"))
    assert broken_rules(log) == []
    results = log["runs"][0]["results"]
    assert results[1]["level"] == ("error" if strict else "warning")


def test_sarif_rules_say_how_bad_they_are_and_show_examples() -> None:
    def rule(code: str) -> Any:
        log = json.loads(render(report(Finding("a", Diagnostic(None, "message", code))), "sarif"))
        return log["runs"][0]["tool"]["driver"]["rules"][0]

    lint, syntax = rule("ALY0903"), rule("ALY0104")
    assert lint["defaultConfiguration"] == {"level": "warning"}
    assert lint["properties"] == {
        "tags": ["lint"],
        "precision": "very-high",
        "problem.severity": "warning",
    }
    assert syntax["defaultConfiguration"] == {"level": "error"}
    assert syntax["properties"]["tags"] == ["syntax"]
    wrong = "Wrong:\n\n~~~alloy\nlogging { level = 'debug' }\n~~~\n"
    assert wrong in syntax["help"]["markdown"]
    assert "Right:" in lint["help"]["markdown"]


def test_markdown() -> None:
    assert render(Report([Entry("a.alloy")]), "markdown") == "No problems found.\n"
    text = render(report(ERROR, WARNING, PLACELESS), "markdown")
    assert text.splitlines() == [
        "2 errors and 1 warning in 2 files.",
        "",
        "| | Code | Count | Where |",
        "|---|---|--:|---|",
        "| error | ALY0110 unexpected token | 1 | dir/my file.alloy:2:15 |",
        f"| error | ALY0130 {CODES['ALY0130'].title} | 1 | a,b:c.alloy |",
        "| warning | ALY9999 | 1 | dir/my file.alloy:3:1 |",
        "",
        "<details><summary>Findings</summary>",
        "",
        "| Place | Message |",
        "|---|---|",
        r"| dir/my file.alloy:2:15 | expected; \}, got %; close it (ALY0110) |",
        "| dir/my file.alloy:3:1 | deprecated (ALY9999) |",
        "| a,b:c.alloy | stat a,b:c.alloy: gone (ALY0130) |",
        "",
        "</details>",
    ]


def test_markdown_stays_small_and_plain() -> None:
    hostile = Diagnostic(None, "a|b `c` <script>\x1b[0m@me\n" + "x" * 1000, "ALY0130")
    lines = render(report(*[Finding("a|b", hostile)] * 300), "markdown").splitlines()
    assert len(lines) < 220
    assert r"| error | ALY0130 file cannot be read | 300 | a\|b |" in lines
    assert "... and 100 more" in lines
    rows = [line for line in lines if "script" in line]
    assert len(rows) == 200
    assert rows[0].startswith(r"| a\|b | a\|b \`c\` \<script\> \[0m\@me; xxx")
    assert all(len(row) < 400 for row in rows)


def test_sarif_rules_are_checked() -> None:
    log = json.loads(render(report(PLACELESS), "sarif"))
    del log["runs"][0]["tool"]["driver"]["rules"][0]["help"]
    del log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert broken_rules(log) == ["GH2012: ALY0130.help.text", "GH1003: ALY0130 in a%2Cb%3Ac.alloy"]


def test_sarif_fingerprints_stay_when_lines_move() -> None:
    moved = Finding(
        ERROR.file, ERROR.diagnostic._replace(span=Span(Source("dir/my file.alloy", b"\n\n2"), 2, 2))
    )
    logs = [json.loads(render(report(*found), "sarif")) for found in ((ERROR, ERROR), (moved, WARNING))]
    first, again, other, _ = (
        result["partialFingerprints"]["alloypy/v1"] for log in logs for result in log["runs"][0]["results"]
    )
    assert first == other != again


def test_sarif_of_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    inside, outside = str(tmp_path / "x y.alloy"), str(tmp_path.parent / "z.alloy")
    found = [Finding(name, Diagnostic(None, "gone", "ALY0130")) for name in (inside, outside)]
    results = json.loads(render(report(*found), "sarif"))["runs"][0]["results"]
    uris = [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in results]
    assert uris == ["x%20y.alloy", Path(outside).as_uri()]


def test_strict_is_one_verdict() -> None:
    strict = Report([Entry("a"), Entry(WARNING.file, (WARNING.diagnostic,), failed=True)], strict=True)
    assert render(strict, "github").startswith("::error ")
    suite = ET.fromstring(render(strict, "junit"))[0]
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("2", "1")
    assert json.loads(render(strict, "sarif"))["runs"][0]["results"][0]["level"] == "error"
    assert json.loads(render(strict, "json"))["summary"]["failed"] == 1


def test_junit_lists_what_passed() -> None:
    entries = [Entry("a.alloy"), Entry(ERROR.file, (ERROR.diagnostic,), failed=True)]
    suite = ET.fromstring(render(Report(entries), "junit"))[0]
    assert [(case.attrib["name"], len(case)) for case in suite] == [("a.alloy", 0), (ERROR.file, 1)]


def test_junit() -> None:
    suite = ET.fromstring(render(report(ERROR, WARNING, PLACELESS), "junit"))[0]
    assert suite.attrib == {"name": "alloypy", "tests": "2", "failures": "2", "errors": "0"}
    first, second = suite
    assert first.attrib["name"] == "dir/my file.alloy"
    failure = first.find("failure")
    assert failure is not None
    assert failure.text == (
        f"dir/my file.alloy:2:15: expected\n}}, got % ({ERROR.diagnostic.code})\n  hint: close it\n"
        f"dir/my file.alloy:3:1: deprecated ({WARNING.diagnostic.code})\n"
    )
    assert second.attrib["name"] == "a,b:c.alloy"


def test_junit_of_warnings_alone_and_of_nothing() -> None:
    suite = ET.fromstring(render(report(WARNING), "junit"))[0]
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("1", "0")
    assert (
        suite[0].findtext("system-out") == f"dir/my file.alloy:3:1: deprecated ({WARNING.diagnostic.code})\n"
    )
    suite = ET.fromstring(render(report(), "junit"))[0]
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("1", "0")


def test_junit_has_codes_and_hints() -> None:
    hinted = Finding("a.alloy", Diagnostic(None, "bad", "ALY0101", hint="write `=` & more"))
    failure = ET.fromstring(render(report(hinted), "junit"))[0][0][0]
    assert failure.attrib["type"] == "ALY0101"
    assert failure.text == "Error: bad (ALY0101)\n  hint: write `=` & more\n"


def test_junit_takes_any_character() -> None:
    odd = Finding("\udcff.alloy", Diagnostic(None, "illegal character U+0000 '\0' <&\x1b>", "ALY0101"))
    case = ET.fromstring(render(report(odd), "junit"))[0][0]
    assert case.attrib["name"] == "\ufffd.alloy"
    assert case[0].attrib["message"] == "illegal character U+0000 '\ufffd' <&\ufffd>"


@pytest.mark.parametrize("name", FORMATS)
def test_names_that_are_no_text_can_be_written(name: str) -> None:
    odd = Finding("\udcff.alloy", Diagnostic(Span(Source("\udcff.alloy", b"x"), 0), "bad", "ALY0101"))
    assert render(report(odd), name).encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("name", FORMATS)
def test_no_excerpts(name: str) -> None:
    assert "😀" not in render(report(ERROR, WARNING), name)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (at("a", 1), (1, 1, 1, 2)),  # the byte order mark does not count
        (at("ü", 2), (2, 2, 2, 3)),
        (at("ü", 1), (2, 2, 2, 3)),  # ends inside a character
        (at('"😀"', 6), (2, 6, 2, 10)),
        (at("1", 5), (1, 5, 2, 3)),
        (Span(SOURCE, len(DATA)), (3, 5, None, None)),
    ],
)
def test_region(span: Span, expected: tuple[int | None, ...]) -> None:
    assert region(span) == expected


@pytest.mark.parametrize(
    ("entries", "strict", "code"),
    [
        ([], True, 0),
        ([Entry("a")], True, 0),
        ([Entry("a", (WARNING.diagnostic,))], False, 0),
        ([Entry("a", (WARNING.diagnostic,))], True, 1),
        ([Entry("a", changed=True), Entry("b", (WARNING.diagnostic,))], True, 3),
        ([Entry("a", changed=True), Entry("b", (ERROR.diagnostic,), failed=True)], False, 2),
    ],
)
def test_what_fails_counts_before_what_changes(entries: list[Entry], strict: bool, code: int) -> None:
    assert Report(entries, strict=strict, when_failed=2, when_changed=3).exit_code == code
