"""The `rule` block that all relabeling components share.

Source: docs/spec/PYROSCOPE.md, section 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from alloypy.lang.go.regexp import Regexp, parse_regexp
from alloypy.lang.go.text import quote
from alloypy.lang.text_types import REGEXP_TYPE
from alloypy.lang.types import IntType, TextType
from alloypy.profiles.relabel import ACTIONS, DEFAULT_REGEX, RelabelRules, Rule
from alloypy.rules import faults_of
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute

RULES_DOC = "The rules, for other components."
"""Documentation of the export `rules`."""

_SEPARATOR = ";"
_REPLACEMENT = "$1"


def _parse_action(text: str) -> str:
    if text not in ACTIONS:
        raise ValueError(f"unrecognized action type {quote(text)}")
    return text


ACTION_TYPE = TextType("relabel.Action", _parse_action)


@arguments(rules="own.relabel.Config")
class RuleArguments:
    """Arguments of `rule`."""

    source_labels: tuple[str, ...] | None = attribute(
        default=None, doc="Labels whose values are joined to make the text."
    )
    separator: str = attribute(default=_SEPARATOR, doc="Written between the joined values.")
    regex: Annotated[Regexp | None, REGEXP_TYPE] = attribute(
        default_factory=lambda: parse_regexp(DEFAULT_REGEX),
        doc="RE2 expression that must match the whole text.",
    )
    modulus: Annotated[int, IntType(64, False)] = attribute(
        default=0, doc="Number of values that hashmod distributes over."
    )
    target_label: str = attribute(default="", doc="Label to write to; `$1` is a group of the regex.")
    replacement: str = attribute(default=_REPLACEMENT, doc="What to write; `$1` is a group of the regex.")
    action: Annotated[str, ACTION_TYPE] = attribute(
        default="replace",
        doc="What to do: replace writes target_label; lowercase, uppercase and hashmod write it from the "
        "text; keep and drop decide by the regex, keepequal and dropequal by whether the text equals "
        "target_label; labelmap copies labels, labelkeep and labeldrop choose them, by their names.",
    )

    def check(self) -> Iterator[Fault]:
        return faults_of(self)

    def rule(self) -> Rule:
        """The rule that `alloypy.profiles.relabel` applies."""
        return Rule(
            action=self.action,
            source_labels=self.source_labels or (),
            separator=self.separator,
            regex=self._pattern(),
            modulus=self.modulus,
            target_label=self.target_label,
            replacement=self.replacement,
        )

    def _pattern(self) -> Regexp:
        return self.regex or parse_regexp(DEFAULT_REGEX)


def relabel_rules(given: Sequence[RuleArguments]) -> RelabelRules:
    """The rules of a component, in order."""
    return RelabelRules([rule.rule() for rule in given])
