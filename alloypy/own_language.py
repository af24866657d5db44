"""What alloypy itself can run, as the check wants it: `validate --for alloypy`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from alloypy.catalog.catalog import Catalog, load_catalog
from alloypy.check.scope import BlockEntry, ComponentEntry
from alloypy.components.registry import REGISTRY
from alloypy.rules.further import BLOCKS
from alloypy.runtime.blocks import modules
from alloypy.runtime.contract.component import Registration
from alloypy.runtime.evaluating import config_blocks
from alloypy.schema.derive import spec_of
from alloypy.schema.spec import Spec


class _Entry(NamedTuple):
    """One component of alloypy."""

    stability: str
    community: bool
    arguments: Spec
    exports: Spec | None


class OwnLanguage:
    """The components and blocks of alloypy; blocks of services and standard library as in the catalog."""

    def __init__(self, registrations: Mapping[str, Registration], catalog: Catalog) -> None:
        self._registrations = registrations
        self._catalog = catalog

    def component(self, name: str) -> ComponentEntry | None:
        """The component `name` where alloypy can run it."""
        registration = self._registrations.get(name)
        if registration is None:
            return None
        return _Entry(
            registration.stability.text,
            registration.community,
            spec_of(registration.arguments),
            spec_of(registration.exports) if registration.exports is not None else None,
        )

    def missing_package(self, name: str) -> str:
        """What must be installed before alloypy can run the component `name`; "" if nothing."""
        registration = self._registrations.get(name)
        needs = registration.needs if registration is not None else None
        return needs.missing(name) if needs is not None else ""

    def block(self, name: str) -> BlockEntry | None:
        """The config block or service `name`, with alloypy's own reasons to refuse it."""
        entry = self._catalog.block(name)
        if entry is None or entry.arguments is None:
            return entry
        arguments = entry.arguments
        # What services take is as in Alloy, and they check more than their classes declare.
        own = None if name in config_blocks.ARGUMENTS else block_classes().get(name)
        if own is not None:
            declared = spec_of(own)
            arguments = declared if declared.rules else declared.with_rules(arguments.rules)
        if name in BLOCKS:
            arguments = arguments.with_rules(BLOCKS[name])
        return entry._replace(arguments=arguments)

    @property
    def version(self) -> None:
        """No version of Alloy: this is what alloypy runs."""
        return None

    @property
    def has_history(self) -> bool:
        """Alloy's history says nothing about what alloypy runs."""
        return False

    @property
    def component_names(self) -> Collection[str]:
        """The components that alloypy can run."""
        return self._registrations.keys()

    @property
    def beyond(self) -> Catalog:
        """What Alloy has, whether alloypy runs it or not."""
        return self._catalog

    @property
    def block_names(self) -> Collection[str]:
        """The names of config blocks and services."""
        return self._catalog.block_names

    @property
    def identifiers(self) -> Mapping[str, object]:
        """Top-level names of the standard library."""
        return self._catalog.identifiers

    @property
    def deprecated(self) -> frozenset[str]:
        """Deprecated names of the standard library."""
        return self._catalog.deprecated

    @property
    def experimental(self) -> frozenset[str]:
        """Experimental functions, with their namespace."""
        return self._catalog.experimental


def block_classes() -> Mapping[str, type[Any]]:
    """The declared arguments of every config block that has any."""
    from alloypy.components.remote.http_import import Arguments as ImportHTTPArguments

    return {**config_blocks.ARGUMENTS, **modules.BLOCKS, "import.http": ImportHTTPArguments}


def own_language() -> OwnLanguage:
    """The language of this alloypy."""
    return OwnLanguage(REGISTRY, load_catalog())
