"""What `alloypy run` would say about configurations that `alloypy validate` has checked as Alloy would."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alloypy.check.units.units import CheckOptions, Outcome, check_unit
from alloypy.own_language import own_language
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.render import escaped

_LONGEST = 500
_FLAGS = "--for=alloypy shows all, --for=alloy none"


def notes(outcomes: Iterable[Outcome], options: CheckOptions) -> Iterator[str]:
    """A line for each error-free configuration that `alloypy run` with the same flags would refuse."""
    own = options._replace(language=own_language())
    for outcome in outcomes:
        if outcome.failed or not outcome.files:
            continue
        faults = [each for each in check_unit(outcome.path, own).diagnostics if _is_error(each)]
        if faults:
            more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
            first = escaped(str(faults[0]))[:_LONGEST]
            yield f"Note: alloypy run would refuse this: {first}{more}; {_FLAGS}"


def _is_error(diagnostic: Diagnostic) -> bool:
    return diagnostic.severity is Severity.ERROR
