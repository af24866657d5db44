"""`alloypy validate`: checks configurations without running them.

Called as Alloy's `validate` it finds all that Alloy finds, and after it what only `alloy run` would.
Source: RUNTIME spec sections 1.2, 2.7.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

from alloypy.cli import exit_codes
from alloypy.cli.checking import Judgement, Outcome, check_unit, find_units
from alloypy.cli.flags import FlagSet, UsageError
from alloypy.files import system_words
from alloypy.graph.check_scope import Gate, Language
from alloypy.lang.go_text import quote
from alloypy.schema.stability import Stability
from alloypy.syntax.codes import UNREADABLE
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.render import SHOWN, not_shown, render

_FORMATS = ("text", "json", "github", "sarif", "junit")
_LEVELS = {level.text: level for level in sorted(Stability, reverse=True)}
_SUMMARY = """Check configurations for any Alloy component, without running anything.

Each PATH is a unit of its own: a file, or a directory whose *.alloy files are taken together.
Exit code: 0 when there is no error, 1 when there is one. Warnings do not fail, but with --strict."""


class _Options:
    """The flags of the command, declared and read."""

    def __init__(self, argv: list[str]) -> None:
        flags = FlagSet("validate", "PATH...", _SUMMARY)
        self._format = flags.string("config.format", "alloy", doc="format of the configuration: alloy")
        flags.bool("config.bypass-conversion-errors", doc="accepted and without effect, as for alloy")
        flags.string("config.extra-args", doc="accepted and without effect, as for alloy")
        self._stability = flags.choice(
            "stability.level",
            Stability.GENERALLY_AVAILABLE.text,
            tuple(_LEVELS),
            noun="stability level",
            doc="least stable level to admit",
        )
        self._community = flags.bool("feature.community-components.enabled", doc="admit community components")
        program = flags.choice(
            "for", "alloy", ("alloy", "alloypy"), noun="program", doc="the program that shall run it"
        )
        strict = flags.bool("strict", doc="let warnings fail, too")
        recursive = flags.bool("recursive", doc="check every directory below with *.alloy files")
        exclude = flags.strings(
            "exclude", kind="pattern", doc="leave out what matches, as in .gitignore, with --recursive"
        )
        env = flags.strings("env", kind="KEY=VALUE", doc="a variable that the environment will have")
        env_file = flags.strings("env-file", kind="file", doc="a file of such lines")
        form = flags.choice(
            "output-format", "text", _FORMATS, noun="output format", doc="how faults are reported"
        )
        output = flags.string("output-file", kind="file", doc="where faults are reported")
        self.paths = flags.parse(argv)
        self.program = program.value
        self.strict = strict.value
        self.output_format = form.value
        self.output_file = output.value
        self.environ = _environment(env.value, env_file.value)
        self._check(recursive.value)
        if recursive.value:
            self.paths = find_units(self.paths, exclude.value)

    @property
    def gate(self) -> Gate:
        """What the command line lets in."""
        return Gate(_LEVELS[self._stability.value], self._community.value)

    def _check(self, recursive: bool) -> None:
        if not self.paths:
            raise UsageError("accepts 1 arg(s), received 0")
        if self._format.value != "alloy":
            raise UsageError(
                f"(Critical) unrecognized kind {quote(self._format.value)} given to the config converter"
            )


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
            raise UsageError("--env wants KEY=VALUE")
        environ[key] = value
    return environ


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def run(argv: list[str]) -> int:
    """Check the units that `argv` names. Returns the exit code; raises UsageError and HelpRequested."""
    options = _Options(argv)
    judgement = Judgement(_language(options.program), options.gate, options.environ)
    outcomes = [check_unit(path, judgement) for path in options.paths]
    if options.output_format == "text" and not options.output_file:
        _show(outcomes, sys.stderr)
    else:
        _report(outcomes, options)
    failed = [o for o in outcomes if o.failed or (options.strict and o.diagnostics)]
    if not failed:
        return exit_codes.SUCCESS
    if any(outcome.files for outcome in failed):
        if options.output_format == "text" and not options.output_file:
            print()
        print("Error: validation failed", file=sys.stderr)
    return exit_codes.FAILURE


def _language(program: str) -> Language:
    if program == "alloypy":
        from alloypy.cli.own_language import own_language

        return own_language()
    from alloypy.catalog.catalog import load_catalog

    return load_catalog()


def _show(outcomes: list[Outcome], stream: TextIO) -> None:
    """Diagnostics with excerpts, an empty line between two, as Alloy prints them; the first of many."""
    color = stream.isatty() and not os.environ.get("NO_COLOR")
    texts = []
    for outcome in outcomes:
        rest = iter(outcome.diagnostics)
        texts += [_text(outcome.path, diagnostic, color) for diagnostic in islice(rest, SHOWN)]
        texts += not_shown(rest)
    if texts:
        stream.write("\n".join(texts))
        stream.flush()


def _text(path: str, diagnostic: Diagnostic, color: bool) -> str:
    if diagnostic.code == UNREADABLE:
        named = path in diagnostic.message
        return f"Error: {'' if named else f'{path}: '}{diagnostic.message}\n"
    explained = f"  = code: {diagnostic.code} (alloypy explain {diagnostic.code})\n"
    return render([diagnostic], color, hints=True) + explained


def _report(outcomes: list[Outcome], options: _Options) -> None:
    """Report for machines, or into a file. Raises UsageError when that cannot be written."""
    from alloypy.cli.report import Finding, Report
    from alloypy.cli.report import render as render_report

    findings = [Finding(o.path, diagnostic) for o in outcomes for diagnostic in _placed(o)]
    report = Report(
        findings,
        files=sum(outcome.files for outcome in outcomes),
        failed=sum(outcome.failed for outcome in outcomes),
    )
    data = render_report(report, options.output_format).encode("utf-8", "surrogateescape")
    if not options.output_file:
        sys.stdout.buffer.write(data)
        return
    try:
        Path(options.output_file).write_bytes(data)
    except OSError as error:
        raise UsageError(f"open {options.output_file}: {system_words(error)}") from None


def _placed(outcome: Outcome) -> Iterator[Diagnostic]:
    """By place, for machines; errors before warnings at the same place."""
    return iter(
        sorted(
            outcome.diagnostics,
            key=lambda d: (
                d.span.source.name if d.span else "",
                d.span.start if d.span else -1,
                d.severity is not Severity.ERROR,
            ),
        )
    )
