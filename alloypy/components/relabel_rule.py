"""The `rule` block that all relabeling components share.

Source: PYROSCOPE spec section 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from alloypy.lang.go.regexp import Regexp, names_label, parse_regexp
from alloypy.lang.go.text import quote
from alloypy.lang.text_types import REGEXP_TYPE
from alloypy.lang.types import IntType, TextType
from alloypy.profiles.relabel import ACTIONS, DEFAULT_REGEX, RelabelRules, Rule
from alloypy.schema.fields import Fault, arguments, attribute

_NEED_TARGET = ("replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal")
_NO_REPLACEMENT = ("lowercase", "uppercase", "keepequal", "dropequal")
_ONLY_REGEX = ("labeldrop", "labelkeep")
_ONLY_LABELS = ("keepequal", "dropequal")
_SEPARATOR = ";"
_REPLACEMENT = "$1"


def _parse_action(text: str) -> str:
    if text not in ACTIONS:
        raise ValueError(f"unrecognized action type {quote(text)}")
    return text


ACTION_TYPE = TextType("relabel.Action", _parse_action)


@arguments
class RuleArguments:
    """Arguments of `rule`."""

    source_labels: tuple[str, ...] | None = attribute(
        default=None, doc="Labels whose values are joined into the text to work on."
    )
    separator: str = attribute(default=_SEPARATOR, doc="Stands between the joined values.")
    regex: Annotated[Regexp | None, REGEXP_TYPE] = attribute(
        default_factory=lambda: parse_regexp(DEFAULT_REGEX), doc="RE2 expression that has to match all of it."
    )
    modulus: Annotated[int, IntType(64, False)] = attribute(
        default=0, doc="Number of values that hashmod spreads over."
    )
    target_label: str = attribute(default="", doc="Label to write to; `$1` stands for a group of the regex.")
    replacement: str = attribute(
        default=_REPLACEMENT, doc="What to write; `$1` stands for a group of the regex."
    )
    action: Annotated[str, ACTION_TYPE] = attribute(
        default="replace",
        doc="What to do: replace writes target_label; lowercase, uppercase and hashmod write it made of the "
        "text; keep and drop decide by the regex, keepequal and dropequal by whether the text equals "
        "target_label; labelmap copies, labelkeep and labeldrop choose labels by their names.",
    )

    def check(self) -> Iterator[Fault]:
        """What each action needs and forbids, in Alloy's order."""
        if not self.action:
            yield Fault("action", "relabel action cannot be empty")
        if self.action == "hashmod" and not self.modulus:
            yield Fault("modulus", "relabel configuration for hashmod requires non-zero modulus")
        if self.action in _NEED_TARGET and not self.target_label:
            message = f"relabel configuration for {self.action} action requires 'target_label' value"
            yield Fault("target_label", message)
        elif self.action in _NEED_TARGET and not self._target_is_valid():
            message = f"{quote(self.target_label)} is invalid 'target_label' for {self.action} action"
            yield Fault("target_label", message)
        if self.action in _NO_REPLACEMENT and self.replacement != _REPLACEMENT:
            yield Fault("replacement", f"'replacement' can not be set for {self.action} action")
        if self.action == "labelmap" and not names_label(self.replacement):
            message = f"{quote(self.replacement)} is invalid 'replacement' for {self.action} action"
            yield Fault("replacement", message)
        others = self.modulus or self.separator != _SEPARATOR or self.replacement != _REPLACEMENT
        if self.action in _ONLY_REGEX and (self.source_labels is not None or self.target_label or others):
            yield Fault("", f"{self.action} action requires only 'regex', and no other fields")
        if self.action in _ONLY_LABELS and (self._pattern().text != DEFAULT_REGEX or others):
            message = (
                f"{self.action} action requires only 'source_labels' and 'target_label', and no other fields"
            )
            yield Fault("", message)

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

    def _target_is_valid(self) -> bool:
        """Any UTF-8 text names a label; what holds a `$` has to be a template in `replace`."""
        if self.action == "replace" and "$" in self.target_label:
            return names_label(self.target_label)
        return not any("\ud800" <= character <= "\udfff" for character in self.target_label)


def relabel_rules(given: Sequence[RuleArguments]) -> RelabelRules:
    """The rules of a component, in order."""
    return RelabelRules([rule.rule() for rule in given])
