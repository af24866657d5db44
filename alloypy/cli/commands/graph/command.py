"""`alloypy graph`: what flows between the components of a configuration, drawn or as a tree."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from alloypy.check.configuration import Checked, check_files, has_errors
from alloypy.check.picturing import picture_of
from alloypy.check.units.discovery import SUFFIX
from alloypy.check.units.units import CheckOptions, Outcome, check_texts, context_of
from alloypy.cli import exit_codes, streams
from alloypy.cli.commands.graph.options import Options
from alloypy.cli.commands.validate.judging import Judging
from alloypy.cli.files.checking import read_unit
from alloypy.cli.files.named_paths import STDIN
from alloypy.cli.files.reading import parsed
from alloypy.cli.report.output import write_text
from alloypy.cli.usage_error import UsageError
from alloypy.drawing.picture import Picture
from alloypy.syntax.diagnostics import DiagnosticsError

_MOST_NAMED = 5


def run(argv: list[str]) -> int:
    """Draw the configuration that `argv` names. Raises UsageError and HelpRequested."""
    options = Options(argv)
    judging = Judging(options)
    found = _picture(options, judging.checking(options.path)._replace(selected=frozenset()))
    if isinstance(found, Outcome):
        from alloypy.cli.commands.validate.showing import say

        say([found], errors_only=found.failed)
        streams.say("Error: there is nothing to draw\n" if not found.failed else "Error: validation failed\n")
        return exit_codes.FAILURE
    picture = _focused(found, options.focus) if options.focus else found
    _refuse_overwriting(options)
    # Names of files need not be UTF-8; pictures must be.
    write_text(_drawn(picture, options).encode("utf-8", "replace").decode(), options.file)
    for note in (*judging.notes, *_notes(picture, options)):
        streams.say(f"{note}\n")
    return exit_codes.SUCCESS


def _picture(options: Options, checking: CheckOptions) -> Picture | Outcome:
    """The picture of the configuration, or why there is none."""
    sources = read_unit(options.path, options.stdin_name)
    if isinstance(sources, Outcome):
        return sources
    name = options.stdin_name if options.path == STDIN else options.path
    unit = parsed(name, sources)
    if not unit.faults:
        try:
            context = context_of(unit.directory, checking)
            checked = check_files(unit.files, checking.language, checking.gate, context)
        except DiagnosticsError:
            pass
        else:
            if not _failed(checked):
                return picture_of(checked, name)
    return check_texts(name, sources, checking)


def _failed(checked: Checked) -> bool:
    return has_errors(checked.as_alloy) or has_errors(checked.further)


def _focused(picture: Picture, wanted: str) -> Picture:
    from alloypy.drawing.focus import focused, matching

    found = matching(picture, wanted)
    if len(found) == 1:
        return focused(picture, found[0])
    if found:
        named = ", ".join(found[:_MOST_NAMED]) + (", ..." if len(found) > _MOST_NAMED else "")
        raise UsageError(f"--focus {wanted}: there are several; name one of {named}")
    from alloypy.schema.nearest import did_you_mean

    hint = did_you_mean(wanted, [box.id for box in picture.boxes])
    raise UsageError(f"--focus {wanted}: the configuration has no such component", hint=hint)


def _refuse_overwriting(options: Options) -> None:
    """Raise UsageError if the output would replace a configuration, perhaps through a link."""
    if not options.file:
        return
    file = Path(options.file)
    try:
        replaces = file.resolve().suffix == SUFFIX or any(
            file.samefile(each) for each in _files(Path(options.path))
        )
    except (OSError, ValueError):  # there is no such file yet, or it cannot be written either
        return
    if replaces:
        raise UsageError(f"--output-file {options.file}: this would overwrite the configuration")


def _files(path: Path) -> Sequence[Path]:
    """The files of a configuration."""
    return sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]


def _drawn(picture: Picture, options: Options) -> str:
    match options.format:
        case "svg":
            from alloypy.drawing.layout import laid_out
            from alloypy.drawing.svg import svg

            return svg(laid_out(picture))
        case "mermaid":
            from alloypy.drawing.mermaid import mermaid

            return mermaid(picture)
        case "dot":
            from alloypy.drawing.dot import dot

            return dot(picture)
        case "json":
            from alloypy.drawing.data import data

            return data(picture)
        case _:
            from alloypy.drawing.text import text

            return text(picture, ascii_only=not options.file and not _has_lines(sys.stdout.encoding))


def _has_lines(encoding: str) -> bool:
    """Whether an encoding has the characters of which trees are drawn."""
    try:
        "├─└│↑↓".encode(encoding)
    except (LookupError, UnicodeError):
        return False
    return True


def _notes(picture: Picture, options: Options) -> list[str]:
    """What to know about the output."""
    if options.format != "mermaid":
        return []
    from alloypy.drawing.mermaid import MOST_ARROWS
    from alloypy.drawing.picture import distinct

    count = len(distinct(picture.arrows))
    if count <= MOST_ARROWS:
        return []
    limit = f"Note: Mermaid draws {MOST_ARROWS} arrows unless its maxEdges is higher, and here are {count}"
    return [f"{limit}; --focus draws a part"]
