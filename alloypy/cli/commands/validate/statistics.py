"""`validate --statistics`: how often each code was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from alloypy.check.explanations import explanation
from alloypy.check.units.units import Outcome


def statistics(outcomes: Iterable[Outcome]) -> str:
    """A line for each code with its number and title, the most frequent first."""
    counts = Counter(each.code for outcome in outcomes for each in outcome.diagnostics)
    width = max((len(str(count)) for count in counts.values()), default=1)
    rows = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return "".join(f"{count:>{width}}  {code}  {_title(code)}\n" for code, count in rows)


def _title(code: str) -> str:
    known = explanation(code)
    return known.title if known is not None else ""
