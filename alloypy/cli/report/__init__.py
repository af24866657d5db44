"""Reports: what a command found out about files, in the format the user chose.

    report = Report(findings, files=3, changed=1)
    print(render(report, "sarif"))

Machine formats carry places and messages, never an excerpt of a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import NamedTuple

from alloypy.syntax.diagnostics import Diagnostic, Severity

FORMATS = ("text", "json", "github", "sarif", "junit")
_MODULES = {name: name for name in FORMATS} | {"json": "json_format"}


class Finding(NamedTuple):
    """A diagnostic and the file it is about, as the command line names it, for those without a place."""

    file: str
    diagnostic: Diagnostic


class Report:
    """What a command found.

    findings: in the order they shall be shown. files: how many files were looked at.
    changed: how many were or would be changed. failed: how many could not be read or are faulty.
    units: what was judged, by name, those without findings included. strict: whether warnings fail, too.
    """

    def __init__(
        self,
        findings: Iterable[Finding],
        *,
        files: int,
        changed: int = 0,
        failed: int = 0,
        units: Iterable[str] = (),
        strict: bool = False,
    ) -> None:
        self.findings = tuple(findings)
        self.files = files
        self.changed = changed
        self.failed = failed
        self.units = tuple(dict.fromkeys([*units, *(finding.file for finding in self.findings)]))
        self.strict = strict

    def count(self, severity: Severity) -> int:
        """How many findings are of that severity."""
        return sum(finding.diagnostic.severity is severity for finding in self.findings)

    def verdict(self, diagnostic: Diagnostic) -> Severity:
        """The severity by which `diagnostic` counts: an error whatever fails."""
        return Severity.ERROR if self.strict else diagnostic.severity


def render(report: Report, format_name: str) -> str:
    """The report in one of FORMATS; ends with a line feed unless it is empty."""
    module = import_module(f"{__name__}.{_MODULES[format_name]}")
    text: str = module.render(report)
    return text
