"""What is made of each rule of grammar/logql.lark: the expressions in it that have a syntax of their own."""

from __future__ import annotations

from typing import Any, NamedTuple

from alloypy.syntax.tokens import Token

Items = list[Any]


class Query(NamedTuple):
    """A selector with its filters.

    matchers, filters: the literals of the regular expressions that labels and lines are compared with.
    """

    matchers: list[Token]
    filters: list[Token]


def _append(items: Items) -> list[Token]:
    return [*items[0], *items[2]]


def _filtered(items: Items) -> Query:
    query: Query
    query, is_regular, literal = items
    if is_regular:
        query.filters.append(literal)
    return query


def _no_expression(items: Items) -> list[Token]:
    del items
    return []


class QueryBuilder:
    """The function for each rule or alias of the grammar."""

    selector_alone = staticmethod(lambda items: Query(items[0], []))
    filtered = staticmethod(_filtered)
    matching = staticmethod(lambda items: True)
    containing = staticmethod(lambda items: False)
    selector = staticmethod(lambda items: items[1])
    first = staticmethod(lambda items: items[0])
    append = staticmethod(_append)
    equality = staticmethod(_no_expression)
    regular = staticmethod(lambda items: [items[2]])
