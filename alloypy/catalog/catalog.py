"""The catalog as specs and entries, which are built on first use."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from alloypy.catalog.store import Store, main_store
from alloypy.catalog.types import TypeReader
from alloypy.lang.types import Type
from alloypy.schema.spec import AttributeSpec, BlockSpec, Member, Spec

if TYPE_CHECKING:
    from alloypy.catalog.replay import PastStore
    from alloypy.catalog.versions import Version


class ComponentEntry(NamedTuple):
    """One component.

    stability: `generally-available`, `public-preview` or `experimental`; "community" for all community
        components.
    exports: None for a component that exports nothing.
    """

    name: str
    stability: str
    community: bool
    arguments: Spec
    exports: Spec | None


class BlockEntry(NamedTuple):
    """One config block or service.

    kind: `config`, `declare` or `service`. allowed: `root`, `module` or `anywhere`.
    arguments: None for a service that cannot be configured, and for `declare`.
    """

    name: str
    kind: str
    label: str
    allowed: str
    stability: str
    arguments: Spec | None


class Catalog:
    """What Alloy's components and config blocks accept."""

    def __init__(self, store: Store | PastStore) -> None:
        self._store = store
        self._types = TypeReader(partial(store.entry, "types"), self._body_attributes)
        self._components: dict[str, ComponentEntry] = {}
        self._blocks: dict[str, BlockEntry] = {}
        self._bodies: dict[str, Spec] = {}

    @property
    def title(self) -> str:
        """The Alloy that is described, for users: `Alloy 1.10.2`, or `Alloy main, the coming 1.19`."""
        from alloypy.catalog.versions import timeline

        line = timeline()
        return line.title(self._store.version or line.main)

    @property
    def version(self) -> Version | None:
        """The version that was asked for; None for main."""
        return self._store.version

    @property
    def has_history(self) -> bool:
        """Whether `alloypy.catalog.history` is the history of what it describes."""
        return True

    def missing_package(self, name: str) -> str:
        """Nothing: Alloy has all that its components need."""
        return ""

    @property
    def store(self) -> Store:
        """The entries of main in packed form."""
        return self._store.main

    @property
    def identifiers(self) -> Mapping[str, Any]:
        """Top-level names of the standard library; a list of members for a namespace of functions."""
        return self._store.identifiers

    @property
    def deprecated(self) -> frozenset[str]:
        """Deprecated names of the standard library."""
        return self._store.deprecated

    @property
    def experimental(self) -> frozenset[str]:
        """Experimental functions of the standard library, with their namespaces."""
        return self._store.experimental

    @property
    def component_names(self) -> Collection[str]:
        """All component names, in alphabetical order."""
        return self._store.names("components")

    @property
    def beyond(self) -> Catalog:
        """The vocabulary of all of Alloy: this catalog."""
        return self

    @property
    def block_names(self) -> Collection[str]:
        """The names of config blocks and services, in alphabetical order."""
        return self._store.names("config_blocks")

    def component(self, name: str) -> ComponentEntry | None:
        """The component `name`; None if Alloy has no such component."""
        known = self._components.get(name)
        if known is None and name in self.component_names:
            entry = self._store.entry("components", name)
            known = self._components[name] = ComponentEntry(
                name,
                entry["stability"],
                entry.get("community", False),
                self._body(entry["args"]),
                self._body(entry["exports"]) if "exports" in entry else None,
            )
        return known

    def block(self, name: str) -> BlockEntry | None:
        """The config block or service `name`; None if there is none."""
        known = self._blocks.get(name)
        if known is None and name in self.block_names:
            entry = self._store.entry("config_blocks", name)
            known = self._blocks[name] = BlockEntry(
                name,
                entry["kind"],
                entry["label"],
                entry["allowed"],
                entry.get("stability", "generally-available"),
                self._body(entry["args"]) if "args" in entry else None,
            )
        return known

    def definition(self, name: str) -> Spec:
        """A body shared by several components, by the name of its Go type. Raises KeyError."""
        known = self._bodies.get(name)
        if known is None:
            known = self._bodies[name] = self._body(self._store.entry("defs", name))
        return known

    def type(self, notation: str) -> Type:
        """The wanted type for a notation. Raises KeyError for an unknown one."""
        return self._types.read(notation)

    def _body_attributes(self, packed: Any) -> tuple[AttributeSpec, ...]:
        return self._body(packed).attributes

    def _body(self, packed: str | Mapping[str, Any]) -> Spec:
        if isinstance(packed, str):
            return self.definition(packed)
        need = packed.get("need", ())
        members: tuple[Member, ...] = (
            *(self._attribute(attribute, need) for attribute in packed.get("attrs", ())),
            *(self._block_spec(block, need) for block in packed.get("blocks", ())),
        )
        by_name = {member.name: member for member in members}
        required = tuple(by_name[name] for name in need)
        return Spec(
            packed["go"],
            members,
            required=required,
            rules=packed["go"],
            changed=packed.get("changed", ()),
            young=packed.get("young", ()),
        )

    def _attribute(self, packed: list[Any], need: Collection[str]) -> AttributeSpec:
        name, notation, *default = packed
        return AttributeSpec(
            name,
            self._types.read(notation),
            required=name in need,
            secret="secret" in notation,
            path=(name,),
            **({"default": default[0]} if default else {}),
        )

    def _block_spec(self, packed: list[Any], need: Collection[str]) -> BlockSpec:
        name, flags, body = packed
        words = dict(word.partition("=")[::2] for word in flags.split())
        return BlockSpec(
            name,
            partial(self._labelled if "label" in words else self._body, body),
            required=name in need,
            repeated="repeated" in words,
            group=words.get("enum", ""),
            path=(name,),
            preset="preset" in words,
        )

    def _labelled(self, packed: str | Mapping[str, Any]) -> Spec:
        """The body of a block with a label: a copy, because a shared body may also be used without one."""
        spec = self._body(packed)
        return Spec(
            spec.name,
            spec.members,
            required=spec.required,
            label_path=("$label",),
            rules=spec.rules,
            changed=spec.changed,
            young=spec.young,
        )


@cache
def _main() -> Catalog:
    return Catalog(main_store())


def load_catalog(version: Version | None = None) -> Catalog:
    """The catalog of a version of Alloy, read once; without one, that of main. Raises CatalogError.

    Only a version other than main reads the history (`alloypy.catalog.history`).
    """
    return _main() if version is None or version.is_main else _past(version)


@cache
def _past(version: Version) -> Catalog:
    from alloypy.catalog.history import load_history
    from alloypy.catalog.replay import PastStore

    return Catalog(PastStore(_main().store, load_history(), version))
