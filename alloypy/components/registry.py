"""Every kind of component in alloypy, one line each; nothing else registers components.

A component's module is imported when a configuration first uses it, so a process pays only for what it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from alloypy.preloading import PRELOADING, check_installed
from alloypy.runtime.contract.component import Registration

MODULES: Mapping[str, str] = {
    "alloypy.queue": "own.queue",
    "discovery.dns": "discovery.dns",
    "discovery.http": "discovery.http",
    "discovery.kubernetes": "discovery.kubernetes",
    "discovery.docker": "discovery.docker",
    "discovery.file": "discovery.file",
    "discovery.process": "discovery.process",
    "discovery.relabel": "discovery.relabel",
    "local.file": "local.file",
    "local.file_match": "local.file_match",
    "pyroscope.enrich": "pyroscope.enrich",
    "pyroscope.receive_http": "pyroscope.receive_http",
    "pyroscope.relabel": "pyroscope.relabel",
    "pyroscope.scrape": "pyroscope.scrape",
    "pyroscope.write": "pyroscope.write",
    "remote.http": "remote.http",
}
"""The module of each component, below `alloypy.components`; it has a `registration`."""


class Registry(Mapping[str, Registration]):
    """The registrations by name, imported as they are asked for."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = modules
        self._known: dict[str, Registration] = {}

    def __getitem__(self, name: str) -> Registration:
        known = self._known.get(name)
        if known is None:
            full = f"alloypy.components.{self._modules[name]}"
            check_installed(full)
            module = import_module(full)
            known = self._known[name] = module.registration
            PRELOADING.want(*known.later)
        return known

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


REGISTRY = Registry(MODULES)
