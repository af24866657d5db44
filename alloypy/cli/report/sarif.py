"""The report as SARIF 2.1.0, the format of code scanning services."""

from __future__ import annotations

import json
import os
from collections import Counter
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from alloypy import __version__
from alloypy.check.explanations import explanation, severity_of
from alloypy.cli.commands.explain.examples import FaultExample, example_of
from alloypy.cli.report import Finding, Report
from alloypy.cli.report.places import position, region
from alloypy.syntax.codes import Code
from alloypy.syntax.diagnostics import Diagnostic, Edit, Severity
from alloypy.syntax.source import Source

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_KINDS = {
    **dict.fromkeys(("ALY00", "ALY01"), "syntax"),
    **dict.fromkeys(("ALY03", "ALY04", "ALY05"), "configuration"),
    "ALY08": "upgrade",
}
"""The kinds of codes, by their first digits; all others are rules of lint."""


def render(report: Report) -> str:
    """The log with its one run."""
    codes = sorted({finding.diagnostic.code for finding in report.findings})
    index = {code: at for at, code in enumerate(codes)}
    driver = {
        "name": "alloypy",
        "semanticVersion": __version__,
        "rules": [_rule(code) for code in codes],
    }
    run: dict[str, object] = {"tool": {"driver": driver}}
    directory = _working_directory()
    if directory is not None:
        place = {"uri": f"{directory.as_uri().rstrip('/')}/"}
        run["invocations"] = [{"executionSuccessful": True, "workingDirectory": place}]
    seen: Counter[str] = Counter()
    run["columnKind"] = "utf16CodeUnits"
    run["results"] = [
        _result(finding, index, report.verdict(finding.diagnostic), seen, directory)
        for finding in report.findings
    ]
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _working_directory() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # it has been deleted
        return None


def _rule(code: str) -> dict[str, object]:
    """What a viewer shows beside a result; code scanning requires all of these texts."""
    known = explanation(code) or Code(code, f"A fault of the kind {code}.")
    return {
        "id": code,
        "shortDescription": {"text": known.title},
        "fullDescription": {"text": known.explanation},
        "help": {
            "text": f"{known.explanation}\n\nalloypy explain {code}",
            "markdown": f"{known.explanation}\n\n{_shown(example_of(code))}`alloypy explain {code}`",
        },
        "defaultConfiguration": {"level": severity_of(code)},
        "properties": {
            "tags": [_KINDS.get(code[: len("ALY00")], "lint")],
            "precision": "very-high",
            "problem.severity": severity_of(code),
        },
    }


def _shown(example: FaultExample | None) -> str:
    """The two configurations of an example as Markdown."""
    if example is None:
        return ""
    texts = (("Wrong", example.wrong), ("Right", example.right))
    return "".join(f"{title}:\n\n~~~alloy\n{text.rstrip()}\n~~~\n\n" for title, text in texts)


def _result(
    finding: Finding, index: dict[str, int], severity: Severity, seen: Counter[str], directory: Path | None
) -> dict[str, object]:
    file, diagnostic = finding
    text = f"{diagnostic.message}\n{diagnostic.hint}" if diagnostic.hint else diagnostic.message
    uri = _uri(diagnostic.span.source.name if diagnostic.span is not None else file, directory)
    shown = {"startLine": 1}  # a result about the whole file is shown at its first line
    if diagnostic.span is not None:
        place = region(diagnostic.span)
        shown = {"startLine": place.line, "startColumn": place.column}
        if place.end_line is not None and place.end_column is not None:
            shown |= {"endLine": place.end_line, "endColumn": place.end_column}
    result: dict[str, object] = {
        "ruleId": diagnostic.code,
        "ruleIndex": index[diagnostic.code],
        "level": severity.value,
        "message": {"text": text},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": shown}}],
        "partialFingerprints": {"alloypy/v1": _fingerprint(diagnostic, uri, seen)},
    }
    if diagnostic.fix and diagnostic.span is not None:
        replacements = [_replacement(diagnostic.span.source, edit) for edit in diagnostic.fix]
        change = {"artifactLocation": {"uri": uri}, "replacements": replacements}
        result["fixes"] = [{"description": {"text": diagnostic.hint}, "artifactChanges": [change]}]
    return result


def _replacement(source: Source, edit: Edit) -> dict[str, object]:
    start, end = position(source, edit.start), position(source, edit.end)
    region = {"startLine": start[0], "startColumn": start[1], "endLine": end[0], "endColumn": end[1]}
    return {"deletedRegion": region, "insertedContent": {"text": edit.text}}


def _fingerprint(diagnostic: Diagnostic, uri: str, seen: Counter[str]) -> str:
    """An identity of the finding that stays the same when it moves to another line."""
    known = f"{diagnostic.code}\0{uri}\0{diagnostic.message}"
    seen[known] += 1
    return sha256(f"{known}\0{seen[known]}".encode(errors="surrogateescape")).hexdigest()[:32]


def _uri(name: str, directory: Path | None) -> str:
    """The file's name as a URI reference, relative to the working directory if the file is in it."""
    path = Path(name)
    if path.is_absolute():
        if directory is None or not path.is_relative_to(directory):
            return path.as_uri()
        name = str(path.relative_to(directory))
    return quote(os.fsencode(name.replace(os.sep, "/")))
