"""discovery.relabel: changes the labels of targets by rules, or drops targets.

Source: docs/spec/PYROSCOPE.md, section 6 (rules); the behaviour recorded in tests/golden/components.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from alloypy.components.relabel_rule import RULES_DOC, RuleArguments, relabel_rules
from alloypy.lang.targets import Target
from alloypy.profiles.model import DeliveryError
from alloypy.profiles.relabel import RelabelRules, relabel
from alloypy.rules import faults_of
from alloypy.runtime.contract.component import (
    BuildError,
    Component,
    Options,
    Registration,
    Stability,
    UpdateError,
)
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, block, export, exports
from alloypy.threads import WORK

_MANY = 200
_WORK_SECONDS = 60.0


@arguments(rules="discovery.relabel")
class Arguments:
    """Arguments of discovery.relabel."""

    targets: tuple[Target, ...] = attribute(doc="Targets to relabel.")
    rules: tuple[RuleArguments, ...] = block(name="rule", default=(), doc="Rules, applied in order.")

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


@exports
class Exports:
    """Exports of discovery.relabel."""

    output: tuple[Target, ...] = export(doc="The targets that are kept, with their new labels.")
    rules: RelabelRules = export(doc=RULES_DOC)


class RelabelError(Exception):
    """The rules cannot be applied; the text says why."""


class Relabelled(NamedTuple):
    """What rules make of targets.

    results: for each target what it becomes, None for one that is dropped.
    """

    exports: Exports
    results: Mapping[Target, Target | None]


_NOTHING = Relabelled(Exports(output=(), rules=RelabelRules(())), MappingProxyType({}))


async def relabelled(given: Arguments, known: Relabelled = _NOTHING) -> Relabelled:
    """What the rules make of the targets. Raises RelabelError.

    known: an earlier result; what its rules have made is used again if they are the same.
    """
    rules = relabel_rules(given.rules)
    results = known.results if known.exports.rules == rules else {}

    def work() -> Relabelled:
        return _relabelled(given.targets, rules, results)

    try:
        if len(given.targets) <= _MANY:
            return work()
        return await WORK.run(work, _WORK_SECONDS)
    except DeliveryError as error:
        raise RelabelError(str(error)) from None
    except TimeoutError:
        raise RelabelError(f"the rules take longer than {_WORK_SECONDS:g} seconds") from None


def _relabelled(
    targets: Sequence[Target], rules: RelabelRules, known: Mapping[Target, Target | None]
) -> Relabelled:
    results: dict[Target, Target | None] = {}
    output = []
    for target in targets:
        if target in known:
            made = known[target]
        else:
            labels = {name: value for name, value in target.labels.items() if value}
            changed = relabel(labels, rules.rules, any_name=True)
            made = None if changed is None else Target(changed)
        results[target] = made
        if made is not None:
            output.append(made)
    return Relabelled(Exports(output=tuple(output), rules=rules), results)


class Relabel(Component[Arguments, Exports]):
    """Relabels its targets whenever they or the rules change."""

    def __init__(self, options: Options, arguments: Arguments) -> None:
        _check(arguments, BuildError)
        self._options = options
        self._arguments = arguments
        self._current = self._prepared = _NOTHING

    async def prepare(self) -> None:
        """Relabel the first targets. Raises BuildError."""
        try:
            self._current = await relabelled(self._arguments)
        except RelabelError as error:
            raise BuildError(str(error)) from None
        self._options.set_exports(self._current.exports)

    async def run(self) -> None:
        """Wait to be cancelled; targets are relabelled when they change."""
        await asyncio.Event().wait()

    async def prepare_update(self, arguments: Arguments) -> Exports:
        """Relabel the new targets. Raises UpdateError."""
        _check(arguments, UpdateError)
        try:
            self._prepared = await relabelled(arguments, self._current)
        except RelabelError as error:
            raise UpdateError(str(error)) from None
        return self._prepared.exports

    async def update(self, arguments: Arguments) -> None:
        """Export what `prepare_update` has made."""
        self._current = self._prepared
        self._options.set_exports(self._current.exports)


def _check(arguments: Arguments, error: type[BuildError | UpdateError]) -> None:
    for fault in faults_of(arguments):
        raise error(fault.message)


registration = Registration("discovery.relabel", Stability.GENERALLY_AVAILABLE, Arguments, Exports, Relabel)
