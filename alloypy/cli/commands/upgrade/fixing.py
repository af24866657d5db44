"""`--fix` and `--diff` of `upgrade`."""

from __future__ import annotations

import sys
from typing import NamedTuple

from alloypy.check.units.units import CheckOptions
from alloypy.check.versions.findings import Finding
from alloypy.check.versions.mending import mended
from alloypy.check.versions.upgrade import Upgrade
from alloypy.cli import streams
from alloypy.cli.files.fixing import changes_of, difference, write_changes
from alloypy.cli.files.named_paths import STDIN
from alloypy.cli.files.reading import ReadUnit
from alloypy.cli.report.colours import wants_colour
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError


class Made(NamedTuple):
    """What is left after fixing: findings, faults, number of files; and how many findings were fixed.

    refused: whether the new version refuses the files as they are on the disk.
    """

    findings: list[Finding]
    faults: tuple[Diagnostic, ...]
    files: int
    fixed: int
    refused: bool


class Fixer:
    """Fixes configurations. color: when to write colours. writes: False only shows the differences."""

    def __init__(self, upgrade: Upgrade, checking: CheckOptions, color: str, *, writes: bool) -> None:
        self._upgrade = upgrade
        self._checking = checking
        self._color = color
        self._writes = writes

    def fixed(self, path: str, unit: ReadUnit) -> Made:
        """Fix the configuration at a path; errors that remain are returned."""
        count = len(unit.sources)
        try:
            made = mended(unit.sources, unit.directory, self._upgrade, self._checking)
        except DiagnosticsError as error:
            return Made([], error.diagnostics, count, 0, True)
        changes = changes_of(made.before, made.after)
        faults: list[Diagnostic] = []
        if not self._writes:
            streams.put(difference(changes, colour=wants_colour(sys.stdout, self._color)))
        elif path == STDIN:
            streams.put(b"".join(source.data for source in made.after[:count]))
        else:
            faults = write_changes(changes)
        if faults:
            # The files are as before, and so is what there is to say about them.
            first = made.first
            return Made(first.findings, (*faults, *first.others), count, 0, True)
        left = made.left
        refused = left.refused if self._writes else made.first.refused
        return Made(left.findings, left.others, count, made.fixes, refused)
