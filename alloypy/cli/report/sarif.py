"""The report as SARIF 2.1.0, the format of code scanning services."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import quote

from alloypy import __version__
from alloypy.cli.report import Finding, Report
from alloypy.cli.report.places import position, region
from alloypy.syntax.codes import CODES
from alloypy.syntax.diagnostics import Edit
from alloypy.syntax.source import Source

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(report: Report) -> str:
    """The log with its one run."""
    codes = sorted({finding.diagnostic.code for finding in report.findings})
    index = {code: at for at, code in enumerate(codes)}
    driver = {
        "name": "alloypy",
        "semanticVersion": __version__,
        "rules": [_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "utf16CodeUnits",
        "results": [_result(finding, index) for finding in report.findings],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str) -> dict[str, object]:
    known = CODES.get(code)
    if known is None:
        return {"id": code}
    return {
        "id": code,
        "shortDescription": {"text": known.title},
        "fullDescription": {"text": known.explanation},
    }


def _result(finding: Finding, index: dict[str, int]) -> dict[str, object]:
    file, diagnostic = finding
    text = f"{diagnostic.message}\n{diagnostic.hint}" if diagnostic.hint else diagnostic.message
    name = diagnostic.span.source.name if diagnostic.span is not None else file
    location: dict[str, object] = {"artifactLocation": {"uri": _uri(name)}}
    if diagnostic.span is not None:
        place = region(diagnostic.span)
        shown = {"startLine": place.line, "startColumn": place.column}
        if place.end_line is not None and place.end_column is not None:
            shown |= {"endLine": place.end_line, "endColumn": place.end_column}
        location["region"] = shown
    result: dict[str, object] = {
        "ruleId": diagnostic.code,
        "ruleIndex": index[diagnostic.code],
        "level": diagnostic.severity.value,
        "message": {"text": text},
        "locations": [{"physicalLocation": location}],
    }
    if diagnostic.fix and diagnostic.span is not None:
        replacements = [_replacement(diagnostic.span.source, edit) for edit in diagnostic.fix]
        change = {"artifactLocation": {"uri": _uri(name)}, "replacements": replacements}
        result["fixes"] = [{"description": {"text": diagnostic.hint}, "artifactChanges": [change]}]
    return result


def _replacement(source: Source, edit: Edit) -> dict[str, object]:
    start, end = position(source, edit.start), position(source, edit.end)
    region = {"startLine": start[0], "startColumn": start[1], "endLine": end[0], "endColumn": end[1]}
    return {"deletedRegion": region, "insertedContent": {"text": edit.text}}


def _uri(name: str) -> str:
    """The file's name as a URI reference; relative names stay relative, to the place of the call."""
    path = Path(name)
    if path.is_absolute():
        return path.as_uri()
    return quote(name.replace(os.sep, "/").encode(errors="surrogateescape"))
