"""What a body may contain: the description that every reader of declarations uses.

`alloypy.schema.derive.spec_of` derives it from a declared class; the catalog builds it from its data.
Nothing here imports `dataclasses`, so that checks that use only the catalog start quickly.
Source: docs/spec/SYNTAX.md, section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

from alloypy.lang.types import Type


class Missing:
    """The default of a required attribute or block."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


class AttributeSpec:
    """One attribute.

    path: Python field names from the body's instance to the value; longer than one for squashed fields.
    default: a Python value as decoding would return it, or MISSING.
    settle: turns conversion's result into the annotated type (lists into tuples), or None.
    """

    __slots__ = ("default", "doc", "name", "path", "required", "secret", "settle", "shown", "type")

    def __init__(
        self,
        name: str,
        type: Type,  # noqa: A002 -- the word of the configuration language
        *,
        required: bool,
        default: Any = MISSING,
        secret: bool = False,
        doc: str = "",
        path: tuple[str, ...] = (),
        settle: Callable[[Any], Any] | None = None,
        shown: bool = False,
    ) -> None:
        self.name = name
        self.type = type
        self.required = required
        self.default = default
        self.secret = secret
        self.doc = doc
        self.path = path
        self.settle = settle
        self.shown = shown


class BlockSpec:
    """One kind of inner block.

    repeated: whether it may be given any number of times and becomes a list.
    count: the exact number of times it must be given, or None.
    group: name of the enum it belongs to, or "". A grouped block's name includes the group's.
    preset: whether it has its default values even if it is absent.
    default: the value of an absent block, or MISSING.
    """

    __slots__ = (
        "_body",
        "count",
        "default",
        "doc",
        "group",
        "name",
        "path",
        "preset",
        "repeated",
        "required",
        "settle",
        "shown",
    )

    def __init__(
        self,
        name: str,
        body: Callable[[], Spec],
        *,
        required: bool,
        repeated: bool = False,
        count: int | None = None,
        group: str = "",
        default: Any = MISSING,
        doc: str = "",
        path: tuple[str, ...] = (),
        settle: Callable[[Any], Any] | None = None,
        shown: bool = False,
        preset: bool = False,
    ) -> None:
        self.name = name
        self._body: Callable[[], Spec] | Spec = body
        self.required = required
        self.repeated = repeated
        self.count = count
        self.group = group
        self.default = default
        self.doc = doc
        self.path = path
        self.settle = settle
        self.shown = shown
        self.preset = preset

    @property
    def body(self) -> Spec:
        """What it may contain; resolved on first use, because bodies may nest in themselves."""
        if not isinstance(self._body, Spec):
            self._body = self._body()
        return self._body


Member: TypeAlias = AttributeSpec | BlockSpec


class Spec:
    """What one body may contain.

    members: attributes and blocks in declared order, grouped blocks included.
    lookup: attributes and ungrouped blocks by name. groups: grouped blocks by full name.
    required: what must be given, in the order in which it is reported missing.
    takes_label: whether the block must have a label.
    free: type of every attribute of a body with free names, else None.
    cls: the declared class, None for a spec from the catalog.
    rules: key of its rules in `alloypy.rules`, such as a Go type, or "".
    changed: in the spec of an earlier version, the names that it does not have, or has with another type
        than main; a rule that reads one is not applied.
    young: in the spec of an earlier version, the names that are younger than Alloy 1.0; what is inside such a
        block, or such a text, is not judged.
    """

    __slots__ = (
        "changed",
        "cls",
        "free",
        "groups",
        "label_path",
        "lookup",
        "members",
        "name",
        "required",
        "rules",
        "squashed",
        "young",
    )

    def __init__(
        self,
        name: str,
        members: tuple[Member, ...],
        *,
        required: tuple[Member, ...] | None = None,
        label_path: tuple[str, ...] | None = None,
        free: Type | None = None,
        cls: type[Any] | None = None,
        squashed: Mapping[tuple[str, ...], tuple[type[Any], Any]] | None = None,
        rules: str = "",
        changed: Collection[str] = (),
        young: Collection[str] = (),
    ) -> None:
        self.name = name
        self.members = members
        self.lookup: dict[str, Member] = {}
        self.groups: dict[str, BlockSpec] = {}
        for member in members:
            if isinstance(member, BlockSpec) and member.group:
                self.groups[member.name] = member
            else:
                self.lookup[member.name] = member
        self.required = tuple(m for m in members if m.required) if required is None else required
        self.label_path = label_path
        self.free = free
        self.cls = cls
        self.squashed = squashed or {}
        self.rules = rules
        self.changed = changed
        self.young = young

    def with_rules(self, rules: str) -> Spec:
        """The same body with other rules."""
        return Spec(
            self.name,
            self.members,
            required=self.required,
            label_path=self.label_path,
            free=self.free,
            cls=self.cls,
            squashed=self.squashed,
            rules=rules,
            changed=self.changed,
            young=self.young,
        )

    @property
    def takes_label(self) -> bool:
        """Whether the block must have a label."""
        return self.label_path is not None

    @property
    def attributes(self) -> tuple[AttributeSpec, ...]:
        """The attributes, in declared order."""
        return tuple(m for m in self.members if isinstance(m, AttributeSpec))

    @property
    def blocks(self) -> tuple[BlockSpec, ...]:
        """The inner blocks, in declared order."""
        return tuple(m for m in self.members if isinstance(m, BlockSpec))
