"""Runs lint rules over the modules of a configuration, each module once as it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from alloypy.check.expressions.values import ValueCheck
from alloypy.check.findings import no_pause
from alloypy.check.lint.rule import Rule
from alloypy.check.lint.view import Around, View
from alloypy.check.modules.frames import Frame
from alloypy.check.scope import Language
from alloypy.rules.view import Undecided
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.tree import File


class Linted:
    """A configuration to which rules are applied.

    frames: the first module of each scope, the root first. values: returns the value check of a module.
    """

    __slots__ = ("files", "frames", "language", "values")

    def __init__(
        self,
        files: Sequence[File],
        frames: Iterable[Frame],
        values: Callable[[Frame], ValueCheck],
        language: Language,
    ) -> None:
        self.files = files
        self.frames = frames
        self.values = values
        self.language = language


def run_rules(
    rules: Iterable[Rule], linted: Linted, pause: Callable[[], None] = no_pause
) -> Iterator[Diagnostic]:
    """What the rules find in the modules that the files contain; imported ones are not looked at.

    pause: called before each rule.
    """
    views = views_of(linted)
    for rule in rules:
        pause()
        yield from run_rule(rule, views)


def run_rule(rule: Rule, views: Iterable[View]) -> Iterator[Diagnostic]:
    """What a rule finds in those modules that the files contain."""
    if rule.check is None:
        return
    for view in views:
        if view.own:
            for each in _findings(rule.check(view)):
                yield _without_secrets(each._replace(code=rule.code), view)


def _findings(found: Iterator[Diagnostic]) -> Iterator[Diagnostic]:
    try:
        yield from found
    except Undecided:
        return


def _without_secrets(found: Diagnostic, view: View) -> Diagnostic:
    if not view.secrets:
        return found
    from alloypy.redaction.masking import without_texts

    message = without_texts(found.message, view.secrets)
    return found._replace(message=message, hint=without_texts(found.hint, view.secrets))


def views_of(linted: Linted) -> list[View]:
    """A view of each module; the one around a template comes before it."""
    own = {id(file.source) for file in linted.files}
    views: list[View] = []
    by_scope: dict[int, View] = {}

    def view(frame: Frame) -> View:
        scope = frame.scope
        known = by_scope.get(id(scope))
        if known is not None:
            return known
        outer = None
        if scope.outer is not None and id(scope.outer) in first:
            outer = view(first[id(scope.outer)])
        exact = scope.outer is None and scope.root
        seen = frame if exact else frame.as_written(outer.frame if outer is not None else None)
        made = View(scope, seen, linted.values, Around(outer, views, linted.files, linted.language))
        made.own = exact or (scope.written is not None and id(scope.written.source) in own)
        if outer is not None and scope.template:
            outer.templates.append(made)
        by_scope[id(scope)] = made
        views.append(made)
        return made

    first = {id(frame.scope): frame for frame in linted.frames}
    for each in list(first.values()):
        view(each)
    return views
