"""Reports: what a command found in files, in the format that the user chose.

    report = Report([Entry("a.alloy", diagnostics, failed=True), Entry("b.alloy", changed=True)])
    print(render(report, "sarif"))
    return report.exit_code

Machine-readable formats hold places and messages, never an excerpt of a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import NamedTuple

from alloypy.cli import exit_codes
from alloypy.syntax.diagnostics import Diagnostic, Severity

FORMATS = ("text", "json", "github", "sarif", "junit", "markdown")
"""The formats of reports."""
_MODULES = {name: name for name in FORMATS} | {"json": "json_format"}


class Finding(NamedTuple):
    """A diagnostic and its file as the command line names it, which is needed if it has no place."""

    file: str
    diagnostic: Diagnostic


class Entry(NamedTuple):
    """The result for one path, which the command line calls `name`.

    diagnostics: in the order to show them. files: how many were read. changed: whether the file was or
    would be changed. failed: whether it cannot be read, is faulty, or has warnings and those fail.
    """

    name: str
    diagnostics: tuple[Diagnostic, ...] = ()
    files: int = 1
    changed: bool = False
    failed: bool = False

    @property
    def faulty(self) -> bool:
        """Whether a diagnostic is an error."""
        return any(each.severity is Severity.ERROR for each in self.diagnostics)


class Report:
    """What a command found.

    findings: all diagnostics. units: the names of the entries. files: how many were read.
    changed, failed: how many entries did. files_failed: how many files the failed entries have.
    looked_at: how many entries had a file, or should have had one.
    strict: whether warnings fail, too. when_failed, when_changed: the exit codes for these cases.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        *,
        strict: bool = False,
        when_failed: int = exit_codes.FAILURE,
        when_changed: int = exit_codes.SUCCESS,
    ) -> None:
        entries = tuple(entries)
        self.findings = tuple(Finding(entry.name, each) for entry in entries for each in entry.diagnostics)
        self.units = tuple(dict.fromkeys(entry.name for entry in entries))
        self.files = sum(entry.files for entry in entries)
        self.changed = sum(entry.changed for entry in entries)
        self.failed = sum(entry.failed for entry in entries)
        self.files_failed = sum(entry.files for entry in entries if entry.failed)
        self.looked_at = sum(bool(entry.files) or entry.faulty for entry in entries)
        self.strict = strict
        self._when_failed = when_failed
        self._when_changed = when_changed

    @property
    def exit_code(self) -> int:
        """What the command returns: failures take precedence over changes, changes over warnings."""
        if self.failed:
            return self._when_failed
        if self.changed and self._when_changed != exit_codes.SUCCESS:
            return self._when_changed
        if self.strict and self.count(Severity.WARNING):
            return exit_codes.FAILURE
        return exit_codes.SUCCESS

    def count(self, severity: Severity) -> int:
        """How many findings have that severity."""
        return sum(finding.diagnostic.severity is severity for finding in self.findings)

    def verdict(self, diagnostic: Diagnostic) -> Severity:
        """The severity that `diagnostic` counts as: an error if it makes the command fail."""
        return Severity.ERROR if self.strict else diagnostic.severity


def render(report: Report, format_name: str) -> str:
    """The report in one of FORMATS; ends with a line feed unless it is empty."""
    module = import_module(f"{__name__}.{_MODULES[format_name]}")
    text: str = module.render(report)
    return text


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
