"""The report for people: one line for each finding, as Alloy's `fmt` prints them."""

from __future__ import annotations

from alloypy.cli.report import Finding, Report
from alloypy.syntax.diagnostics import Severity


def render(report: Report) -> str:
    """One line for each finding."""
    return "".join(f"{line(finding)}\n" for finding in report.findings)


def line(finding: Finding) -> str:
    """`file:line:col: message`; a finding without a place starts with its severity instead."""
    diagnostic = finding.diagnostic
    if diagnostic.span is not None:
        return str(diagnostic)
    word = "Error" if diagnostic.severity is Severity.ERROR else "Warning"
    return f"{word}: {diagnostic.message}"
