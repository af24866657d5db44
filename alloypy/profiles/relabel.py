"""Relabel rules: what they do to a label set.

Source: docs/spec/PYROSCOPE.md, section 6.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from alloypy.lang.go.regexp import Regexp, expand
from alloypy.lang.stdlib.string import to_lower, to_upper
from alloypy.lang.values import Capsule
from alloypy.profiles.model import DeliveryError, Labels

ACTIONS = (
    "replace",
    "keep",
    "drop",
    "hashmod",
    "labelmap",
    "labeldrop",
    "labelkeep",
    "lowercase",
    "uppercase",
    "keepequal",
    "dropequal",
)

DEFAULT_REGEX = "(.*)"

_LARGEST_MADE_BYTES = 1 << 20
"""The longest text, in characters, that rules may make from small labels: each rule could double them."""

_MATCHED, _DROPPED = 1, 2  # what a rule did; both for one that drops what it matches

_LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Rule(NamedTuple):
    """One rule; its action decides which of the fields are read."""

    regex: Regexp
    action: str = "replace"
    source_labels: tuple[str, ...] = ()
    separator: str = ";"
    modulus: int = 0
    target_label: str = ""
    replacement: str = "$1"


class RelabelRules(Capsule):
    """The capsule in which components export their rules. Compares by content."""

    __slots__ = ("rules",)
    kind = "relabel.Rules"

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RelabelRules) and other.rules == self.rules

    def __hash__(self) -> int:
        return hash((RelabelRules, self.rules))


class Outcome(NamedTuple):
    """What rules did to a label set. Equal for all label sets that they treat alike.

    matched: bit n is set if the rule at position n, counted from 0, matched or always applies.
    dropped_by: the position, counted from 1, of the rule that dropped it; 0 if none did.
    """

    matched: int
    dropped_by: int


UNTOUCHED = Outcome(0, 0)
"""What rules do to a label set to which they do not apply."""


def relabel(labels: Labels, rules: Sequence[Rule], *, any_name: bool = False) -> dict[str, str] | None:
    """The labels after all rules, names in bytewise order, or None if a rule drops them.

    any_name: whether `replace` may write a label of any name, as for targets, or only one of letters, digits
        and underscores, as for profiles.
    Raises DeliveryError if a rule makes a far larger text than there was.
    """
    return _relabelled(labels, rules, any_name)[0]


def relabel_closely(labels: Labels, rules: Sequence[Rule]) -> tuple[dict[str, str] | None, Outcome]:
    """The labels of a profile after all rules, as `relabel` has them, and what each rule did.

    Raises DeliveryError as `relabel` does.
    """
    return _relabelled(labels, rules, any_name=False)


def dropped_by(labels: Labels, rules: Sequence[Rule]) -> int:
    """The position, counted from 1, of the rule that drops a label set; 0 if none does.

    Raises DeliveryError as `relabel` does.
    """
    return relabel_closely(labels, rules)[1].dropped_by


def _relabelled(
    labels: Labels, rules: Sequence[Rule], any_name: bool
) -> tuple[dict[str, str] | None, Outcome]:
    edited = _Edited(labels, any_name=any_name)
    matched = 0
    for position, rule in enumerate(rules):
        done = _apply(rule, edited)
        if done & _MATCHED:
            matched |= 1 << position
        if done & _DROPPED:
            return None, Outcome(matched, position + 1)
    return edited.result(), Outcome(matched, 0)


class _Edited:
    """A label set being changed. Labels set come after labels kept, as in Prometheus's builder."""

    def __init__(self, labels: Labels, *, any_name: bool = False) -> None:
        self.any_name = any_name
        self._kept = dict(sorted(labels.items()))
        self._set: dict[str, str] = {}
        self._given = labels

    def check(self, size: int) -> None:
        """Refuse a text of `size` if rules have made it so large. Raises DeliveryError."""
        if size > _LARGEST_MADE_BYTES and size > 2 * sum(len(value) for value in self._given.values()):
            raise DeliveryError(
                f"relabel rules make a label of more than {_LARGEST_MADE_BYTES} bytes",
                code="invalid_argument",
            )

    def get(self, name: str) -> str:
        return self._set.get(name) or self._kept.get(name, "")

    def set(self, name: str, value: str) -> None:
        self._kept.pop(name, None)
        if value:
            self._set[name] = value
        else:
            self._set.pop(name, None)

    def items(self) -> Iterator[tuple[str, str]]:
        return iter([*self._kept.items(), *self._set.items()])

    def result(self) -> dict[str, str]:
        return dict(sorted(self.items()))


def _apply(rule: Rule, labels: _Edited) -> int:
    """Apply one rule; returns whether it matched, and whether it dropped the labels."""
    parts = [labels.get(name) for name in rule.source_labels]
    if len(parts) > 1:
        labels.check(sum(map(len, parts)) + len(rule.separator) * len(parts))
    value = rule.separator.join(parts)
    match rule.action:
        case "keep":
            return _MATCHED if rule.regex.matches(value) else _DROPPED
        case "drop":
            return _MATCHED | _DROPPED if rule.regex.matches(value) else 0
        case "keepequal":
            return _MATCHED if labels.get(rule.target_label) == value else _DROPPED
        case "dropequal":
            return _MATCHED | _DROPPED if labels.get(rule.target_label) == value else 0
        case "replace":
            return _replace(rule, labels, value)
        case "hashmod":
            labels.set(rule.target_label, str(_hash(value) % rule.modulus))
        case "lowercase":
            labels.set(rule.target_label, to_lower(value))
        case "uppercase":
            labels.set(rule.target_label, to_upper(value))
        case _:
            return _by_name(rule, labels)
    return _MATCHED


def _replace(rule: Rule, labels: _Edited, value: str) -> int:
    groups = rule.regex.groups(value)
    if groups is None:
        return 0
    labels.check(rule.target_label.count("$") * len(value))
    labels.check(rule.replacement.count("$") * len(value))
    target = expand(rule.target_label, groups)
    if (target and labels.any_name) or _LABEL_NAME.fullmatch(target):
        labels.set(target, expand(rule.replacement, groups))
    return _MATCHED


def _by_name(rule: Rule, labels: _Edited) -> int:
    matched = 0
    for name, value in labels.items():
        groups = rule.regex.groups(name)
        if groups is not None:
            matched = _MATCHED
        if rule.action == "labelmap":
            if groups is not None:
                labels.check(rule.replacement.count("$") * len(name))
                labels.set(expand(rule.replacement, groups), value)
        elif (groups is not None) == (rule.action == "labeldrop"):
            labels.set(name, "")
    return matched


def _hash(value: str) -> int:
    import hashlib

    digest = hashlib.md5(value.encode(errors="surrogateescape"), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "big")
