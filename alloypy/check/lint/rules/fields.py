"""Fields of objects."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.check.lint.rule import Rule, finding, text_of
from alloypy.check.lint.view import View
from alloypy.lang.evaluation.literals import string_value
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Field, Object


def _lost_fields(view: View) -> Iterator[Diagnostic]:
    for written in view.expressions(Object):
        last: dict[str, Field] = {}
        for field in reversed(written.expression.fields):
            name = string_value(f'"{field.name}"') if field.quoted else field.name
            later = last.setdefault(name, field)
            if later is not field and not _is_same(later, field, written.source):
                span = Span(written.source, field.start, field.value.end)
                yield finding(span, f"{field.name} is set again below, so this value is lost", "remove one")


def _is_same(one: Field, other: Field, source: Source) -> bool:
    return text_of(one.value, source) == text_of(other.value, source)


def _scrape(target: str) -> str:
    return f'prometheus.scrape "a" {{\n  targets    = [{target}]\n  forward_to = []\n}}\n'


RULES = (
    Rule(
        "ALY0922",
        "field set twice",
        "An object has two fields of the same name with different values. The last one counts, and the "
        "others are lost without a word.",
        wrong=_scrape('{__address__ = "a:80", job = "a", job = "b"}'),
        right=_scrape('{__address__ = "a:80", job = "b"}'),
        default=True,
        check=_lost_fields,
    ),
)
