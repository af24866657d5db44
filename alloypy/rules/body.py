"""The statements of a body as rules see them: the values that can be read from the file alone."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from alloypy.lang.conversion import convert, zero
from alloypy.lang.types import Type
from alloypy.rules.view import Undecided, View
from alloypy.schema.spec import BlockSpec, Missing, Spec
from alloypy.syntax.tree import Attribute, Block, Expression, Literal, Statement

Reader: TypeAlias = Callable[[Expression, Type], Any]
"""Returns the decoded value of an expression, or raises Undecided."""


class Body(View):
    """The statements of a body, and its defaults.

    statements: empty for an absent body.
    """

    __slots__ = ("_known", "_read", "statements")

    def __init__(self, spec: Spec, statements: Sequence[Statement], read: Reader) -> None:
        super().__init__(spec)
        self.statements = statements
        self._read = read
        self._known: dict[str, Any] = {}

    def given(self, name: str) -> bool:
        if name in self.spec.changed:
            raise Undecided
        return any(
            s.name.name == name and not _is_null(s.value) if isinstance(s, Attribute) else s.full_name == name
            for s in self.statements
        )

    def get(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = self._found(name)
        return self._known[name]

    def _found(self, name: str) -> Any:
        """The decoded value of an attribute. Raises Undecided."""
        member = self.attribute(name)
        for statement in self.statements:
            if isinstance(statement, Attribute) and statement.name.name == name:
                value = self._read(statement.value, member.type)
                return value if member.settle is None else member.settle(value)
        if isinstance(member.default, Missing):
            return zero(member.type)
        # A declared class has decoded defaults.
        return member.default if self.spec.cls is not None else convert(member.default, member.type)

    def text(self, name: str) -> str:
        if name in self.spec.young and self.given(name):
            raise Undecided
        return super().text(name)

    def blocks(self, name: str) -> list[Body]:
        member = self.inner(name)
        if name in self.spec.young and self.given(name):
            raise Undecided
        return [
            Body(member.body, s.body, self._read)
            for s in self.statements
            if isinstance(s, Block) and s.full_name == name
        ]

    def block(self, name: str) -> Body | None:
        member = self.inner(name)
        found = self.blocks(name)
        if found:
            return found[0]
        return Body(member.body, (), self._read) if _is_there(member) else None

    def grouped(self, group: str) -> int:
        prefix = f"{group}."  # also of blocks that this version does not have
        return sum(isinstance(s, Block) and s.full_name.startswith(prefix) for s in self.statements)


def _is_null(value: Expression) -> bool:
    """Whether the value is a literal null, which counts as not given; other expressions are given."""
    return isinstance(value, Literal) and value.kind == "NULL"


def _is_there(member: BlockSpec) -> bool:
    """Whether an absent block still has its default values; for a declared class its default decides."""
    return member.preset or not isinstance(member.default, Missing | types.NoneType)
