"""The options of checks that settings decide, where nothing that counts more does, such as flags.

Imported only once there are settings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from alloypy.check.units.environment import Refuse, variables_in
from alloypy.check.units.settings_error import SettingsError
from alloypy.check.units.units import CheckOptions
from alloypy.graph.admission import Gate

if TYPE_CHECKING:
    from alloypy.catalog.versions import Version
    from alloypy.check.lint.selecting import Chosen
    from alloypy.check.scope import Language
    from alloypy.check.units.settings_file import Settings
    from alloypy.schema.stability import Stability


class Given(NamedTuple):
    """What counts more than settings; None for what is left to them.

    environ: variables that the environment will have. full_environ: the whole environment, if known.
    """

    stability: Stability | None = None
    community: bool | None = None
    environ: Mapping[str, str] = {}
    full_environ: Mapping[str, str] | None = None


_NOTHING = Given()


def options_of(
    settings: Settings, language: Language, chosen: Chosen, refuse: Refuse, given: Given = _NOTHING
) -> CheckOptions:
    """How configurations are checked.

    language: what exists for the program and version that settings name. chosen: what their selectors choose.
    """
    environ, full_environ = given.environ, given.full_environ
    if settings.env_files:
        environ = {**variables_in(settings.env_files, refuse), **environ}
        full_environ = {**os.environ, **environ}
    gate = gate_of(settings, given)
    made = CheckOptions(language, gate, environ, full_environ, chosen.selected, chosen.ignored)
    return made._replace(ignored_in=settings.ignored_in) if settings.per_file else made


def gate_of(settings: Settings, given: Given = _NOTHING) -> Gate:
    """Which components are permitted."""
    default = Gate()
    stability = settings.stability if given.stability is None else given.stability
    community = settings.community if given.community is None else given.community
    return Gate(
        default.stability if stability is None else stability,
        default.community if community is None else community,
    )


def version_of(settings: Settings) -> Version | None:
    """The version of Alloy that settings name; None for main and where they name none.

    Raises SettingsError.
    """
    if settings.alloy_version is None or settings.alloy_version == "main":
        return None
    from alloypy.catalog.versions import VersionError, find_version

    try:
        version = find_version(settings.alloy_version)
    except VersionError as error:
        raise SettingsError(f"{settings.version_place or settings.path}: alloy-version: {error}") from None
    return None if version.is_main else version
