"""Lint: findings beyond Alloy's own check, each with a code that is selected, ignored or suppressed.

`THEMES` lists the modules with rules; nothing else knows them. A module is imported only if one of its
rules is selected and the text may interest it, because each import costs every run of `validate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alloypy.check.lint.rule import Rule
    from alloypy.syntax.diagnostics import Diagnostic
    from alloypy.syntax.source import Source


class Theme:
    """A module of rules.

    words: its rules can find nothing in texts without one of these words; empty if that cannot be said.
    default: whether any of its rules is in the default selection. usual: whether a text that has one of the
    words is so usual that those rules can find nothing in it; saves the import for most files.
    """

    def __init__(
        self,
        name: str,
        *words: bytes,
        default: bool = False,
        usual: Callable[[bytes], bool] = lambda data: False,
    ) -> None:
        self.name = name
        self.words = words
        self.default = default
        self.usual = usual

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Its rules; imports the module."""
        rules: tuple[Rule, ...] = import_module(f"alloypy.check.lint.rules.{self.name}").RULES
        return rules

    def may_concern(self, data: bytes, *, by_default: bool) -> bool:
        """Whether its rules, or those of the default selection, may find something in this text."""
        if self.words and not any(map(data.__contains__, self.words)):
            return False
        return not by_default or not self.usual(data)


def _only_reads_variables(data: bytes) -> bool:
    """Whether of the functions that rules are about only sys.env is called, with the name of a variable."""
    calls, names = data.count(b"env("), data.split(b'env("')[1:]
    if len(names) != calls or any(map(data.__contains__, _CALLS)):
        return False
    return not any(
        not name or any(sign in name for sign in (b"$", b"=", b":", b"\\"))
        for name in (text.partition(b'"')[0] for text in names)
    )


def _sends_once(data: bytes) -> bool:
    """Whether there is at most one endpoint and one collector, and no list with several receivers."""
    if data.count(b"endpoint") > 1 or data.count(b".scrape") + data.count(b"loki.source.") > 1:
        return False
    lists = [text.partition(b"]")[0] for text in data.split(b"forward_to")[1:]]
    receivers = data.count(b".receiver") + data.count(b".input")
    return not any(b"," in each for each in lists) and receivers <= sum(
        each.count(b".receiver") + each.count(b".input") for each in lists
    )


def _has_plain_fields(data: bytes) -> bool:
    """Whether no object has two fields."""
    for text in data.split(b"{")[1:]:
        inside, _, after = text.partition(b"}")
        if b"," in inside or after.lstrip().startswith(b","):
            return False
    return True


def _listens_once(data: bytes) -> bool:
    """Whether at most one component listens, and only once."""
    modules = b"declare" in data or b"import." in data or b"foreach" in data
    return not modules and sum(map(data.count, _LISTENERS)) < 2


_CALLS = (
    *(b"coalesce(", b"format(", b"split(", b"replace(", b"trim", b"json_path(", b"concat("),
    *(b"nonsensitive(", b"join("),
)
_LISTENERS = (b"otelcol.", b"loki.source.", b"_http", b"faro.")

THEMES = (
    Theme("established"),
    Theme("suppressions"),
    Theme("comparisons", b"true", b"false"),
    Theme("calls", *_CALLS, b"env(", default=True, usual=_only_reads_variables),
    Theme(
        "delivery",
        *(b"forward_to", b"endpoint", b".receiver", b".input"),
        default=True,
        usual=_sends_once,
    ),
    Theme("targets", b"__path__", b"targets", default=True),
    Theme("secrets"),
    Theme("endpoints"),
    Theme("grafana_cloud", b".grafana.net", default=True),
    Theme("queues", b"alloypy.queue", default=True),
    Theme("loops", b"http://localhost", b"http://127.0.0.1", default=True),
    Theme("otlp", b"otelcol.exporter.otlphttp", default=True),
    Theme("ottl", b"otelcol.connector.count", b"tail_sampling", default=True),
    Theme("deprecated"),
    Theme("debugging", b"debug", b".echo"),
    Theme("conditions", b"==", b"!=", b"||", b"&&", default=True),
    Theme("modules", b"declare", b"import.", b"foreach"),
    Theme("listening", *_LISTENERS, default=True, usual=_listens_once),
    Theme("values"),
    Theme("fields", b",", default=True, usual=_has_plain_fields),
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
    data = b"\n".join(source.data for source in sources)
    by_default = selected is None
    for theme in THEMES:
        if (theme.default or not by_default) and theme.may_concern(data, by_default=by_default):
            for rule in theme.rules:
                if rule.default if selected is None else rule.code in selected:
                    yield rule
