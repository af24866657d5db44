"""The flags of commands that look at configurations: which ones, and what is permitted and known there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from alloypy.check.scope import Language
from alloypy.check.units.settings import Projects
from alloypy.check.units.units import CheckOptions, Outcome
from alloypy.cli.commands.validate.options import SettingsFlags, environment, settings_of
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

if TYPE_CHECKING:
    from alloypy.check.units.settings_file import Settings
    from alloypy.cli.files.manifests import Read

T = TypeVar("T")


class UnitFlags:
    """The flags, declared on those of a command; their names and meanings are those of `validate`."""

    def __init__(self, flags: FlagSet) -> None:
        self._flags = flags
        self._stability = stability_level(flags)
        self._community = community_components(flags)
        self._of_settings = SettingsFlags(flags)
        self._recursive = flags.bool(
            "recursive", short="r", doc="look at every directory below with *.alloy files"
        )
        self._units = kind_of_units(flags)
        self._exclude = excluded(flags)
        self._from_yaml = flags.bool(
            "from-yaml",
            doc="look at the configurations in YAML files: in ConfigMaps and values of Helm charts",
        )
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
    def community_given(self) -> bool:
        """Whether the command line says if community components are allowed."""
        return self._community.given

    @cached_property
    def _projects(self) -> Projects:
        return self._of_settings.projects()

    def settings(self, path: str) -> Settings | None:
        """The settings for a path on the command line, if there are any. Raises UsageError."""
        return settings_of(path, self._projects, self.stdin_name)

    def permitted(self, path: str) -> Gate:
        """What the command line permits at a path, or else the settings there. Raises UsageError."""
        settings = self.settings(path)
        if settings is None:
            return self.gate
        from alloypy.check.units.settings_options import Given, gate_of

        stability, community = self.gate
        given = Given(
            stability if self.stability_given else None, community if self._community.given else None
        )
        return gate_of(settings, given)

    @property
    def stdin_name(self) -> str:
        """The name of standard input in messages."""
        return self._stdin_name.value or "<stdin>"

    @property
    def from_yaml(self) -> bool:
        """Whether the paths are YAML files."""
        return self._from_yaml.value

    def units(self, paths: Sequence[str]) -> Units:
        """The configurations that the command line names, or the YAML files. Raises UsageError."""
        if not paths and not self._listing.given:
            raise UsageError("requires at least 1 arg(s), only received 0", usage=self._flags.usage)
        every = [*paths, *self._listing.read()]
        if self.from_yaml:
            return Units(every, [], [])
        return find_units(every, self._grouping())

    def in_yaml(self, paths: Sequence[str], read: Read[T], about: Callable[[str, Outcome], T]) -> Iterator[T]:
        """What is said about the configurations in the YAML files that the paths mean."""
        from alloypy.cli.files.manifests import Manifests

        return Manifests(read, about, self._grouping(), self.stdin_name).all(paths)

    def _grouping(self) -> Grouping:
        auto = self._units.value == "auto"
        by_settings = auto or not self._units.given
        return Grouping(
            self._recursive.value,
            auto,
            self._exclude.value,
            unit_of=self._unit_of if by_settings else lambda path: None,
            excludes=self._excludes,
        )

    def _unit_of(self, path: str) -> str | None:
        settings = self.settings(path)
        return settings.unit_of(path) if settings is not None and settings.units else None

    def _excludes(self, path: str) -> bool:
        settings = self.settings(path)
        return settings is not None and settings.excludes(path)

    def options(self, language: Language, path: str, gate: Gate | None = None) -> CheckOptions:
        """How the configuration at a path is checked: without lint rules. Raises UsageError."""
        environ = self._environ(self.settings(path))
        return CheckOptions(language, gate or self.permitted(path), environ, selected=frozenset())

    def _environ(self, settings: Settings | None) -> Mapping[str, str]:
        """The variables that the environment will have."""
        own = environment(self._env.value, self._env_file.value)
        return {**environment((), settings.env_files), **own} if settings is not None else own
