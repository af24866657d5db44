"""Checking the configurations that a command line names: in files, and on standard input."""

from __future__ import annotations

from alloypy.check.units import units
from alloypy.check.units.units import CheckOptions, Outcome, check_texts, nothing_in, unreadable
from alloypy.cli.files.named_paths import STDIN
from alloypy.cli.streams import InputError, read_stdin
from alloypy.syntax.codes import NO_FILES
from alloypy.syntax.config_files import ConfigReadError, config_source


def check_unit(path: str, options: CheckOptions, stdin_name: str) -> Outcome:
    """Check the configuration at `path`, or on standard input; its faults are returned, never raised."""
    if path == STDIN:
        return _check_stdin(stdin_name, options)
    outcome = units.check_unit(path, options)
    if [each.code for each in outcome.diagnostics] == [NO_FILES]:
        return outcome._replace(diagnostics=(nothing_in(path, "; --recursive looks into subdirectories"),))
    return outcome


def _check_stdin(name: str, options: CheckOptions) -> Outcome:
    try:
        sources = [config_source(name, read_stdin())]
    except InputError as error:
        return unreadable(name, str(error))
    except ConfigReadError as error:
        return unreadable(name, f"{error.path}: {error}" if error.path not in {"", name} else str(error))
    return check_texts(name, sources, options)
