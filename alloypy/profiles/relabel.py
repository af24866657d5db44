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


def relabel(labels: Labels, rules: Sequence[Rule], *, any_name: bool = False) -> dict[str, str] | None:
    """The labels after all rules, names in bytewise order, or None if a rule drops them.

    any_name: whether `replace` may write a label of any name, as for targets, or only one of letters, digits
        and underscores, as for profiles.
    Raises DeliveryError if a rule makes a far larger text than there was.
    """
    edited = _Edited(labels, any_name=any_name)
    for rule in rules:
        if not _apply(rule, edited):
            return None
    return edited.result()


def dropped_by(labels: Labels, rules: Sequence[Rule]) -> int:
    """The position, counted from 1, of the rule that drops a label set; 0 if none does.

    Raises DeliveryError as `relabel` does.
    """
    edited = _Edited(labels)
    for position, rule in enumerate(rules, 1):
        if not _apply(rule, edited):
            return position
    return 0


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


def _apply(rule: Rule, labels: _Edited) -> bool:
    """Apply one rule; returns whether the labels are kept."""
    parts = [labels.get(name) for name in rule.source_labels]
    if len(parts) > 1:
        labels.check(sum(map(len, parts)) + len(rule.separator) * len(parts))
    value = rule.separator.join(parts)
    match rule.action:
        case "keep":
            return rule.regex.matches(value)
        case "drop":
            return not rule.regex.matches(value)
        case "keepequal":
            return labels.get(rule.target_label) == value
        case "dropequal":
            return labels.get(rule.target_label) != value
        case "replace":
            _replace(rule, labels, value)
        case "hashmod":
            labels.set(rule.target_label, str(_hash(value) % rule.modulus))
        case "lowercase":
            labels.set(rule.target_label, to_lower(value))
        case "uppercase":
            labels.set(rule.target_label, to_upper(value))
        case _:
            _by_name(rule, labels)
    return True


def _replace(rule: Rule, labels: _Edited, value: str) -> None:
    groups = rule.regex.groups(value)
    if groups is None:
        return
    labels.check(rule.target_label.count("$") * len(value))
    labels.check(rule.replacement.count("$") * len(value))
    target = expand(rule.target_label, groups)
    if (target and labels.any_name) or _LABEL_NAME.fullmatch(target):
        labels.set(target, expand(rule.replacement, groups))


def _by_name(rule: Rule, labels: _Edited) -> None:
    for name, value in labels.items():
        groups = rule.regex.groups(name)
        if rule.action == "labelmap":
            if groups is not None:
                labels.check(rule.replacement.count("$") * len(name))
                labels.set(expand(rule.replacement, groups), value)
        elif (groups is not None) == (rule.action == "labeldrop"):
            labels.set(name, "")


def _hash(value: str) -> int:
    import hashlib

    digest = hashlib.md5(value.encode(errors="surrogateescape"), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "big")
