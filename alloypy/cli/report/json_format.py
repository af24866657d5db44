"""The report as one JSON object: `diagnostics` and `summary`.

Lines and columns count from 1, columns in bytes, ends are inclusive; null without a place.
`further` has the other places of a finding that is reported once for several; it is absent without them.
A `fix` is the hint as changes of the file: `length` bytes from `offset` on are replaced by `text`.
"""

from __future__ import annotations

import json

from alloypy.cli.report import Finding, Report
from alloypy.syntax.diagnostics import Edit, Severity
from alloypy.syntax.source import Span


def render(report: Report) -> str:
    """The report as JSON, on several lines."""
    return json.dumps(as_object(report), indent=2) + "\n"


def as_object(report: Report) -> dict[str, object]:
    """The report as an object, for commands that add to it."""
    return {
        "diagnostics": [_diagnostic(finding) for finding in report.findings],
        "summary": {
            "files": report.files,
            "errors": report.count(Severity.ERROR),
            "warnings": report.count(Severity.WARNING),
            "changed": report.changed,
            "failed": report.failed,
        },
    }


def _diagnostic(finding: Finding) -> dict[str, object]:
    file, diagnostic = finding
    span = diagnostic.span
    start = span.start_position if span is not None else None
    end = span.end_position if span is not None else None
    return {
        "file": span.source.name if span is not None else file,
        "line": start.line if start else None,
        "column": start.column if start else None,
        "end_line": end.line if end else None,
        "end_column": end.column if end else None,
        "severity": diagnostic.severity.value,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
        "fix": [_edit(edit) for edit in diagnostic.fix],
        **({"further": [_place(each) for each in diagnostic.further]} if diagnostic.further else {}),
    }


def _place(span: Span) -> dict[str, object]:
    start, end = span.start_position, span.end_position
    return {
        "file": span.source.name,
        "line": start.line,
        "column": start.column,
        "end_line": end.line if end else None,
        "end_column": end.column if end else None,
    }


def _edit(edit: Edit) -> dict[str, object]:
    return {"offset": edit.start, "length": edit.end - edit.start, "text": edit.text}
