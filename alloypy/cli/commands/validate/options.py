"""The command line of `alloypy validate`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from alloypy.cli.common_flags import (
    AlloyVersion,
    community_components,
    converting,
    stdin_filename,
    unknown_format,
)
from alloypy.cli.files.named_paths import STDIN, ListFlags
from alloypy.cli.files.units import CHOICES as UNITS
from alloypy.cli.flags import FlagSet
from alloypy.cli.report.output import ReportFlags
from alloypy.cli.usage_error import UsageError
from alloypy.graph.admission import Gate
from alloypy.os_errors import system_words
from alloypy.schema.stability import Stability

if TYPE_CHECKING:
    from alloypy.catalog.versions import Version
    from alloypy.check.lint.selecting import Chosen

_LEVELS = {level.text: level for level in sorted(Stability, reverse=True)}
_SUMMARY = """Check configurations for any Alloy component, without running anything.

Each PATH is one unit: a file, or a directory whose *.alloy files are taken together; - is standard
input. With --units=auto a directory is one unit if its files refer to each other, even if only some of
them are named; otherwise each file is one. With --from-yaml, each
PATH is a YAML file or a directory of them, and the keys of ConfigMaps that end in .alloy are units.
Exit code: 0 without errors, 1 with at least one. Warnings, including those for directories without
*.alloy files, cause a failure only with --strict."""


class _ProgramFlags:
    """The flags shared with `run`, and the program to check for."""

    def __init__(self, flags: FlagSet) -> None:
        self.format = flags.string("config.format", "alloy", doc="format of the configuration: alloy")
        converting(flags, "accepted, without effect, as in Alloy")
        self._stability = flags.choice(
            "stability.level",
            Stability.GENERALLY_AVAILABLE.text,
            tuple(_LEVELS),
            noun="stability level",
            doc="lowest stability level to allow",
        )
        self._community = community_components(flags, "allow community components")
        self.program = flags.choice(
            "for", "alloy", ("alloy", "alloypy"), noun="program", doc="the program that will run it"
        )
        self._version = AlloyVersion(
            flags, "check for this version of Alloy: a release such as 1.10 or 1.10.2, newest, or main"
        )
        self.version_note = self._version.note

    def version(self) -> Version | None:
        """The version of Alloy to check for; None for main. Raises UsageError."""
        if self.program.value == "alloypy" and self._version.flag.given:
            raise UsageError(
                "--alloy-version is about Alloy, and --for=alloypy about what this alloypy runs",
                hint="leave out one of the two",
            )
        return self._version.read()

    def gate(self) -> Gate:
        """The stability level and the community components that the command line allows."""
        return Gate(_LEVELS[self._stability.value], self._community.value)


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

    def chosen(self) -> Chosen | None:
        """What the flags select; None for the default selection. Raises UsageError."""
        if not (self._select.given or self._extend.given or self._ignore.given):
            return None
        from alloypy.check.lint.selecting import SelectionError, Selectors, choose, selectors

        select = selectors(self._select.value) if self._select.given else None
        own = Selectors(select, selectors(self._extend.value), selectors(self._ignore.value))
        try:
            return choose(own)
        except SelectionError as error:
            raise UsageError(str(error), hint=error.hint) from None


class Options:
    """The flags of the command, declared and read."""

    def __init__(self, argv: list[str]) -> None:
        flags = FlagSet("validate", "PATH...", _SUMMARY)
        of_program = _ProgramFlags(flags)
        strict = flags.bool("strict", doc="also fail on warnings")
        lint = _LintFlags(flags)
        recursive = flags.bool("recursive", short="r", doc="check every directory below with *.alloy files")
        units = flags.choice(
            "units", "path", UNITS, noun="kind of units", doc="what counts as one configuration"
        )
        exclude = flags.strings(
            "exclude", kind="pattern", doc="leave out matching paths with --recursive, as in .gitignore"
        )
        from_yaml = flags.bool(
            "from-yaml", doc="check the configurations in YAML files: in ConfigMaps and values of Helm charts"
        )
        listing = ListFlags(flags)
        name = stdin_filename(flags)
        env = flags.strings(
            "env", kind="KEY=VALUE", doc="set an environment variable for the check; repeatable"
        )
        env_file = flags.strings(
            "env-file", kind="file", doc="a file with one KEY=VALUE per line; repeatable"
        )
        self.reporting = ReportFlags(flags)
        self.paths = flags.parse(argv)
        self.program = of_program.program.value
        self.program_given = of_program.program.given
        self.gate = of_program.gate()
        self.version = of_program.version()
        self.version_note = of_program.version_note()
        self.strict = strict.value
        self.chosen = lint.chosen()
        self.diff = lint.diff.value
        self.fix = lint.fix.value or self.diff
        self.statistics = lint.statistics.value
        self.recursive = recursive.value
        self.auto = units.value == "auto"
        self.exclude = exclude.value
        self.from_yaml = from_yaml.value
        self.stdin_name = name.value or "<stdin>"
        self.environ = _environment(env.value, env_file.value)
        self.full_environ = {**os.environ, **self.environ} if env_file.value else None
        self.listed = listing.given
        if not self.paths and not self.listed:
            raise UsageError("accepts 1 arg(s), received 0", usage=flags.usage)
        _check_format(of_program.format.value)
        self.targets = self.reporting.targets()
        if self.reporting.to_stdout and (self.diff or (self.fix and STDIN in self.paths)):
            raise UsageError("the changed text goes to standard output; write the report to --output-file")
        if self.fix and self.from_yaml:
            raise UsageError(
                "--fix and --diff change configurations in files of their own, not in YAML files"
            )
        self.paths += listing.read()

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


def _environment(pairs: list[str], files: list[str]) -> dict[str, str]:
    environ: dict[str, str] = {}
    for path in files:
        try:
            lines = Path(path).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            words = system_words(error) if isinstance(error, OSError) else "not UTF-8"
            raise UsageError(f"open {path}: {words}") from None
        for number, line in enumerate(lines, 1):
            text = line.strip().removeprefix("export ")
            if text and not text.startswith("#"):
                key, equals, value = text.partition("=")
                if not equals:
                    raise UsageError(f"{path}:{number}: expected KEY=VALUE")  # it may be a secret
                environ[key.strip()] = _unquoted(value.strip())
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise UsageError("--env needs KEY=VALUE")
        environ[key] = value
    return environ


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value
