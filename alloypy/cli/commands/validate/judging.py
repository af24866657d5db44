"""How each configuration is checked: as the command line says, else as the settings of its project say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alloypy.check.scope import Language
from alloypy.check.units.settings_error import SettingsError
from alloypy.check.units.units import CheckOptions
from alloypy.cli.commands.validate.options import Asked, refuse_environment, settings_of
from alloypy.cli.usage_error import UsageError

if TYPE_CHECKING:
    from alloypy.catalog.versions import Version
    from alloypy.check.lint.selecting import Chosen
    from alloypy.check.units.settings_file import Settings


class Judging:
    """The options of checks by path; those of one project are made once.

    notes: what to tell about the versions of Alloy that were chosen.
    """

    def __init__(self, options: Asked) -> None:
        self._options = options
        self.notes = [options.version_note] if options.version_note else []
        self._projects = options.projects
        self._known: dict[Settings | None, CheckOptions] = {}

    def settings(self, path: str) -> Settings | None:
        """The settings for a path on the command line, if there are any. Raises UsageError."""
        return settings_of(path, self._projects, self._options.stdin_name)

    def checking(self, path: str) -> CheckOptions:
        """How the unit at `path` is checked. Raises UsageError for settings that cannot be used."""
        settings = self.settings(path)
        known = self._known.get(settings)
        if known is None:
            known = self._known[settings] = self._made(settings)
        return known

    def for_any(self, path: str) -> bool:
        """Whether settings leave open which program runs the configuration."""
        settings = self.settings(path)
        return settings is None or (settings.program is None and settings.alloy_version is None)

    def unit_of(self, path: str) -> str | None:
        """The configuration to which settings say that a file belongs; None if they do not."""
        settings = self.settings(path)
        return settings.unit_of(path) if settings is not None and settings.units else None

    def excludes(self, path: str) -> bool:
        """Whether settings exclude a path."""
        settings = self.settings(path)
        return settings is not None and settings.excludes(path)

    def title(self) -> str:
        """For which version of Alloy all configurations were checked, if not for main."""
        versions = {made.language.version for made in self._known.values()}
        version = versions.pop() if len(versions) == 1 else None
        return f" for Alloy {version.name}" if version is not None else ""

    def _made(self, settings: Settings | None) -> CheckOptions:
        options = self._options
        if settings is None:
            language = _language(options.program, options.version)
            made = CheckOptions(language, options.gate, options.environ, options.full_environ)
            return _choosing(made, options.chosen()) if options.selects else made
        from alloypy.check.units.settings_options import Given, options_of

        given = Given(
            options.gate.stability if options.stability_given else None,
            options.gate.community if options.community_given else None,
            options.environ,
            options.full_environ,
        )
        language, chosen = self._of_settings(settings), options.chosen(settings.selectors)
        return options_of(settings, language, chosen, refuse_environment, given)

    def _of_settings(self, settings: Settings) -> Language:
        """What exists for the program and version that the command line or else settings name."""
        options = self._options
        program, version = options.program, options.version
        if settings.program is not None and not options.program_given and not options.version_given:
            program = settings.program
        if settings.alloy_version is not None and program == "alloy" and not options.version_given:
            from alloypy.check.units.settings_options import version_of
            from alloypy.cli.common_flags import candidate_note

            try:
                version = version_of(settings)
            except SettingsError as error:
                raise UsageError(str(error)) from None
            note = candidate_note(version, settings.alloy_version)
            self.notes += [note] if note and note not in self.notes else []
        return _language(program, version)


def _choosing(made: CheckOptions, chosen: Chosen) -> CheckOptions:
    return made._replace(selected=chosen.selected, ignored=chosen.ignored)


def _language(program: str, version: Version | None) -> Language:
    if program == "alloypy":
        from alloypy.own_language import own_language

        return own_language()
    from alloypy.catalog.catalog import load_catalog

    return load_catalog(version)
