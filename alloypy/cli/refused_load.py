"""What `alloypy run` says when its first load is refused."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence

from alloypy.runtime.logs import FieldLogger
from alloypy.schema.stability import Stability, admission
from alloypy.services.configuration import LoadError
from alloypy.services.logging import LogStream
from alloypy.syntax.diagnostics import Diagnostic

_REFUSED = "could not perform the initial load successfully"
_LEVEL_FLAG = "--stability.level"


def tell(error: LoadError, log: LogStream, argv: Sequence[str]) -> None:
    """Tell the faults, with excerpts only where nobody keeps them: on a terminal; and what to type instead.

    argv: of the command, without its name. The lone line feed on stdout is Alloy's.
    """
    if not error.diagnostics:
        print(f"Error: {error}", file=sys.stderr)
        return
    print(flush=True)
    if not sys.stderr.isatty() and log.settings.format == "json":
        _log(error.diagnostics)
        return
    if sys.stderr.isatty():
        from alloypy.syntax.render import render

        color = not os.environ.get("NO_COLOR")
        sys.stderr.write(render(error.diagnostics, color=color, hints=True))
    else:
        for line in _lines(error.diagnostics):
            print(line, file=sys.stderr)
    level = _missing_level(error.diagnostics)
    if level is not None:
        print(f"  = type: {shlex.join(_admitting(argv, level))}", file=sys.stderr)
    print(f"Error: {_REFUSED}", file=sys.stderr)


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
