"""The flags of commands that look at configurations: which ones, and what is permitted and known there."""

from __future__ import annotations

from collections.abc import Sequence

from alloypy.check.scope import Language
from alloypy.check.units.units import CheckOptions
from alloypy.cli.commands.validate.options import environment
from alloypy.cli.common_flags import (
    community_components,
    environment_flags,
    excluded,
    kind_of_units,
    stability_level,
    stdin_filename,
)
from alloypy.cli.files.named_paths import ListFlags
from alloypy.cli.files.units import Grouping, Units, find_units
from alloypy.cli.flags import FlagSet
from alloypy.cli.usage_error import UsageError
from alloypy.graph.admission import Gate
from alloypy.schema.stability import LEVELS


class UnitFlags:
    """The flags, declared on those of a command; their names and meanings are those of `validate`."""

    def __init__(self, flags: FlagSet) -> None:
        self._flags = flags
        self._stability = stability_level(flags)
        self._community = community_components(flags)
        self._recursive = flags.bool(
            "recursive", short="r", doc="look at every directory below with *.alloy files"
        )
        self._units = kind_of_units(flags)
        self._exclude = excluded(flags)
        self._listing = ListFlags(flags)
        self._stdin_name = stdin_filename(flags)
        self._env, self._env_file = environment_flags(flags)

    @property
    def gate(self) -> Gate:
        """The stability level and the community components that the command line allows."""
        return Gate(LEVELS[self._stability.value], self._community.value)

    @property
    def stability_given(self) -> bool:
        """Whether the command line names a stability level."""
        return self._stability.given

    @property
    def stdin_name(self) -> str:
        """The name of standard input in messages."""
        return self._stdin_name.value or "<stdin>"

    def units(self, paths: Sequence[str]) -> Units:
        """The configurations that the command line names. Raises UsageError."""
        if not paths and not self._listing.given:
            raise UsageError("requires at least 1 arg(s), only received 0", usage=self._flags.usage)
        every = [*paths, *self._listing.read()]
        auto = self._units.value == "auto"
        return find_units(every, Grouping(self._recursive.value, auto, self._exclude.value))

    def options(self, language: Language, gate: Gate | None = None) -> CheckOptions:
        """How the configurations are checked: without lint rules. Raises UsageError."""
        environ = environment(self._env.value, self._env_file.value)
        return CheckOptions(language, gate or self.gate, environ, selected=frozenset())
