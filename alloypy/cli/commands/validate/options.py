"""The command line of `alloypy validate`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NoReturn

from alloypy.check.units.settings import Projects
from alloypy.check.units.settings_error import SettingsError
from alloypy.cli.common_flags import (
    FIXES_ARE_IN_FILES,
    AlloyVersion,
    community_components,
    converting,
    environment_flags,
    excluded,
    kind_of_units,
    stability_level,
    stdin_filename,
    unknown_format,
)
from alloypy.cli.files.named_paths import STDIN, ListFlags
from alloypy.cli.files.units import Grouping
from alloypy.cli.flags import Flag, FlagSet
from alloypy.cli.report.output import ReportFlags
from alloypy.cli.usage_error import UsageError
from alloypy.graph.admission import Gate
from alloypy.schema.stability import LEVELS

if TYPE_CHECKING:
    from alloypy.catalog.versions import Version
    from alloypy.check.lint.selecting import Chosen, Selectors
    from alloypy.check.units.settings_file import Settings

_SUMMARY = """Check configurations for any Alloy component, without running anything.

Each PATH is one unit: a file, or a directory whose *.alloy files are taken together; - is standard
input. With --units=auto a directory is one unit if its files refer to each other, even if only some of
them are named; otherwise each file is one. With --from-yaml, each
PATH is a YAML file or a directory of them, and the keys of ConfigMaps that end in .alloy are units.
Exit code: 0 without errors, 1 with at least one. Warnings, including those for directories without
*.alloy files, cause a failure only with --strict."""


class ProgramFlags:
    """The program to check for, and what it permits."""

    def __init__(self, flags: FlagSet) -> None:
        self._stability = stability_level(flags)
        self._community = community_components(flags)
        self.program = flags.choice(
            "for", "alloy", ("alloy", "alloypy"), noun="program", doc="the program that will run it"
        )
        self._version = AlloyVersion(
            flags, "check for this version of Alloy: a release such as 1.10 or 1.10.2, newest, or main"
        )
        self.version_note = self._version.note

    @property
    def version_given(self) -> bool:
        """Whether the command line names a version of Alloy."""
        return self._version.flag.given

    def version(self) -> Version | None:
        """The version of Alloy to check for; None for main. Raises UsageError."""
        if self.program.value == "alloypy" and self._version.flag.given:
            raise UsageError(
                "--alloy-version is about Alloy, and --for=alloypy about what this alloypy runs",
                hint="leave out one of the two",
            )
        return self._version.read()

    def given(self) -> tuple[bool, bool]:
        """Whether the stability level is given, and whether community components are."""
        return self._stability.given, self._community.given

    def gate(self) -> Gate:
        """The stability level and the community components that the command line allows."""
        return Gate(LEVELS[self._stability.value], self._community.value)


class _LintFlags:
    """The flags that select findings and change files."""

    def __init__(self, flags: FlagSet) -> None:
        self._select = flags.strings(
            "select",
            kind="RULE",
            doc="lint rules to use instead of the default ones, such as ALY0903,ALY092 or ALL",
        )
        self._extend = flags.strings("extend-select", kind="RULE", doc="lint rules to use in addition")
        self._ignore = flags.strings(
            "ignore", kind="CODE", doc="codes of warnings to leave out; all three are repeatable"
        )
        self.fix = flags.bool("fix", doc="change the files: make all fixes that are safe")
        self.diff = flags.bool("diff", doc="show what --fix would change, without changing anything")
        self.statistics = flags.bool("statistics", doc="show how often each code was found, not each finding")

    @property
    def given(self) -> bool:
        """Whether any flag selects or ignores."""
        return self._select.given or self._extend.given or self._ignore.given

    def chosen(self, *places: Selectors) -> Chosen:
        """What settings and, with more weight, the flags choose. Raises UsageError."""
        from alloypy.check.lint.selecting import Selectors, selectors

        select = selectors(self._select.value) if self._select.given else None
        own = Selectors(select, selectors(self._extend.value), selectors(self._ignore.value))
        return chosen_rules(*places, own)


def chosen_rules(*places: Selectors) -> Chosen:
    """What the given places choose, each with more weight than those before it. Raises UsageError."""
    from alloypy.check.lint.selecting import SelectionError, choose

    try:
        return choose(*places)
    except SelectionError as error:
        raise UsageError(str(error), hint=error.hint) from None


class SettingsFlags:
    """The flags that say where settings come from."""

    def __init__(self, flags: FlagSet) -> None:
        self._file = flags.string(
            "settings",
            kind="file",
            doc="settings for all paths, instead of the nearest .alloypy.toml or pyproject.toml",
        )
        self._none = flags.bool("no-settings", doc="ignore all settings files")

    def projects(self) -> Projects:
        """The settings of all directories. Raises UsageError."""
        if self._file.value and self._none.value:
            raise UsageError("--settings and --no-settings exclude each other")
        return Projects(self._file.value, isolated=self._none.value)


def settings_of(path: str, projects: Projects, stdin_name: str) -> Settings | None:
    """The settings for a path on the command line, if there are any. Raises UsageError."""
    name = path
    if path == STDIN:
        name = "." if stdin_name.startswith("<") else stdin_name
    try:
        return projects.of(name)
    except SettingsError as error:
        raise UsageError(str(error), hint=error.hint) from None


class Asked:
    """What a command line says about how configurations are checked, once `_ask` has read it.

    selects: whether it chooses lint rules. full_environ: all variables, if it names files of them.
    """

    selects = False
    full_environ: Mapping[str, str] | None = None

    def _ask(
        self,
        of_program: ProgramFlags,
        of_settings: SettingsFlags,
        stdin_name: Flag[str],
        environ: tuple[Flag[list[str]], Flag[list[str]]],
    ) -> None:
        """Read the flags. Raises UsageError."""
        self.program = of_program.program.value
        self.program_given = of_program.program.given
        self.gate = of_program.gate()
        self.version = of_program.version()
        self.version_given = of_program.version_given
        self.version_note = of_program.version_note()
        self.stability_given, self.community_given = of_program.given()
        self.projects = of_settings.projects()
        self.stdin_name = stdin_name.value or "<stdin>"
        self.environ = environment(*(each.value for each in environ))

    def chosen(self, *places: Selectors) -> Chosen:
        """The lint rules that settings choose, each place with more weight. Raises UsageError."""
        return chosen_rules(*places)


class Options(Asked):
    """The flags of the command, declared and read."""

    def __init__(self, argv: list[str]) -> None:
        flags = FlagSet("validate", "PATH...", _SUMMARY)
        format_name = flags.string("config.format", "alloy", doc="format of the configuration: alloy")
        converting(flags, "accepted, without effect, as in Alloy")
        of_program = ProgramFlags(flags)
        strict = flags.bool("strict", doc="also fail on warnings")
        lint = _LintFlags(flags)
        of_settings = SettingsFlags(flags)
        recursive = flags.bool("recursive", short="r", doc="check every directory below with *.alloy files")
        units = kind_of_units(flags)
        exclude = excluded(flags)
        force_exclude = flags.bool(
            "force-exclude", doc="also leave out paths that are named and that --exclude or settings exclude"
        )
        from_yaml = flags.bool(
            "from-yaml", doc="check the configurations in YAML files: in ConfigMaps and values of Helm charts"
        )
        listing = ListFlags(flags)
        name = stdin_filename(flags)
        environ = environment_flags(flags)
        self.reporting = ReportFlags(flags)
        self.paths = flags.parse(argv)
        self._ask(of_program, of_settings, name, environ)
        self.strict = strict.value
        self.selects = lint.given
        self._lint = lint
        self.diff = lint.diff.value
        self.fix = lint.fix.value or self.diff
        self.statistics = lint.statistics.value
        self.recursive = recursive.value
        self.auto = units.value == "auto"
        self.by_settings = self.auto or not units.given
        self.exclude = exclude.value
        self.force_exclude = force_exclude.value
        self.from_yaml = from_yaml.value
        self.full_environ = {**os.environ, **self.environ} if environ[1].value else None
        self.listed = listing.given
        if not self.paths and not self.listed:
            raise UsageError("accepts 1 arg(s), received 0", usage=flags.usage)
        _check_format(format_name.value)
        self.targets = self.reporting.targets(text_to_stdout=self.diff or (self.fix and STDIN in self.paths))
        if self.fix and self.from_yaml:
            raise UsageError(FIXES_ARE_IN_FILES)
        self.paths += listing.read()

    def chosen(self, *places: Selectors) -> Chosen:
        """What settings and, with more weight, the flags choose. Raises UsageError."""
        return self._lint.chosen(*places)

    def grouping(self, unit_of: Callable[[str], str | None], excludes: Callable[[str], bool]) -> Grouping:
        """How paths become units. unit_of, excludes: what settings say; --units=path decides over units."""
        return Grouping(
            self.recursive,
            self.auto,
            self.exclude,
            self.force_exclude,
            unit_of if self.by_settings else lambda path: None,
            excludes,
        )

    @property
    def several(self) -> bool:
        """Whether more than one configuration may be checked."""
        return self.listed or self.recursive or self.auto or self.from_yaml or len(self.paths) > 1

    @property
    def notes(self) -> bool:
        """Whether to say what alloypy itself would refuse."""
        return not (self.program_given or self.version or self.reporting.quiet or self.from_yaml)


def _check_format(name: str) -> None:
    if name != "alloy":
        raise unknown_format(name)


def environment(pairs: Iterable[str], files: Iterable[str]) -> dict[str, str]:
    """The variables in files and in KEY=VALUE texts, which come last. Raises UsageError."""
    environ: dict[str, str] = {}
    named = tuple(files)
    if named:
        from alloypy.check.units.environment import variables_in

        environ = variables_in(named, refuse_environment)
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise UsageError("--env needs KEY=VALUE")
        environ[key] = value
    return environ


def refuse_environment(error: Exception) -> NoReturn:
    """Raise UsageError for a file of variables that cannot be read."""
    raise UsageError(str(error)) from None
