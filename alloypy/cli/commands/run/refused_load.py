"""What `alloypy run` says when its first load is refused."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from alloypy.cli import streams
from alloypy.runtime.contract.logs import FieldLogger
from alloypy.schema.stability import Stability, admission
from alloypy.services.configuration import LoadError
from alloypy.services.logging import LogStream
from alloypy.services.settings import RunSettings
from alloypy.syntax.diagnostics import Diagnostic, Severity

_REFUSED = "could not perform the initial load successfully"
_LEVEL_FLAG = "--stability.level"


def report_refusal(error: LoadError, log: LogStream, argv: Sequence[str], settings: RunSettings) -> None:
    """Report the faults, and a command to type if a stability level is missing.

    Excerpts of the files, and faults that only `validate` finds, are shown only on a terminal, where
    they are not stored. argv: the command's arguments. The lone line feed on stdout is Alloy's.
    """
    if not error.diagnostics:
        streams.fault(str(error))
        return
    print(flush=True)
    if not sys.stderr.isatty() and log.settings.format == "json":
        _log(error.diagnostics)
        return
    if sys.stderr.isatty():
        _show(error.diagnostics, settings)
    else:
        for line in _lines(error.diagnostics):
            print(line, file=sys.stderr)
    level = _missing_level(error.diagnostics)
    if level is not None:
        print(f"  = type: {shlex.join(_admitting(argv, level))}", file=sys.stderr)
    streams.fault(_REFUSED)


def _show(diagnostics: Sequence[Diagnostic], settings: RunSettings) -> None:
    """Show the faults as `validate` does, then those that only `validate` finds."""
    from alloypy.cli.report.colours import terminal_width, wants_colour
    from alloypy.cli.report.excerpts import excerpts

    validated = _validated(settings)
    loaded = [_explained(diagnostic, validated) for diagnostic in diagnostics]
    more = [each for each in validated if not any(_same(diagnostic, each) for diagnostic in diagnostics)]
    texts = excerpts([*loaded, *more], wants_colour(sys.stderr), terminal_width(sys.stderr))
    sys.stderr.write("\n".join(texts))


def _validated(settings: RunSettings) -> list[Diagnostic]:
    """The errors that `validate --for alloypy` finds; none if the path cannot be read again, as a pipe."""
    if not (Path(settings.path).is_file() or Path(settings.path).is_dir()):
        return []
    from alloypy.check.units.units import CheckOptions, check_unit
    from alloypy.graph.admission import Gate
    from alloypy.own_language import own_language

    options = CheckOptions(own_language(), Gate(settings.stability, settings.community), {})
    found = check_unit(settings.path, options).diagnostics
    return [each for each in found if each.severity is Severity.ERROR and each.span is not None]


def _explained(loaded: Diagnostic, validated: Sequence[Diagnostic]) -> Diagnostic:
    """A fault of the load with the hint and the code that `validate` has for it."""
    same = sorted(
        (each for each in validated if _same(loaded, each)), key=lambda e: e.message != loaded.message
    )
    return loaded._replace(hint=loaded.hint or same[0].hint, code=same[0].code) if same else loaded


def _same(loaded: Diagnostic, found: Diagnostic) -> bool:
    """Whether the load and `validate` mean the same fault; the load may report it for the whole block."""
    if str(found) in loaded.message:
        return True
    if loaded.span is None or found.span is None or loaded.span.source.name != found.span.source.name:
        return False
    return loaded.span.start == found.span.start or found.message in loaded.message


def _log(diagnostics: Sequence[Diagnostic]) -> None:
    for diagnostic in diagnostics:
        hint = {"hint": diagnostic.hint} if diagnostic.hint else {}
        FieldLogger().error(_REFUSED, extra={"fields": {"err": str(diagnostic), **hint}})


def _lines(diagnostics: Sequence[Diagnostic]) -> Iterator[str]:
    for diagnostic in diagnostics:
        line = str(diagnostic).replace("\n", "\\n")
        yield f"{diagnostic.severity.value.capitalize()}: {line}"
        if diagnostic.hint:
            yield f"  = hint: {diagnostic.hint}"


def _missing_level(diagnostics: Sequence[Diagnostic]) -> Stability | None:
    """The stability level that would admit everything refused; None when the level is not the problem."""
    hints = {diagnostic.hint for diagnostic in diagnostics}
    return next((level for level in sorted(Stability) if admission(level) in hints), None)


def _admitting(argv: Sequence[str], level: Stability) -> list[str]:
    """The command line with this stability level instead."""
    kept: list[str] = []
    rest = iter(argv)
    for argument in rest:
        if argument == _LEVEL_FLAG:
            next(rest, None)
        elif not argument.startswith(f"{_LEVEL_FLAG}="):
            kept.append(argument)
    return ["alloypy", "run", f"{_LEVEL_FLAG}={level.text}", *kept]
