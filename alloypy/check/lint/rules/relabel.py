"""Relabel rules that drop everything, do nothing, or have settings and groups without effect."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.check.lint.relabeling import (
    EQUAL_TO_ITSELF,
    SAME_CONDITION,
    is_decided,
    known,
    labels_made,
    lent_rules,
    rule_lists,
    usable_regex,
)
from alloypy.check.lint.rule import Rule, finding, removal, replacing
from alloypy.check.lint.view import Body, View
from alloypy.lang.go.regexp import variables
from alloypy.lang.go.text import quote
from alloypy.rules.view import Undecided
from alloypy.syntax.diagnostics import Diagnostic, Edit
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Attribute, Literal

_DROPPING = frozenset({"keep", "drop", "keepequal", "dropequal"})

_IGNORED = {
    "keep": ("target_label", "replacement", "modulus"),
    "drop": ("target_label", "replacement", "modulus"),
    "replace": ("modulus",),
    "hashmod": ("regex", "replacement"),
    "labelmap": ("source_labels", "separator", "target_label", "modulus"),
    "lowercase": ("regex", "modulus"),
    "uppercase": ("regex", "modulus"),
}
"""The settings that an action does not read; others that it has no use for, Alloy refuses."""

_HINTS = {
    SAME_CONDITION: "remove one of the two",
    EQUAL_TO_ITSELF: "target_label must be another label than source_labels",
}


def _drops_everything(view: View) -> Iterator[Diagnostic]:
    for rules in rule_lists(view):
        if not any(known(body, "action") in _DROPPING for body in rules):
            continue
        from alloypy.check.lint.verdicts import DROPS, verdicts

        for verdict in verdicts(rules):
            if verdict.outcome == DROPS:
                yield finding(
                    verdict.body.head, f"drops everything: {verdict.reason}", _drop_hint(verdict.reason)
                )
    yield from _stages(view)


def _drop_hint(reason: str) -> str:
    if reason.startswith("it reads no source_labels"):
        return "name the labels to look at in source_labels"
    if reason.startswith("none"):
        return "several keep rules must all match; one regex such as `a|b` keeps either"
    if reason.startswith("regex matches every"):
        return "give regex the values to drop"
    return _HINTS.get(reason, "")


def _stages(view: View) -> Iterator[Diagnostic]:
    """Stages that drop every line of a loki.process. Inside a stage.match they see some lines only."""
    for body in view.bodies():
        if body.path != "loki.process/stage.drop" or not body.given("expression"):
            continue
        others = ("source", "value", "older_than", "longer_than")
        try:
            expression = body.text("expression")
        except Undecided:
            continue
        if not expression or any(body.given(name) for name in others):
            continue
        from alloypy.check.lint.regexes import finds_in_every

        if finds_in_every(expression):
            yield finding(
                body.head,
                "drops every log line: expression matches somewhere in each",
                "give it the lines to drop",
            )


def _without_effect(view: View) -> Iterator[Diagnostic]:
    from alloypy.check.lint.verdicts import NOTHING, UNREACHED, verdicts

    for rules in rule_lists(view):
        for verdict in verdicts(rules):
            if verdict.outcome == UNREACHED:
                yield finding(verdict.body.head, f"never reached: {verdict.reason}")
            elif verdict.outcome == NOTHING:
                yield finding(
                    verdict.body.head,
                    f"has no effect: {verdict.reason}",
                    _idle_hint(verdict.body, verdict.reason),
                )


def _idle_hint(body: Body, reason: str) -> str:
    if reason.startswith("regex matches every") and len(body.get("source_labels")) == 1:
        return "`.+` matches only if the label is set"
    if reason.startswith("it reads no source_labels"):
        return "name the labels to look at in source_labels"
    return _HINTS.get(reason, "")


def _missing_groups(view: View) -> Iterator[Diagnostic]:
    for rules in rule_lists(view):
        for body in rules:
            action = known(body, "action")
            if action in {"replace", "labelmap"} and is_decided(body):
                for name in ("target_label", "replacement") if action == "replace" else ("replacement",):
                    yield from _groups(body, name)


def _groups(body: Body, name: str) -> Iterator[Diagnostic]:
    named = list(variables(body.text(name)))
    if not named:
        return
    try:
        regex = usable_regex(body)
    except Undecided:
        return
    attribute = body.written(name)
    for variable, group in named:
        if regex.has_group(group):
            continue
        if attribute is None:
            message = f"regex has no group for {variable}, the default of {name}, which is thus empty"
            yield finding(body.head, message, "put what to keep in parentheses, or set replacement")
            return
        message = f"regex has no group {quote(group)}, so {variable} is empty"
        shown = Span(body.source, attribute.start, attribute.end)
        number = group[: len(group) - len(group.lstrip("0123456789"))]
        if number and not variable.startswith("${") and regex.has_group(number):
            better = f"${{{number}}}{group[len(number) :]}"
            fix = _in_literal(attribute, variable, better)
            yield finding(
                shown, message, f"the name ends at the last letter, digit or _; write {better}", fix
            )
        else:
            yield finding(shown, message)


def _in_literal(attribute: Attribute, old: str, new: str) -> tuple[Edit, ...]:
    value = attribute.value
    if isinstance(value, Literal) and value.text.count(old) == 1:
        return (replacing(value, value.text.replace(old, new)),)
    return ()


def _ignored_settings(view: View) -> Iterator[Diagnostic]:
    for rules in rule_lists(view):
        for body in rules:
            action = known(body, "action")
            ignored = set(_IGNORED.get(str(action), ()))
            for statement in body.statements:
                if not isinstance(statement, Attribute) or not body.given(statement.name.name):
                    continue
                name = statement.name.name
                if name in ignored:
                    why = f"the action {action} does not read it"
                elif name == "separator" and action != "labelmap" and _joins_nothing(body):
                    why = "there are no two source labels to join"
                else:
                    continue
                span = Span(body.source, statement.start, statement.end)
                yield removal(span, f"{name} has no effect: {why}", "remove it", statement)


def _joins_nothing(body: Body) -> bool:
    sources = known(body, "source_labels")
    return sources is not None and len(sources) < 2 and known(body, "separator") not in {None, ";"}


_SERIES = ("prometheus.relabel/rule", "prometheus.remote_write/endpoint/write_relabel_config")
_ANY_LABEL = frozenset({"discovery.http", "discovery.file", "import.file", "import.git", "import.http"})
"""Blocks that may bring targets with any label."""


def _absent(view: View) -> Iterator[Diagnostic]:
    """Names of metrics in rules for targets, and labels of targets in rules for metrics; in all modules."""
    if not view.is_root or any(node.name in _ANY_LABEL for each in view.all for node in each.nodes):
        return
    bodies = (body for each in view.all if each.own for rules in rule_lists(each) for body in rules)
    found = [(body, text) for body in bodies if (text := _absent_label(body))]
    made = labels_made(view) if found else ()
    lent = lent_rules(view) if found else set()
    for body, (name, reason, hint) in found:
        attribute = body.written("source_labels")
        if attribute is not None and name not in made and body.node.id not in lent:
            yield finding(Span(body.source, attribute.start, attribute.end), f"{name} is {reason}", hint)


def _absent_label(body: Body) -> tuple[str, str, str] | None:
    """A source label that is never there, where it is instead, and what to do about it."""
    for name in known(body, "source_labels") or ():
        if body.path == "discovery.relabel/rule" and name == "__name__":
            return (
                name,
                "a label of metrics, and targets do not have it",
                "move the rule to prometheus.relabel",
            )
        if body.path in _SERIES and name.startswith("__meta_"):
            return (
                name,
                "a label of targets, and metrics do not have it",
                "move the rule to discovery.relabel",
            )
    return None


def _example(*settings: str, then: str = "") -> str:
    rule = "".join(f"    {setting}\n" for setting in settings)
    return (
        'prometheus.relabel "a" {\n'
        "  forward_to = [prometheus.remote_write.b.receiver]\n"
        f"  rule {{\n{rule}  }}\n{then}}}\n"
        'prometheus.remote_write "b" {\n  endpoint { url = "http://mimir/api/v1/push" }\n}\n'
    )


_NAME = 'source_labels = ["__name__"]'

RULES = (
    Rule(
        "ALY0915",
        "relabel rule without effect",
        "Whatever arrives, the rule changes nothing: its regex matches every value (also that of an absent "
        "label) or none, an earlier rule has decided the same, or an earlier rule drops everything.",
        wrong=_example(_NAME, 'action = "keep"'),
        right=_example(_NAME, 'regex = "up|http_.*"', 'action = "keep"'),
        check=_without_effect,
    ),
    Rule(
        "ALY0916",
        "everything is dropped",
        "Nothing can pass. Typical causes: a drop without regex, which matches everything; a keep without "
        "source_labels, which looks at an empty text; two keep rules for different values of one label: both "
        "must match.",
        wrong=_example(
            _NAME,
            'regex = "up"',
            'action = "keep"',
            then=f'  rule {{\n    {_NAME}\n    regex = "down"\n    action = "keep"\n  }}\n',
        ),
        right=_example(_NAME, 'regex = "up|down"', 'action = "keep"'),
        default=True,
        check=_drops_everything,
    ),
    Rule(
        "ALY0918",
        "group that the regex does not have",
        "A variable such as $2 or ${name} without a group of that number or name is an empty text. $1_total "
        "means the group 1_total: write ${1}_total.",
        wrong=_example(_NAME, 'regex = "(.+)_count"', 'target_label = "metric"', 'replacement = "$1_total"'),
        right=_example(
            _NAME, 'regex = "(.+)_count"', 'target_label = "metric"', 'replacement = "${1}_total"'
        ),
        default=True,
        check=_missing_groups,
    ),
    Rule(
        "ALY0919",
        "setting that the action ignores",
        "Which settings a relabel rule reads depends on its action. This one is not read.",
        wrong=_example(_NAME, 'regex = "up"', 'target_label = "name"', 'action = "keep"'),
        right=_example(_NAME, 'regex = "up"', 'action = "keep"'),
        check=_ignored_settings,
    ),
    Rule(
        "ALY0931",
        "label that is never there",
        "Only metrics have the label __name__, not targets; and the __meta_ labels of a target do not become "
        "labels of its metrics. The rule reads an empty text.",
        wrong=_example('source_labels = ["__meta_kubernetes_namespace"]', 'target_label = "namespace"'),
        right=_example('source_labels = ["namespace"]', 'target_label = "kubernetes_namespace"'),
        default=True,
        check=_absent,
    ),
)
