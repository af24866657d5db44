"""The report as Markdown: how often each code was found and where, for summaries of jobs and comments.

In a GitHub workflow, whose variables say which commit was checked, places are links to lines.
"""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from alloypy.check.explanations import explanation
from alloypy.cli.report import Finding, Report, counted
from alloypy.syntax.diagnostics import Severity

_PLACES = 5
_FINDINGS = 200
_LONGEST = 300
_SPECIAL = re.compile(r"[\\`*_{}\[\]()<>#!|~$&@]")


def render(report: Report) -> str:
    """A sentence, and if there are findings a table by code and one with each of the first 200."""
    if not report.findings:
        return "No problems found.\n"
    by_code: dict[tuple[bool, str], list[Finding]] = {}
    for finding in report.findings:
        is_error = report.verdict(finding.diagnostic) is Severity.ERROR
        by_code.setdefault((not is_error, finding.diagnostic.code), []).append(finding)
    links = _Links()
    lines = [
        f"{_counts(report)}.",
        "",
        *("| | Code | Count | Where |", "|---|---|--:|---|"),
        *(_by_code(code, found, warns, links) for (warns, code), found in sorted(by_code.items())),
        "",
        "<details><summary>Findings</summary>",
        "",
        *("| Place | Message |", "|---|---|"),
        *(_row(finding, links) for finding in report.findings[:_FINDINGS]),
        "",
        *(
            [f"... and {len(report.findings) - _FINDINGS} more", ""]
            if len(report.findings) > _FINDINGS
            else []
        ),
        "</details>",
    ]
    return "".join(f"{line}\n" for line in lines)


def _counts(report: Report) -> str:
    verdicts = [report.verdict(finding.diagnostic) for finding in report.findings]
    errors = verdicts.count(Severity.ERROR)
    words = ((errors, "error"), (len(verdicts) - errors, "warning"))
    found = " and ".join(counted(number, word) for number, word in words if number)
    files = len({_file(finding) for finding in report.findings})
    return f"{found} in {counted(files, 'file')}"


def _by_code(code: str, found: list[Finding], warns: bool, links: _Links) -> str:
    known = explanation(code)
    title = f"{code} {known.title}" if known is not None else code
    places = dict.fromkeys(links.to(finding) for finding in found)
    shown = ", ".join(islice(places, _PLACES))
    more = f" and {len(places) - _PLACES} more" if len(places) > _PLACES else ""
    return f"| {'warning' if warns else 'error'} | {_escaped(title)} | {len(found)} | {shown}{more} |"


def _row(finding: Finding, links: _Links) -> str:
    diagnostic = finding.diagnostic
    text = f"{diagnostic.message}\n{diagnostic.hint}" if diagnostic.hint else diagnostic.message
    return f"| {links.to(finding)} | {_escaped(text)} ({diagnostic.code}) |"


def _file(finding: Finding) -> str:
    span = finding.diagnostic.span
    return finding.file if span is None else span.source.name


class _Links:
    """Turns places into links where the variables of a GitHub workflow are set."""

    def __init__(self) -> None:
        names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA", "GITHUB_WORKSPACE")
        server, repository, commit, self._workspace = (os.environ.get(name, "") for name in names)
        known = server and repository and commit and self._workspace
        self._base = f"{server}/{repository}/blob/{commit}" if known else ""

    def to(self, finding: Finding) -> str:
        """The place of a finding: file, line and column."""
        file, span = _file(finding), finding.diagnostic.span
        place = _escaped(file if span is None else str(span))
        path = self._path(file)
        if not path:
            return place
        anchor = "" if span is None else f"#L{span.start_position.line}"
        return f"[{place}]({self._base}/{quote(path)}{anchor})"

    def _path(self, file: str) -> str:
        """The path in the repository; "" if the file is not there, or there is none to link to."""
        if not self._base or not os.path.lexists(file):
            return ""
        path = os.path.relpath(os.path.realpath(file), os.path.realpath(self._workspace))
        return "" if path.startswith(os.pardir) else Path(path).as_posix()


def _escaped(text: str) -> str:
    """Text as Markdown that shows it unchanged in one cell of a table."""
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    cleaned = "".join(char if char.isprintable() else " " for char in short.replace("\n", "; "))
    return _SPECIAL.sub(r"\\\g<0>", cleaned)
