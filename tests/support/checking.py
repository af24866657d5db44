"""Checks a text in tests, as `alloypy validate` does."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from alloypy.catalog.catalog import load_catalog
from alloypy.check.advice.hints import Again, hinted
from alloypy.check.configuration import Checked, Context, check_files
from alloypy.check.modules.imports import Files, Location
from alloypy.graph.admission import Gate
from alloypy.schema.stability import Stability
from alloypy.syntax.config_files import parse_config
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.source import Source

EVERYTHING = Gate(Stability.EXPERIMENTAL, True)


def check_text(
    text: str,
    *,
    gate: Gate = EVERYTHING,
    environ: Mapping[str, str] | None = None,
    modules: Mapping[str, str] | None = None,
    full_environ: Mapping[str, str] | None = None,
) -> Checked:
    """Check a file called `c`. modules: what imports can read. full_environ: the whole environment."""
    known = modules or {}

    def read(path: str) -> list[Source] | None:
        return [Source(path, known[path].encode())] if path in known else None

    def locate(path: str) -> Location:
        return Location(posixpath.normpath(path), posixpath.dirname(path) or ".")

    beyond = Context(environ or {}, Files(read, "/etc/alloy", locate), full_environ)
    return check_files(parse_config([Source("c", text.encode())]), load_catalog(), gate, beyond)


def hinted_text(text: str, *, gate: Gate = EVERYTHING) -> tuple[Diagnostic, ...]:
    """The diagnostics of a file called `c`, with hints that have been tried."""

    def again(source: Source) -> list[Diagnostic]:
        checked = check_files(parse_config([source]), load_catalog(), gate)
        return [*checked.as_alloy, *checked.further]

    source = Source("c", text.encode())
    files = parse_config([source])
    checked = check_files(files, load_catalog(), gate)
    return hinted(
        [*checked.as_alloy, *checked.further], files, load_catalog(), Again(again, len(source.data))
    )


def lines(diagnostics: list[Diagnostic], severity: Severity = Severity.ERROR) -> list[str]:
    """The one-line forms of the diagnostics of one severity."""
    return [str(diagnostic) for diagnostic in diagnostics if diagnostic.severity is severity]


def errors(text: str, **options: object) -> list[str]:
    """All errors of a text, those of Alloy's own check first."""
    checked = check_text(text, **options)  # type: ignore[arg-type]
    return lines([*checked.as_alloy, *checked.further])


def missed(text: str, **options: object) -> list[str]:
    """The errors of a text that Alloy's own check does not find. Fails if Alloy's check finds any."""
    checked = check_text(text, **options)  # type: ignore[arg-type]
    assert lines(checked.as_alloy) == []
    return lines(checked.further)


def warnings(text: str, **options: object) -> list[str]:
    """The warnings of a text."""
    checked = check_text(text, **options)  # type: ignore[arg-type]
    return lines([*checked.as_alloy, *checked.further], Severity.WARNING)
