"""Relabel rules of a configuration: where they are, and what is known about their settings."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from alloypy.check.lint.view import Body, View
from alloypy.lang.evaluation.literals import string_value
from alloypy.lang.go.regexp import Regexp
from alloypy.rules.view import Undecided
from alloypy.syntax.tree import Object

EQUAL_TO_ITSELF = "every label is equal to itself"
SAME_CONDITION = "an earlier rule has the same condition"
"""Reasons why a rule drops everything, or nothing."""


def rule_lists(view: View) -> Iterator[list[Body]]:
    """The relabel rules of each block that has any, in their order."""
    lists: dict[int, list[Body]] = {}
    for body in view.bodies():
        if body.spec.name == "relabel.Config":
            lists.setdefault(id(body.outer), []).append(body)
    yield from lists.values()


def labels_made(view: View) -> Container[str]:
    """The names of labels that the whole configuration may set itself, in rules or in targets."""
    rules = [body for each in view.all for listed in rule_lists(each) for body in listed]
    if any(map(_makes_any, rules)):
        return _Any()
    made = {str(known(body, "target_label")) for body in rules}
    for each in view.all:
        for written in each.expressions(Object):
            made |= {string_value(f'"{f.name}"') if f.quoted else f.name for f in written.expression.fields}
    return made


class _Any:
    """All names."""

    def __contains__(self, name: object) -> bool:
        return True


def _makes_any(body: Body) -> bool:
    """Whether a rule may make labels for internal use whose names depend on what arrives."""
    template = known(body, "replacement" if known(body, "action") == "labelmap" else "target_label")
    return template is None or (template.startswith("__") and "$" in template)


def lent_rules(view: View) -> set[str]:
    """The components whose rules others apply, to labels that may come from elsewhere."""
    return {
        ".".join(part.name for part in chain[:-1])
        for each in view.all
        for _, chain in each.chains()
        if chain[-1].name == "rules"
    }


def known(body: Body, name: str) -> Any:
    """The value of a rule's setting; None if only running can tell."""
    try:
        return body.get(name)
    except Undecided:
        return None


def is_decided(body: Body) -> bool:
    """Whether all that decides what a rule does is known, and can be tried."""
    regex = known(body, "regex")
    names = ("action", "source_labels", "separator", "target_label", "replacement")
    return isinstance(regex, Regexp) and all(known(body, name) is not None for name in names)


def usable_regex(body: Body) -> Regexp:
    """The regex of a rule, to be tried. Raises Undecided without RE2, or if RE2 finds it too large.

    Most rules need none, and RE2 takes long to load.
    """
    regex: Regexp = body.get("regex")
    try:
        usable = regex.usable
    except ValueError:
        usable = False
    if not usable:
        raise Undecided
    return regex


def pod_label_rule(source: str, target: str) -> str:
    """An example: a rule that copies a label of pods. source: the end of its name."""
    return (
        'discovery.kubernetes "pods" { role = "pod" }\n'
        'discovery.relabel "pods" {\n'
        "  targets = discovery.kubernetes.pods.targets\n"
        "  rule {\n"
        f'    source_labels = ["__meta_kubernetes_pod_{source}"]\n'
        f'    target_label  = "{target}"\n'
        "  }\n"
        "}\n"
    )
