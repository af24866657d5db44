"""Rules of the `rule` block that all relabel components share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alloypy.lang.go.regexp import names_label
from alloypy.lang.go.text import quote
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import Fault

_NEED_TARGET = frozenset({"replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"})
_NO_REPLACEMENT = frozenset({"lowercase", "uppercase", "keepequal", "dropequal"})
_DEFAULTS = {"target_label": "", "modulus": 0, "separator": ";", "replacement": "$1"}


def _action(body: View) -> str:
    """The action; empty if it is null, and then the other rules do not apply."""
    return str(body.get("action"))


def has_action(body: View) -> Iterator[Fault]:

    if not _action(body):
        yield Fault("action", "relabel action cannot be empty")


def hashmod(body: View) -> Iterator[Fault]:
    """A hash needs a modulus."""
    if _action(body) == "hashmod" and body.get("modulus") == 0:
        yield Fault("modulus", "relabel configuration for hashmod requires non-zero modulus")


def target(body: View) -> Iterator[Fault]:
    """Actions that write a label need its name, or a template of the name."""
    action = _action(body)
    if action not in _NEED_TARGET:
        return
    label = body.text("target_label")
    if not label:
        yield Fault(
            "target_label", f"relabel configuration for {action} action requires 'target_label' value"
        )
    elif not _can_name(label, template=action == "replace"):
        yield Fault("target_label", f"{quote(label)} is invalid 'target_label' for {action} action")


def _can_name(label: str, *, template: bool) -> bool:
    """Whether a text can name a label: any UTF-8, but a `$` only in a template, if allowed."""
    if template and "$" in label:
        return names_label(label)
    return not any("\ud800" <= character <= "\udfff" for character in label)


def replacement(body: View) -> Iterator[Fault]:
    """Actions that compute the value take no replacement; labelmap needs one that can name a label."""
    action, text = _action(body), body.text("replacement")
    if action in _NO_REPLACEMENT and text != _DEFAULTS["replacement"]:
        yield Fault("replacement", f"'replacement' can not be set for {action} action")
    elif action == "labelmap" and not names_label(text):
        yield Fault("replacement", f"{quote(text)} is invalid 'replacement' for {action} action")


def only_some(body: View) -> Iterator[Fault]:
    """Some actions accept only a few settings."""
    action = _action(body)
    if action in {"labeldrop", "labelkeep"}:
        others = ("target_label", "modulus", "separator", "replacement")
        changed = "source_labels" if body.given("source_labels") else _changed(body, others)
        message = f"{action} action requires only 'regex', and no other fields"
    elif action in {"keepequal", "dropequal"}:
        changed = _changed(body, ("modulus", "separator", "replacement"))
        if getattr(body.get("regex"), "text", "(.*)") != "(.*)":
            changed = "regex"
        message = f"{action} action requires only 'source_labels' and 'target_label', and no other fields"
    else:
        return
    if changed:
        yield Fault(changed, message)


def _changed(body: View, names: tuple[str, ...]) -> str:
    return next((name for name in names if body.get(name) != _DEFAULTS[name]), "")


BY_TYPE: Mapping[str, tuple[Rule, ...]] = {
    "relabel.Config": (has_action, hashmod, target, replacement, only_some),
}
"""Rules by the Go type of the body."""
