"""The report as workflow commands of GitHub Actions, which become annotations of a pull request."""

from __future__ import annotations

from alloypy.cli.report import Finding, Report
from alloypy.cli.report.places import region
from alloypy.syntax.codes import CODES


def render(report: Report) -> str:
    """One command a line."""
    return "".join(f"{_command(finding)}\n" for finding in report.findings)


def _command(finding: Finding) -> str:
    file, diagnostic = finding
    properties = [("file", diagnostic.span.source.name if diagnostic.span is not None else file)]
    if diagnostic.span is not None:
        place = region(diagnostic.span)
        properties += [("line", str(place.line)), ("col", str(place.column))]
        if place.end_line is not None and place.end_column is not None:
            properties += [("endLine", str(place.end_line)), ("endColumn", str(place.end_column))]
    title = (
        f"{diagnostic.code} {CODES[diagnostic.code].title}" if diagnostic.code in CODES else diagnostic.code
    )
    properties.append(("title", title))
    listed = ",".join(f"{name}={_escape_property(value)}" for name, value in properties)
    text = f"{diagnostic.message}\n{diagnostic.hint}" if diagnostic.hint else diagnostic.message
    return f"::{diagnostic.severity.value} {listed}::{_escape(text)}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
