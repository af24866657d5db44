"""The formatter: a tree becomes text in Alloy's layout.

    walk (texts, whitespace) -> output (comments merged in) -> cells (aligned) -> bytes

The result is Alloy's, byte for byte, whenever that keeps the tree and every comment and does not
change in a second pass. For the few files that Alloy's layout harms there is a careful layout;
`docs/formatting.md` lists the differences.

Source: docs/spec/SYNTAX.md, section 3.
"""

from __future__ import annotations

from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.parser import collector_resting, parse_file
from alloypy.syntax.printer.cells import align
from alloypy.syntax.printer.compare import same_content
from alloypy.syntax.printer.output import Output
from alloypy.syntax.printer.walk import Walk
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Expression, File

_MOST_ROUNDS = 8  # two are enough for every file we know


def format_source(source: Source) -> bytes:
    """The formatted text of a file. Raises DiagnosticsError when it cannot be parsed."""
    with collector_resting():
        return format_file(parse_file(source))


def format_file(file: File) -> bytes:
    """The formatted text of a parsed file: same tree and comments, and no change when formatted again."""
    original = file.source.data
    for _ in range(_MOST_ROUNDS):
        walk = _walk(file, careful=False)
        plain = _finished(walk)
        if not _is_doubtful(walk.output) or plain == file.source.data:
            return plain
        if not _is_spoiled(walk.output, plain) and _is_stable(file, plain):
            return plain
        careful = _finished(_walk(file, careful=True))
        if careful == file.source.data:
            return careful
        again = _parsed(file, careful)
        if again is None:
            return original  # never harm a file
        file = again
    return original


def layout_of_alloy(file: File) -> bytes:
    """The file as Alloy would print it, harm included."""
    return _finished(_walk(file, careful=False))


def format_expression(expression: Expression, source: Source) -> str:
    """The text of one expression of `source` in Alloy's layout, without comments.

    It has several lines only where an array, object or call has them in the source.
    """
    walk = Walk(source, (), careful=False)
    walk.expression(expression)
    return align(walk.output.finish())


def _walk(file: File, *, careful: bool) -> Walk:
    walk = Walk(file.source, file.comments, careful=careful)
    walk.body(file.body)
    return walk


def _finished(walk: Walk) -> bytes:
    return (align(walk.output.finish()) + "\n").encode()


def _is_doubtful(output: Output) -> bool:
    """Whether Alloy's layout of the file has to be examined more closely."""
    return output.doubtful or output.spoiled or bool(output.fragile)


def _is_spoiled(output: Output, text: bytes) -> bool:
    """A quick check whether `text`, Alloy's layout, is harmed: a string of the file is missing in it."""
    at = 0
    for fragile in output.fragile:
        wanted = fragile.encode()
        at = text.find(wanted, at)
        if at < 0:
            return True
        at += len(wanted)
    return output.spoiled


def _is_stable(file: File, text: bytes) -> bool:
    """Whether `text` has the content of `file`, and Alloy's layout leaves it as it is."""
    again = _parsed(file, text)
    return again is not None and layout_of_alloy(again) == text


def _parsed(file: File, text: bytes) -> File | None:
    """The tree of `text` if it has the content of `file`, else None."""
    try:
        again = parse_file(Source(file.source.name, text))
    except DiagnosticsError:
        return None
    return again if same_content(file, again) else None
