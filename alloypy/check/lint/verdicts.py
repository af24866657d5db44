"""What relabel rules do for certain, whatever labels they are given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import product
from typing import NamedTuple

from alloypy.check.lint.regexes import matches_every, matches_nothing, texts_of
from alloypy.check.lint.relabeling import EQUAL_TO_ITSELF, SAME_CONDITION, is_decided, known, usable_regex
from alloypy.check.lint.view import Body
from alloypy.lang.go.regexp import expand
from alloypy.rules.view import Undecided

_MOST_VALUES = 64
_WRITE_ONE = ("hashmod", "lowercase", "uppercase")

Outcome = str
"""What a rule does to everything that arrives: `DROPS`, `NOTHING`, or "" if that cannot be said."""

DROPS = "drops"
NOTHING = "nothing"
UNREACHED = "unreached"


class Verdict(NamedTuple):
    """What one rule certainly does. reason: why, as the end of a sentence."""

    body: Body
    outcome: Outcome
    reason: str


class _Condition(NamedTuple):
    """What decides whether a rule applies to a label set. regex: as written."""

    sources: tuple[str, ...]
    separator: str
    regex: str


def verdicts(rules: Sequence[Body]) -> Iterator[Verdict]:
    """What the rules of one list certainly do; ends at one that is never reached."""
    labels = _Labels()
    for index, body in enumerate(rules):
        found = _verdict(body, labels)
        if found is not None:
            yield found
            if found.outcome == DROPS:
                if index + 1 < len(rules):
                    yield Verdict(rules[index + 1], UNREACHED, "the rule before it drops everything")
                return


class _Labels:
    """What is known about the labels that arrive at a rule.

    values: all values that a label may have there. conditions: what is the same for all label sets, by
    condition: whether they meet it.
    """

    def __init__(self) -> None:
        self.values: dict[str, frozenset[str]] = {}
        self.conditions: dict[_Condition, bool] = {}
        self._readers: dict[str, list[_Condition]] = {}

    def read(self, sources: Sequence[str], separator: str) -> frozenset[str] | None:
        """All values that the labels may have together; None if that is not known."""
        known_values = [self.values.get(name) for name in sources]
        size = 1
        for each in known_values:
            if each is None:
                return None
            size *= len(each)
        if size > _MOST_VALUES:
            return None
        return frozenset(separator.join(each) for each in product(*(each or () for each in known_values)))

    def meet(self, condition: _Condition, *, met: bool) -> None:
        """Note that all label sets from here on meet a condition, or that none does."""
        self.conditions[condition] = met
        for name in condition.sources:
            self._readers.setdefault(name, []).append(condition)

    def written(self, name: str | None, values: frozenset[str] | None = None) -> None:
        """Note that a label, or with None any label, may have been changed. values: all its new ones."""
        if name is None:
            self.values.clear()
            self.conditions.clear()
            self._readers.clear()
            return
        self.values.pop(name, None)
        if values is not None:
            self.values[name] = values
        for condition in self._readers.pop(name, ()):
            self.conditions.pop(condition, None)


def _verdict(body: Body, labels: _Labels) -> Verdict | None:
    action = known(body, "action")
    if is_decided(body):
        with suppress(Undecided):
            return _decided_verdict(body, action, labels)
    target = known(body, "target_label")
    if action not in {"keep", "drop", "keepequal", "dropequal"}:
        labels.written(target if action in {"replace", *_WRITE_ONE} and "$" not in (target or "$") else None)
    return None


def _decided_verdict(body: Body, action: str, labels: _Labels) -> Verdict | None:
    """What a rule does whose settings are all known. Raises Undecided if its regex cannot be tried."""
    if action in {"keep", "drop"}:
        return _filter(body, labels, keeps=action == "keep")
    if action in {"keepequal", "dropequal"}:
        return _equal(body, keeps=action == "keepequal")
    if action == "replace":
        return _replace(body, labels)
    regex = body.get("regex")
    if action in {"labelmap", "labeldrop"} and matches_nothing(regex.text):
        return Verdict(body, NOTHING, "no label name can match regex")
    if action in _WRITE_ONE:
        labels.written(body.text("target_label"))
    else:
        labels.written(None)
    return None


def _equal(body: Body, *, keeps: bool) -> Verdict | None:
    if list(body.get("source_labels")) != [body.text("target_label")]:
        return None
    return Verdict(body, NOTHING if keeps else DROPS, EQUAL_TO_ITSELF)


def _filter(body: Body, labels: _Labels, *, keeps: bool) -> Verdict | None:
    condition = _condition(body)
    values = labels.read(condition.sources, condition.separator)
    matching, reason = _matching(body, condition, labels, values)
    if matching is not None:
        return Verdict(body, NOTHING if matching is keeps else DROPS, reason)
    labels.meet(condition, met=keeps)
    if len(condition.sources) == 1:
        if values is not None:
            regex = usable_regex(body)
            labels.values[condition.sources[0]] = frozenset(v for v in values if regex.matches(v) is keeps)
        elif keeps:
            with suppress(Undecided):
                labels.values[condition.sources[0]] = texts_of(condition.regex)
    return None


def _condition(body: Body) -> _Condition:
    sources = tuple(body.get("source_labels"))
    return _Condition(sources, body.text("separator") if len(sources) > 1 else "", body.get("regex").text)


def _matching(
    body: Body, condition: _Condition, labels: _Labels, values: frozenset[str] | None
) -> tuple[bool | None, str]:
    """Whether the condition is met by everything (True) or nothing (False) that arrives, and why."""
    if matches_nothing(condition.regex):
        return False, "no text can match regex"
    if matches_every(condition.regex):
        return True, "regex matches every value, an absent label's too"
    if not condition.sources:
        met = usable_regex(body).matches("")
        words = "matches" if met else "does not match"
        return met, f"it reads no source_labels, and regex {words} the empty text"
    if condition in labels.conditions:
        return labels.conditions[condition], SAME_CONDITION
    if values is not None:
        regex = usable_regex(body)
        outcomes = {regex.matches(value) for value in values}
        if len(outcomes) == 1:
            some = "all" if outcomes == {True} else "none"
            return outcomes.pop(), f"{some} of the values that earlier rules let through or set match regex"
    return None, ""


def _replace(body: Body, labels: _Labels) -> Verdict | None:
    condition = _condition(body)
    values = labels.read(condition.sources, condition.separator)
    matching, reason = _matching(body, condition, labels, values)
    if matching is False:
        return Verdict(body, NOTHING, reason)
    target = body.text("target_label")
    if "$" in target:
        labels.written(None)
        return None
    labels.written(target, _replaced(body, values, labels.values.get(target), always=bool(matching)))
    return None


def _replaced(
    body: Body, values: frozenset[str] | None, before: frozenset[str] | None, *, always: bool
) -> frozenset[str] | None:
    """All values that a label may have after its replacement; None if that is not known."""
    template = body.text("replacement")
    if values is None:
        if "$" in template:
            return None
        made = frozenset({template})
    else:
        regex = usable_regex(body)
        found = [regex.groups(value) for value in values]
        made = frozenset(expand(template, groups) for groups in found if groups is not None)
    if always:
        return made
    return None if before is None else made | before
