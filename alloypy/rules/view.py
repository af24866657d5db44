"""What a rule sees of a body, both for the decoder (of an instance) and for the checker (of statements)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from alloypy.lang.values import OptionalSecret, Secret
from alloypy.schema.faults import Fault
from alloypy.schema.spec import AttributeSpec, BlockSpec, Member, Spec


class Undecided(Exception):
    """A value is not known before the configuration runs; a rule that needs it ends without a verdict.

    So does a rule of Alloy's main branch if it reads a setting that an earlier version lacks or has with
    another type, or what is in a setting younger than Alloy 1.0.
    """


class View(ABC):
    """The values of a body by the names of the configuration, defaults included.

    spec: what the body may contain.
    older: whether it is checked for an earlier version of Alloy, of which only `spec` is known.
    """

    __slots__ = ("older", "spec")

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.older = False

    @abstractmethod
    def given(self, name: str) -> bool:
        """Whether the configuration has the attribute or block of that name, with a value other than null.

        Raises Undecided.
        """

    @abstractmethod
    def get(self, name: str) -> Any:
        """The decoded value of an attribute. Raises Undecided."""

    @abstractmethod
    def blocks(self, name: str) -> Sequence[View]:
        """The inner blocks of that name. Raises Undecided."""

    @abstractmethod
    def block(self, name: str) -> View | None:
        """The inner block of that name, or the default one if it exists without being given.

        Raises Undecided.
        """

    @abstractmethod
    def grouped(self, group: str) -> int:
        """How many blocks of a group, such as `auth`, there are."""

    def text(self, name: str) -> str:
        """The value of a string or secret. Raises Undecided."""
        value = _revealed(self.get(name))
        return "" if value is None else str(value)

    def filled(self, name: str) -> bool:
        """Whether a string, secret, list or map is not empty. Raises Undecided."""
        return bool(_revealed(self.get(name)))

    def member(self, name: str) -> Member:
        """The spec of an attribute or block. Raises Undecided if an earlier version had it otherwise."""
        if name in self.spec.changed:
            raise Undecided
        return self.spec.lookup[name]

    def has(self, name: str) -> bool:
        """Whether there is an attribute or block of that name. Raises Undecided as `member` does."""
        if name in self.spec.changed:
            raise Undecided
        return name in self.spec.lookup

    def attribute(self, name: str) -> AttributeSpec:
        """The spec of an attribute."""
        member = self.member(name)
        if not isinstance(member, AttributeSpec):
            raise TypeError(f"{name} is a block")
        return member

    def inner(self, name: str) -> BlockSpec:
        """The spec of an inner block."""
        member = self.member(name)
        if not isinstance(member, BlockSpec):
            raise TypeError(f"{name} is an attribute")
        return member


def _revealed(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret | OptionalSecret) else value


Rule: TypeAlias = Callable[[View], Iterator[Fault]]
"""Yields the faults in Alloy's order; raises Undecided if they depend on values known only at run time."""


class Instance(View):
    """An instance of a declared class. What differs from its default counts as given."""

    __slots__ = ("_instance",)

    def __init__(self, instance: Any) -> None:
        from alloypy.schema.derive import spec_of  # imports `dataclasses`, which checks do not need

        super().__init__(spec_of(type(instance)))
        self._instance = instance

    def given(self, name: str) -> bool:
        member = self.spec.lookup[name]
        return bool(self._value(member.path) != member.default)

    def get(self, name: str) -> Any:
        return self._value(self.attribute(name).path)

    def blocks(self, name: str) -> list[View]:
        member = self.inner(name)
        value = self._value(member.path)
        several = value if member.repeated or member.count is not None else (value,)
        return [Instance(each) for each in several if each is not None]

    def block(self, name: str) -> View | None:
        found = self.blocks(name)
        return found[0] if found else None

    def grouped(self, group: str) -> int:
        path = next((m.path for m in self.spec.groups.values() if m.group == group), None)
        return 0 if path is None else len(self._value(path))

    def _value(self, path: tuple[str, ...]) -> Any:
        value = self._instance
        for name in path:
            value = getattr(value, name)
        return value
