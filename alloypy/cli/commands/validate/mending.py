"""`--fix` and `--diff` of `validate`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

from alloypy.check.units.fixing import Fixed, fixed, is_fixable
from alloypy.check.units.units import CheckOptions, Outcome, check_sources, check_texts, encoding_faults
from alloypy.cli import streams
from alloypy.cli.commands.validate.options import Options
from alloypy.cli.files.checking import read_unit
from alloypy.cli.files.fixing import changes_of, difference, write_changes
from alloypy.cli.files.named_paths import STDIN
from alloypy.cli.report.colours import wants_colour
from alloypy.syntax.config_files import module_path
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.source import Source


class Mending:
    """Mends configurations, one after the other.

    codes: how many findings of each code were fixed, or would be. changed: the paths of units that change.
    """

    def __init__(self, options: Options) -> None:
        self.codes: Counter[str] = Counter()
        self.changed: set[str] = set()
        self._options = options
        self._writes = not options.diff

    def outcome(self, path: str, checking: CheckOptions) -> Outcome:
        """Mend the unit at `path`; what is left is returned, with files that could not be written."""
        sources = read_unit(path, self._options.stdin_name)
        if isinstance(sources, Outcome):
            return sources
        name = self._options.stdin_name if path == STDIN else path
        made = _fixed(name, sources, checking)
        changes = changes_of(sources, made.sources)
        faults: list[Diagnostic] = []
        if not self._writes:
            colour = wants_colour(sys.stdout, self._options.reporting.color)
            streams.put(difference(changes, colour=colour))
        elif path == STDIN:
            streams.put(b"".join(source.data for source in made.sources))
        else:
            faults = write_changes(changes)
        if changes and not faults:
            self.changed.add(name)
            self.codes += made.codes
        outcome = check_texts(name, sources if faults else made.sources, checking)
        return self._shown(outcome._replace(diagnostics=(*faults, *outcome.diagnostics)))

    def _shown(self, outcome: Outcome) -> Outcome:
        """The outcome; a difference is followed by errors only."""
        if self._writes:
            return outcome
        errors = (each for each in outcome.diagnostics if each.severity is Severity.ERROR)
        return outcome._replace(diagnostics=tuple(errors))

    def summary(self, left: int) -> str:
        """How many findings were fixed, and how many are left."""
        count = self.codes.total()
        return f"{count} fixed, {left} remaining" if self._writes else f"{count} would be fixed"


def _fixed(name: str, sources: Sequence[Source], checking: CheckOptions) -> Fixed:
    if encoding_faults(sources):
        return Fixed(list(sources), Counter(), ())
    directory = module_path(name)
    return fixed(sources, lambda texts: check_sources(texts, directory, checking), is_fixable)
