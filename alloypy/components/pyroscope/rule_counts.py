"""How many profiles each relabel rule has matched and dropped.

A rule matches the same label sets every time. So a cached result carries the count of its outcome (see
`alloypy.profiles.relabel.Outcome`), and a profile costs one increment, however many rules there are; the
counts of the single rules are added up when somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Sequence

from alloypy.profiles.relabel import Outcome, Rule
from alloypy.runtime.contract.component import Table

_MOST_OUTCOMES = 1000
_LONGEST_SHOWN = 200


class RuleCounts:
    """The counts of one list of rules."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._matched = [0] * len(rules)
        self._dropped = [0] * len(rules)
        self._outcomes: dict[Outcome, list[int]] = {}

    @property
    def full(self) -> bool:
        """Whether there are as many outcomes as may be; then it is time for `fold`."""
        return len(self._outcomes) >= _MOST_OUTCOMES

    def of(self, outcome: Outcome) -> list[int]:
        """The count of an outcome, as the only item, to be increased for each profile."""
        return self._outcomes.setdefault(outcome, [0])

    def fold(self) -> None:
        """Add up all outcomes. What `of` has returned is not counted any more."""
        for (matched, dropped_by), (count,) in self._outcomes.items():
            for position in range(len(self._rules)):
                if matched >> position & 1:
                    self._matched[position] += count
            if dropped_by:
                self._dropped[dropped_by - 1] += count
        self._outcomes = {}

    def table(self) -> Table:
        """The rules with their counts."""
        copy = RuleCounts(self._rules)
        copy._matched, copy._dropped = list(self._matched), list(self._dropped)
        copy._outcomes = self._outcomes
        copy.fold()
        columns = ("Rule", "Action", "Source labels", "Regex", "Target label", "Matched", "Dropped")
        rows: list[tuple[str | int, ...]] = [
            (position, *_described(rule), copy._matched[position - 1], copy._dropped[position - 1])
            for position, rule in enumerate(self._rules, 1)
        ]
        return Table("Rules", columns, rows)


def _described(rule: Rule) -> tuple[str, ...]:
    texts = rule.action, ", ".join(rule.source_labels), rule.regex.text, rule.target_label
    return tuple(map(_shown, texts))


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
