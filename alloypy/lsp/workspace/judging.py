"""How the configuration of a file is checked: as the settings of its project say, then those of the client.

The same settings as for `alloypy validate`, with the same meaning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alloypy.check.units.settings import Projects
from alloypy.check.units.settings_error import SettingsError

if TYPE_CHECKING:
    from alloypy.catalog.catalog import Catalog
    from alloypy.catalog.versions import Version
    from alloypy.check.scope import Language
    from alloypy.check.units.settings_file import Settings
    from alloypy.check.units.units import CheckOptions

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
CLIENT_SETTINGS = (
    *("alloyVersion", "for", "stabilityLevel", "communityComponents", "select", "extendSelect", "ignore"),
    *("perFileIgnores", "envFiles", "units", "exclude"),
)
"""The settings of clients that mean what those of projects do, whose names have `-` before a small letter."""
_KEYS = frozenset(_CAPITAL.sub("-", name).lower() for name in CLIENT_SETTINGS)


class Judging:
    """The settings and options by path; what was read once is kept.

    problems: why settings cannot be used, in the words of the command line.
    """

    def __init__(self, client: Mapping[str, Any] | None = None, folder: str = "") -> None:
        self.problems: dict[str, None] = {}
        self._projects = Projects()
        self._faulty: set[str] = set()
        self._client: Settings | None = None
        self._known: dict[Settings | None, CheckOptions] = {}
        wanted = {_CAPITAL.sub("-", key).lower(): value for key, value in (client or {}).items()}
        wanted = {key: value for key, value in wanted.items() if key in _KEYS and value is not None}
        if wanted:
            self._read_client(wanted, folder)

    def _read_client(self, wanted: Mapping[str, Any], folder: str) -> None:
        from alloypy.check.units.settings_file import given_settings

        try:
            self._client = given_settings(wanted, folder)
        except SettingsError as error:
            self._note(error)

    def settings(self, path: str) -> Settings | None:
        """The settings for a file or directory, those of its project before those of the client."""
        project = self._of_project(path)
        client = self._client
        if project is None or client is None:
            return project or client
        runs = project.alloy_version is not None or project.program is not None
        return project._replace(
            alloy_version=project.alloy_version if runs else client.alloy_version,
            version_place=project.version_place if runs else client.version_place,
            program=project.program if runs else client.program,
            stability=client.stability if project.stability is None else project.stability,
            community=client.community if project.community is None else project.community,
            env_files=project.env_files or client.env_files,
            exclude=project.exclude or client.exclude,
            units=project.units or client.units,
            per_file=project.per_file or client.per_file,
        )

    def _of_project(self, path: str) -> Settings | None:
        if path in self._faulty or not Path(path).is_absolute():
            return None
        try:
            return self._projects.of(path)
        except SettingsError as error:
            self._faulty.add(path)
            self._note(error)
            return None

    def _note(self, error: Exception) -> None:
        self.problems[str(error)] = None

    def checking(self, path: str) -> CheckOptions:
        """How the configuration of a file is checked."""
        settings = self.settings(path)
        known = self._known.get(settings)
        if known is None:
            known = self._known[settings] = self._made(settings, self._of_project(path))
        return known

    def language(self, path: str) -> Catalog:
        """What Alloy of the settings' version has."""
        from alloypy.catalog.catalog import load_catalog

        settings = self.settings(path)
        return load_catalog(self._version(settings) if settings is not None else None)

    def _version(self, settings: Settings) -> Version | None:
        from alloypy.check.units.settings_options import version_of

        try:
            return version_of(settings)
        except SettingsError as error:
            self._note(error)
            return None

    @property
    def environment_files(self) -> frozenset[str]:
        """The files of variables that the settings used so far name."""
        return frozenset(path for each in list(self._known) if each is not None for path in each.env_files)

    def environment(self, path: str) -> dict[str, str]:
        """The variables in the files that the settings name."""
        from alloypy.check.units.environment import variables_in

        settings = self.settings(path)
        return variables_in(settings.env_files, self._note) if settings is not None else {}

    def _made(self, settings: Settings | None, project: Settings | None) -> CheckOptions:
        if settings is None:
            from alloypy.check.units.units import CheckOptions
            from alloypy.graph.admission import Gate

            return CheckOptions(self._language(None), Gate(), {})
        from alloypy.check.lint.selecting import choose
        from alloypy.check.units.settings_options import options_of

        chosen = choose(*(each.selectors for each in (self._client, project) if each is not None))
        return options_of(settings, self._language(settings), chosen, self._note)

    def _language(self, settings: Settings | None) -> Language:
        if settings is not None and settings.program == "alloypy":
            from alloypy.own_language import own_language

            return own_language()
        from alloypy.catalog.catalog import load_catalog

        return load_catalog(self._version(settings) if settings is not None else None)
