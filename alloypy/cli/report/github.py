"""The report as workflow commands of GitHub Actions, which become annotations of a pull request."""

from __future__ import annotations

from alloypy.check.explanations import explanation
from alloypy.cli.report import Finding, Report
from alloypy.cli.report.places import region
from alloypy.syntax.diagnostics import Severity


def render(report: Report) -> str:
    """One command per line."""
    return "".join(
        f"{_command(finding, report.verdict(finding.diagnostic))}\n" for finding in report.findings
    )


def _command(finding: Finding, severity: Severity) -> str:
    file, diagnostic = finding
    properties = [("file", diagnostic.span.source.name if diagnostic.span is not None else file)]
    if diagnostic.span is not None:
        place = region(diagnostic.span)
        properties += [("line", str(place.line)), ("col", str(place.column))]
        if place.end_line is not None and place.end_column is not None:
            properties += [("endLine", str(place.end_line)), ("endColumn", str(place.end_column))]
    known = explanation(diagnostic.code)
    title = f"{diagnostic.code} {known.title}" if known else diagnostic.code
    properties.append(("title", title))
    listed = ",".join(f"{name}={_escape_property(value)}" for name, value in properties)
    text = f"{diagnostic.message}\n{diagnostic.hint}" if diagnostic.hint else diagnostic.message
    return f"::{severity.value} {listed}::{_escape(text)}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
