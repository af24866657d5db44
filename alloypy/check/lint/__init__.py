"""Lint: findings beyond Alloy's own check, each with a code that is selected, ignored or suppressed.

`THEMES` lists the modules with rules; nothing else knows them. A module is imported only if one of its
rules is selected and the text may interest it, because each import costs every run of `validate`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alloypy.check.lint.rule import Rule
    from alloypy.syntax.diagnostics import Diagnostic
    from alloypy.syntax.source import Source


class Theme:
    """A module of rules.

    default: whether any of its rules is in the default selection.
    words: its rules can find nothing in texts without one of these words; empty if that cannot be said.
    """

    def __init__(self, name: str, *words: bytes, default: bool = False) -> None:
        self.name = name
        self.words = words
        self.default = default

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Its rules; imports the module."""
        rules: tuple[Rule, ...] = import_module(f"alloypy.check.lint.rules.{self.name}").RULES
        return rules

    def may_concern(self, sources: Sequence[Source]) -> bool:
        """Whether its rules may find something in these texts."""
        return not self.words or any(word in source.data for source in sources for word in self.words)


THEMES = (
    Theme("established"),
    Theme("suppressions"),
    Theme("comparisons", b"true", b"false"),
    Theme(
        "calls",
        *(b"coalesce(", b"format(", b"split(", b"replace(", b"trim", b"json_path(", b"env(", b"concat("),
        b"nonsensitive(",
        default=True,
    ),
    Theme("delivery", b"forward_to", b"endpoint", b".receiver", b".input", default=True),
    Theme("targets", b"__path__", b"targets", default=True),
    Theme("secrets"),
    Theme("endpoints"),
    Theme("grafana_cloud", b".grafana.net", default=True),
    Theme("loops", b"http://localhost", b"http://127.0.0.1", default=True),
    Theme("otlp", b"otelcol.exporter.otlphttp", default=True),
    Theme("deprecated"),
    Theme("debugging", b"debug", b".echo"),
    Theme("conditions", b"==", b"!=", b"||", b"&&", default=True),
    Theme("modules", b"declare", b"import.", b"foreach"),
    Theme("listening", b"otelcol.", b"loki.source.", b"_http", b"faro.", default=True),
    Theme("values", default=True),
    Theme("discovered", b"__meta_kubernetes_", b"__meta_docker_", default=True),
    Theme("labels", b"target_label", b"stage.labels", b"labelmap"),
    Theme("relabel", b"rule", b"write_relabel_config", b"stage.drop", default=True),
)
"""All modules in `alloypy/check/lint/rules`."""

_BEFORE = "ALY0900"
"""The codes of rules are greater."""


MARK = b"alloypy:"
"""Comments that suppress findings contain it."""


def default_codes() -> frozenset[str]:
    """The codes of the default selection."""
    return frozenset(code for code, rule in all_rules().items() if rule.default)


def is_of_rule(found: Diagnostic) -> bool:
    """Whether a diagnostic belongs to a rule, so that it can be selected and suppressed."""
    return found.code > _BEFORE


def all_rules() -> dict[str, Rule]:
    """All rules by code; imports their modules."""
    return {rule.code: rule for theme in THEMES for rule in theme.rules}


def chosen_rules(sources: Sequence[Source], selected: frozenset[str] | None) -> Iterator[Rule]:
    """The selected rules that may find something in the texts. selected: codes; None for the default ones."""
    for theme in THEMES:
        if (theme.default or selected is not None) and theme.may_concern(sources):
            for rule in theme.rules:
                if rule.default if selected is None else rule.code in selected:
                    yield rule
