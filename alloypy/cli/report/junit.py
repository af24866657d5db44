"""The report as JUnit XML: one test case for each unit; it fails if one of its findings is an error."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from alloypy.cli.report import Finding, Report
from alloypy.cli.report.text import line
from alloypy.syntax.diagnostics import Severity

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> str:
    """The document. An empty report gets one passed case, as viewers take a lack of cases for a fault."""
    by_unit: dict[str, list[Finding]] = {name: [] for name in report.units}
    for finding in report.findings:
        by_unit[finding.file].append(finding)
    cases = [_case(name, findings, report) for name, findings in by_unit.items()]
    failures = sum("<failure" in case for case in cases)
    cases = cases or ['    <testcase classname="alloypy" name="all files"/>\n']
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites>\n  <testsuite name="alloypy" tests="{len(cases)}" failures="{failures}" errors="0">\n'
        f"{''.join(cases)}  </testsuite>\n</testsuites>\n"
    )


def _case(unit: str, findings: list[Finding], report: Report) -> str:
    name = quoteattr(_readable(unit))
    if not findings:
        return f'    <testcase classname="alloypy" name={name}/>\n'
    failing = [one for one in findings if report.verdict(one.diagnostic) is Severity.ERROR]
    text = escape(_readable("".join(map(_words, findings))))
    if failing:
        first = quoteattr(_readable(failing[0].diagnostic.message))
        content = f"<failure message={first} type={quoteattr(failing[0].diagnostic.code)}>{text}</failure>"
    else:
        content = f"<system-out>{text}</system-out>"
    return f'    <testcase classname="alloypy" name={name}>{content}</testcase>\n'


def _words(finding: Finding) -> str:
    """The line of a finding with its code, and its hint below it."""
    diagnostic = finding.diagnostic
    hint = f"  hint: {diagnostic.hint}\n" if diagnostic.hint else ""
    return f"{line(finding)} ({diagnostic.code})\n{hint}"


def _readable(text: str) -> str:
    """The text, with characters that XML cannot hold replaced."""
    return _NOT_XML.sub("\ufffd", text)
