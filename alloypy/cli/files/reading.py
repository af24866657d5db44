"""Reads and parses the configurations that a command line names, in files and on standard input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from alloypy.check.units.units import Outcome, encoding_faults
from alloypy.cli.files.checking import read_unit
from alloypy.cli.files.named_paths import STDIN
from alloypy.syntax.codes import BAD_ENCODING, BAD_MANIFEST, UNREADABLE, UNWRITABLE
from alloypy.syntax.config_files import module_path, parse_config
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.source import Source
from alloypy.syntax.tree import File


class ReadUnit(NamedTuple):
    """One configuration as read.

    path: as it was given, or the name of standard input. directory: its `module_path`.
    files: its trees; empty if there are faults. faults: why it cannot be read or parsed, or a warning that
    the directory has no files.
    """

    path: str
    directory: str
    sources: Sequence[Source]
    files: Sequence[File]
    faults: tuple[Diagnostic, ...]


def is_of_file(fault: Diagnostic) -> bool:
    """Whether a fault is about reading or writing a file, which is no verdict about a configuration."""
    return fault.code in (UNREADABLE, UNWRITABLE, BAD_ENCODING, BAD_MANIFEST)


def one_line(fault: Diagnostic) -> str:
    """The place and message of a fault, with its hint."""
    place = f"{fault.span}: " if fault.span is not None else ""
    return f"{place}{fault.message}" + (f": {fault.hint}" if fault.hint else "")


def read(path: str, stdin_name: str) -> ReadUnit:
    """Read and parse a configuration. Its faults are returned, never raised."""
    sources = read_unit(path, stdin_name)
    if isinstance(sources, Outcome):
        return _without(sources.path, sources.diagnostics)
    return parsed(stdin_name if path == STDIN else path, sources)


def parsed(name: str, sources: Sequence[Source]) -> ReadUnit:
    """A configuration whose texts are given."""
    faults = encoding_faults(sources)
    if faults:
        return _without(name, tuple(faults))
    try:
        files = parse_config(sources)
    except DiagnosticsError as error:
        from alloypy.syntax.repairs.foreign import NOT_READ, without_yaml

        shown = without_yaml(error.diagnostics, NOT_READ)
        return ReadUnit(name, module_path(name), sources, (), tuple(shown))
    return ReadUnit(name, module_path(name), sources, files, ())


def _without(name: str, faults: tuple[Diagnostic, ...]) -> ReadUnit:
    return ReadUnit(name, "", (), (), faults)
