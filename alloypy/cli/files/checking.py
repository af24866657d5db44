"""Checking the configurations that a command line names: in files, and on standard input."""

from __future__ import annotations

from collections.abc import Sequence

from alloypy.check.units import units
from alloypy.check.units.units import DISK, CheckOptions, Outcome, check_texts, nothing_in, unreadable
from alloypy.cli.files.named_paths import LOOK_BELOW, STDIN
from alloypy.cli.streams import InputError, read_stdin
from alloypy.syntax.codes import NO_FILES
from alloypy.syntax.config_files import ConfigReadError, config_source
from alloypy.syntax.source import Source


def check_unit(path: str, options: CheckOptions, stdin_name: str) -> Outcome:
    """Check the configuration at `path`, or on standard input; its faults are returned, never raised."""
    if path == STDIN:
        sources = read_unit(path, stdin_name)
        return sources if isinstance(sources, Outcome) else check_texts(stdin_name, sources, options)
    outcome = units.check_unit(path, options)
    if [each.code for each in outcome.diagnostics] == [NO_FILES]:
        return _nothing(path)
    return outcome


def read_unit(path: str, stdin_name: str) -> Sequence[Source] | Outcome:
    """The texts of the configuration at `path`, or on standard input; an outcome if there are none."""
    name = stdin_name if path == STDIN else path
    try:
        sources = [config_source(name, read_stdin())] if path == STDIN else DISK.unit(path)
    except InputError as error:
        return unreadable(name, str(error))
    except ConfigReadError as error:
        return unreadable(name, f"{error.path}: {error}" if error.path not in {"", name} else str(error))
    return sources or _nothing(path)


def _nothing(path: str) -> Outcome:
    return Outcome(path, (nothing_in(path, LOOK_BELOW),), 0)
