"""The report as JUnit XML: one test case for each file with findings; it fails if one of them is an error."""

from __future__ import annotations

import re
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from alloypy.cli.report import Finding, Report
from alloypy.cli.report.text import line
from alloypy.syntax.diagnostics import Severity

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> str:
    """The document. A report without findings has one case that passed, as an empty one counts as a fault."""
    cases = [_case(file, list(group)) for file, group in groupby(report.findings, key=lambda one: one.file)]
    failures = sum("<failure" in case for case in cases)
    cases = cases or ['    <testcase classname="alloypy" name="all files"/>\n']
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites>\n  <testsuite name="alloypy" tests="{len(cases)}" failures="{failures}" errors="0">\n'
        f"{''.join(cases)}  </testsuite>\n</testsuites>\n"
    )


def _case(file: str, findings: list[Finding]) -> str:
    errors = [finding for finding in findings if finding.diagnostic.severity is Severity.ERROR]
    text = escape(_readable("".join(f"{line(finding)}\n" for finding in findings)))
    if errors:
        first = quoteattr(_readable(errors[0].diagnostic.message))
        content = f"<failure message={first}>{text}</failure>"
    else:
        content = f"<system-out>{text}</system-out>"
    name = quoteattr(_readable(file))
    return f'    <testcase classname="alloypy" name={name}>{content}</testcase>\n'


def _readable(text: str) -> str:
    """Without the characters XML has no way to write."""
    return _NOT_XML.sub("\ufffd", text)
