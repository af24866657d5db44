"""What `alloypy run` says when its first load is refused."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from alloypy.runtime.contract.logs import FieldLogger
from alloypy.schema.stability import Stability, admission
from alloypy.services.configuration import LoadError
from alloypy.services.logging import LogStream
from alloypy.services.settings import RunSettings
from alloypy.syntax.diagnostics import Diagnostic, Severity

_REFUSED = "could not perform the initial load successfully"
_LEVEL_FLAG = "--stability.level"


def tell(error: LoadError, log: LogStream, argv: Sequence[str], settings: RunSettings) -> None:
    """Tell the faults, with excerpts only where nobody keeps them: on a terminal; and what to type instead.

    On a terminal the faults follow that `validate` finds, too. argv: of the command, without its name.
    The lone line feed on stdout is Alloy's.
    """
    if not error.diagnostics:
        print(f"Error: {error}", file=sys.stderr)
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
    print(f"Error: {_REFUSED}", file=sys.stderr)


def _show(diagnostics: Sequence[Diagnostic], settings: RunSettings) -> None:
    """The faults as `validate` shows them, and those that it finds beyond them."""
    from alloypy.cli.report.colours import terminal_width, wants_colour
    from alloypy.cli.report.excerpts import excerpts

    validated = _validated(settings)
    told = [_explained(diagnostic, validated) for diagnostic in diagnostics]
    more = [each for each in validated if not any(_same(diagnostic, each) for diagnostic in diagnostics)]
    texts = excerpts([*told, *more], wants_colour(sys.stderr), terminal_width(sys.stderr))
    sys.stderr.write("\n".join(texts))


def _validated(settings: RunSettings) -> list[Diagnostic]:
    """The errors that `validate --for alloypy` finds; none where the text is gone, as from a pipe."""
    if not (Path(settings.path).is_file() or Path(settings.path).is_dir()):
        return []
    from alloypy.check.units import CheckOptions, check_unit
    from alloypy.graph.admission import Gate
    from alloypy.own_language import own_language

    options = CheckOptions(own_language(), Gate(settings.stability, settings.community), {})
    found = check_unit(settings.path, options).diagnostics
    return [each for each in found if each.severity is Severity.ERROR and each.span is not None]


def _explained(told: Diagnostic, validated: Sequence[Diagnostic]) -> Diagnostic:
    """A fault of loading with the hint and the code that `validate` has for it."""
    same = sorted((each for each in validated if _same(told, each)), key=lambda e: e.message != told.message)
    return told._replace(hint=told.hint or same[0].hint, code=same[0].code) if same else told


def _same(told: Diagnostic, found: Diagnostic) -> bool:
    """Whether loading and `validate` speak of the same fault; loading may say it of the whole block."""
    if str(found) in told.message:
        return True
    if told.span is None or found.span is None or told.span.source.name != found.span.source.name:
        return False
    return told.span.start == found.span.start or found.message in told.message


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
    """The level that would admit all that is not admitted; None when that is not what is wrong."""
    hints = {diagnostic.hint for diagnostic in diagnostics}
    return next((level for level in sorted(Stability) if admission(level) in hints), None)


def _admitting(argv: Sequence[str], level: Stability) -> list[str]:
    """The command line with another stability level."""
    kept: list[str] = []
    rest = iter(argv)
    for argument in rest:
        if argument == _LEVEL_FLAG:
            next(rest, None)
        elif not argument.startswith(f"{_LEVEL_FLAG}="):
            kept.append(argument)
    return ["alloypy", "run", f"{_LEVEL_FLAG}={level.text}", *kept]
