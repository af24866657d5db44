"""The command line of `alloypy upgrade`."""

from __future__ import annotations

from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.history import load_history
from alloypy.catalog.versions import Version, VersionError, find_version
from alloypy.check.units.units import CheckOptions
from alloypy.check.versions.flags import FlagsError, GivenFlag, read_flags
from alloypy.check.versions.upgrade import Upgrade
from alloypy.cli.common_flags import COMMUNITY, FIXES_ARE_IN_FILES, VERSION_KIND
from alloypy.cli.files.named_paths import STDIN
from alloypy.cli.files.unit_flags import UnitFlags
from alloypy.cli.flags import Flag, FlagSet
from alloypy.cli.report.output import ReportFlags
from alloypy.cli.usage_error import UsageError
from alloypy.graph.admission import Gate
from alloypy.lang.go.text import quote
from alloypy.schema.stability import LEVELS, Stability

_SUMMARY = """Say what lies between two versions of Alloy for configurations, and what to do.

Each PATH is one configuration, as for validate; - is standard input. Exit code: 2 if a file cannot be read
or written; 1 if the new version refuses a configuration, or with --strict if a default changes or there is
a warning, such as for a directory without *.alloy files; otherwise 0."""


class Options:
    """The flags of the command, declared and read."""

    def __init__(self, argv: list[str]) -> None:
        flags = FlagSet("upgrade", "PATH...", _SUMMARY)
        start = flags.string(
            "from",
            kind=VERSION_KIND,
            doc="the version in use, such as 1.5 or 1.5.1; else that of the settings",
        )
        end = flags.string("to", "newest", kind=VERSION_KIND, doc="the version to upgrade to")
        run_flags = flags.string(
            "run-flags", kind="flags", doc="the flags of alloy run, in quotes: they are checked, too"
        )
        strict = flags.bool("strict", doc="also fail on changed defaults")
        fix = flags.bool("fix", doc="change the files where it is safe")
        diff = flags.bool("diff", doc="show what --fix would change, and change nothing")
        ignore = flags.strings(
            "ignore", kind="CODE", doc="codes of findings to leave out, such as ALY0805; repeatable"
        )
        self.unit_flags = UnitFlags(flags)
        self.reporting = ReportFlags(flags)
        paths = flags.parse(argv)
        self.run_flags: list[GivenFlag] | None = _flags_of(run_flags)
        self.units = self.unit_flags.units(paths)
        in_use = _version(start) if start.given else self._of_settings(flags.usage)
        self.upgrade = Upgrade(in_use, _version(end), self._gate(self.unit_flags.gate))
        if self.upgrade.start == self.upgrade.end:
            raise UsageError(
                f"--from and --to are both {self.upgrade.start.name}: there is nothing between them"
            )
        self._ignore = ignore.value
        self.ignored = self._ignored()
        self.strict = strict.value
        self.diff = diff.value
        self.fix = fix.value or diff.value
        if self.fix and self.unit_flags.from_yaml:
            raise UsageError(FIXES_ARE_IN_FILES)
        self.targets = self.reporting.targets(text_to_stdout=self.diff or (self.fix and STDIN in paths))

    def upgrade_of(self, path: str) -> Upgrade:
        """The upgrade with what is permitted at a path. Raises UsageError."""
        return self.upgrade._replace(gate=self._gate(self.unit_flags.permitted(path)))

    def checking(self, path: str, upgrade: Upgrade) -> CheckOptions:
        """How the configuration at a path is checked. Raises UsageError."""
        made = self.unit_flags.options(load_catalog(), path, upgrade.gate)
        settings = self.unit_flags.settings(path)
        if settings is None:
            return made._replace(ignored=self.ignored)
        in_file = settings.ignored_in if settings.per_file else None
        return made._replace(ignored=self._ignored(settings.selectors.ignore), ignored_in=in_file)

    def _ignored(self, also: tuple[str, ...] = ()) -> frozenset[str]:
        """The codes that the command line and the selectors of settings ignore. Raises UsageError."""
        if not self._ignore and not also:
            return frozenset()
        from alloypy.check.lint.selecting import SelectionError, Selectors, choose, selectors

        try:
            return choose(Selectors(ignore=also), Selectors(ignore=selectors(self._ignore))).ignored
        except SelectionError as error:
            raise UsageError(str(error), hint=error.hint) from None

    def _of_settings(self, usage: str) -> Version:
        """The version in use that the settings of all configurations name. Raises UsageError."""
        paths = [*self.units.paths, *self.units.empty] or ["."]
        every = [each for each in map(self.unit_flags.settings, paths) if each is not None]
        named = {each.alloy_version: each.path for each in every if each.alloy_version is not None}
        if len(named) > 1:
            versions = ", ".join(f"{version} in {path}" for version, path in named.items())
            raise UsageError(f"--from is missing, and settings name several versions: {versions}")
        for text, path in named.items():
            try:
                return find_version(text)
            except VersionError as error:
                raise UsageError(f"{path}: alloy-version: {error}") from None
        raise UsageError(
            "--from is missing: the version in use, such as --from=1.5",
            hint="settings can name it, too: alloy-version; for the GitHub action it is from-version",
            usage=usage,
        )

    def _gate(self, base: Gate) -> Gate:
        """What is permitted: by the flags of this command, by those of `alloy run`, otherwise by `base`."""
        stability, community = base
        for flag in self.run_flags or ():
            if flag.name == "stability.level":
                level = _level(flag.value)
                stability = stability if self.unit_flags.stability_given else level
            if flag.name == COMMUNITY and flag.value in (None, "true"):
                community = True
        return Gate(stability, community)


def _version(flag: Flag[str]) -> Version:
    try:
        return find_version(flag.value)
    except VersionError as error:
        raise UsageError(f"--{flag.name}: {error}") from None


def _flags_of(flag: Flag[str]) -> list[GivenFlag] | None:
    if not flag.given:
        return None
    try:
        return read_flags(flag.value, load_history())
    except FlagsError as error:
        raise UsageError(f"--run-flags: {error}") from None


def _level(text: str | None) -> Stability:
    """A stability level of `alloy run`. Raises UsageError."""
    if text is None:
        raise UsageError("--run-flags: flag needs an argument: --stability.level")
    if text not in LEVELS:
        wrong = f'invalid argument {quote(text)} for "--stability.level" flag'
        raise UsageError(f"--run-flags: {wrong}: invalid stability level {quote(text)}")
    return LEVELS[text]
