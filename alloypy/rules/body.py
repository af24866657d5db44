"""What a rule sees of a body: the values that the file alone decides.

Asking for any other value raises Undecided, which ends the rule without a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from alloypy.lang.conversion import convert, zero
from alloypy.lang.types import Type
from alloypy.lang.values import OptionalSecret, Secret
from alloypy.schema.partial import Undecided
from alloypy.schema.spec import AttributeSpec, BlockSpec, Missing, Spec
from alloypy.syntax.tree import Attribute, Block, Expression, Statement

__all__ = ["Body", "Broken", "Reader", "Rule", "Undecided"]


class Broken(NamedTuple):
    """A broken rule: the attribute or block of the body at fault, "" for the body itself, and why."""

    name: str
    message: str


Reader: TypeAlias = Callable[[Expression, Type], Any]
"""Gives the decoded value of an expression, or raises Undecided."""


class Body:
    """The statements of a body, and its defaults.

    spec: what it may hold; its name is that of the Go type. statements: empty for an absent body.
    """

    __slots__ = ("_read", "spec", "statements")

    def __init__(self, spec: Spec, statements: Sequence[Statement], read: Reader) -> None:
        self.spec = spec
        self.statements = statements
        self._read = read

    def given(self, name: str) -> bool:
        """Whether the file has an attribute or a block of that name here."""
        return any(
            (s.name.name if isinstance(s, Attribute) else s.full_name) == name for s in self.statements
        )

    def get(self, name: str) -> Any:
        """The decoded value of an attribute, its default included. Raises Undecided."""
        member = self.spec.lookup[name]
        if not isinstance(member, AttributeSpec):
            raise TypeError(f"{name} is a block")
        for statement in self.statements:
            if isinstance(statement, Attribute) and statement.name.name == name:
                return self._read(statement.value, member.type)
        if isinstance(member.default, Missing):
            return zero(member.type)
        if self.spec.cls is not None:  # a declared class has decoded defaults
            return zero(member.type) if member.default is None else member.default
        return convert(member.default, member.type)

    def text(self, name: str) -> str:
        """The value of a string or secret. Raises Undecided."""
        value = self.get(name)
        if isinstance(value, Secret | OptionalSecret):
            return value.reveal()
        return str(value)

    def filled(self, name: str) -> bool:
        """Whether a string, secret, list or map holds anything. Raises Undecided."""
        value = self.get(name)
        return bool(value.reveal() if isinstance(value, Secret | OptionalSecret) else value)

    def blocks(self, name: str) -> list[Body]:
        """The inner blocks of that name."""
        member = self._member(name)
        return [
            Body(member.body, s.body, self._read)
            for s in self.statements
            if isinstance(s, Block) and s.full_name == name
        ]

    def block(self, name: str) -> Body | None:
        """The inner block of that name; with its defaults where it is there even when not given."""
        member = self._member(name)
        found = self.blocks(name)
        if found:
            return found[0]
        return Body(member.body, (), self._read) if member.preset else None

    def grouped(self, group: str) -> int:
        """How many blocks of a group, such as `auth`, there are."""
        names = {name for name, member in self.spec.groups.items() if member.group == group}
        return sum(isinstance(s, Block) and s.full_name in names for s in self.statements)

    def _member(self, name: str) -> BlockSpec:
        member = self.spec.lookup[name]
        if not isinstance(member, BlockSpec):
            raise TypeError(f"{name} is an attribute")
        return member


Rule: TypeAlias = Callable[[Body], Iterator[Broken]]
"""Yields what is broken; raises Undecided where the file alone does not tell."""
