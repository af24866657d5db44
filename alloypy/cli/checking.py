"""Checking units for `alloypy validate`: a file, or the *.alloy files of a directory taken together."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from alloypy.files import read_regular
from alloypy.graph.check import Beyond, check_files
from alloypy.graph.check_imports import Files, Location
from alloypy.graph.check_scope import Gate, Language
from alloypy.syntax.codes import BAD_ENCODING, UNREADABLE
from alloypy.syntax.config_files import ConfigReadError, module_path, parse_config, read_config
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.source import Source, Span

_BOM = b"\xef\xbb\xbf"


class Judgement(NamedTuple):
    """How units are judged.

    language: what components there are. gate: which of them are let in.
    environ: values that the environment will have; a variable not in it is not guessed.
    """

    language: Language
    gate: Gate
    environ: Mapping[str, str]


class Outcome(NamedTuple):
    """What a check of one unit found.

    path: as on the command line; files: how many were read. The diagnostics show no secrets, neither in
    their words nor in the lines of their sources.
    """

    path: str
    diagnostics: tuple[Diagnostic, ...]
    files: int

    @property
    def failed(self) -> bool:
        """Whether anything found is an error."""
        return any(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)


def check_unit(path: str, judgement: Judgement) -> Outcome:
    """Check the unit at `path`; never raises for what is wrong with it."""
    try:
        sources = read_config(path)
    except ConfigReadError as error:
        text = f"{error.path}: {error}" if error.path not in {"", path} else str(error)
        return Outcome(path, (Diagnostic(None, text, UNREADABLE),), 0)
    faults = [fault for fault in map(_encoding_fault, sources) if fault is not None]
    if faults:
        return Outcome(path, _shown(faults), len(sources))
    try:
        beyond = Beyond(judgement.environ, Files(_read_module, module_path(path), _locate))
        checked = check_files(parse_config(sources), judgement.language, judgement.gate, beyond)
    except DiagnosticsError as error:
        return Outcome(path, _shown(error.diagnostics), len(sources))
    return Outcome(path, _shown([*checked.found, *checked.missed]), len(sources))


def _shown(diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    if not diagnostics:
        return ()
    from alloypy.graph.masking import masked
    from alloypy.syntax.hints import hinted

    return tuple(map(masked, hinted(diagnostics)))


def _read_module(path: str) -> list[Source] | None:
    try:
        return read_config(path, read_regular)
    except ConfigReadError as error:
        # What is there and is no text that a configuration may be is told where it is imported.
        return [Source(error.path, b"\xff")] if error.path else None


def _locate(path: str) -> Location:
    return Location(os.path.realpath(path), module_path(path))


def _encoding_fault(source: Source) -> Diagnostic | None:
    """What Alloy says to a file that is not UTF-8; it does not look further into one with a UTF-8 mark."""
    if source.data.startswith(_BOM):
        return None
    try:
        source.data.decode()
    except UnicodeDecodeError as error:
        span = Span(source, error.start, error.start)
        return Diagnostic(span, "unknown encoding for config", BAD_ENCODING, hint="the file must be UTF-8")
    return None


def find_units(paths: list[str], exclude: list[str]) -> list[str]:
    """The units below the paths: each file named, and each directory that holds *.alloy files itself."""
    from alloypy.cli.discovery import Discovery

    units: dict[str, None] = {}
    for path in paths:
        if not Path(path).is_dir():
            units[path] = None
            continue
        for file in Discovery(exclude).files([path]):
            units[str(Path(file).parent)] = None
    return list(units)
