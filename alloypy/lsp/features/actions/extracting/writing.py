"""The texts of a new module, of the component that uses it, and of what refers to that."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping

from alloypy.lsp.features.actions.extracting.naming import INSTANCE
from alloypy.lsp.features.actions.extracting.wiring import Use, Wiring
from alloypy.syntax.diagnostics import DiagnosticsError, Edit, edited
from alloypy.syntax.lexer import scan
from alloypy.syntax.printer.printer import format_source
from alloypy.syntax.source import Source

Names = Mapping[tuple[str, str], str]


def new_module(wiring: Wiring, name: str, arguments: Names, exports: Names) -> Edit:
    """The change that puts the module and the component that uses it in the place of the blocks."""
    start, stop = _region(wiring)
    moved = wiring.file.source.data[start:stop]
    own = [
        Edit(use.start - start, use.stop - start, f"argument.{arguments[use.target, use.export]}.value")
        for use in wiring.inwards
    ]
    body = edited(moved, own).decode("utf-8", "surrogateescape")
    parts = [
        *(f'argument "{each}" {{ }}' for each in arguments.values()),
        *(
            f'export "{each}" {{\n\tvalue = {".".join(filter(None, port))}\n}}'
            for port, each in exports.items()
        ),
        body,
    ]
    declare = f'declare "{name}" {{\n{_indented(f"{chr(10)}{chr(10)}".join(parts))}\n}}'
    if _is_formatted(moved):
        declare = _formatted(declare)
    text = f"{declare}\n\n{_instance(name, arguments)}"
    if b"\r\n" in moved:
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    return Edit(start, stop, text)


def other_uses(wiring: Wiring, name: str, exports: Names) -> Iterator[tuple[Use, str]]:
    """What all other expressions that used the blocks name instead."""
    for use in wiring.outwards:
        yield use, f"{name}.{INSTANCE}.{exports[use.target, use.export]}"


def _region(wiring: Wiring) -> tuple[int, int]:
    """The range of the blocks, with selected comments above them and those after them on the last line."""
    data = wiring.file.source.data
    start, stop = wiring.blocks[0].start, wiring.blocks[-1].end + 1
    newline = data.find(b"\n", stop)
    line_end = len(data) if newline < 0 else newline
    for group in reversed(wiring.file.comments):
        for comment in reversed(group):
            if wiring.start <= comment.start < start and not data[comment.end + 1 : start].strip():
                start = comment.start
    for group in wiring.file.comments:
        for comment in group:
            if stop <= comment.start < line_end:
                stop = comment.end + 1
    return start, stop


def _instance(name: str, arguments: Names) -> str:
    width = max(map(len, arguments.values()), default=0)
    given = "".join(
        f"\n\t{each.ljust(width)} = {'.'.join(filter(None, port))}" for port, each in arguments.items()
    )
    return f'{name} "{INSTANCE}" {{{given or " "}{chr(10) if given else ""}}}'


def _indented(text: str) -> str:
    """The text with one more tab in front of each line that does not begin inside of a string or comment."""
    source = Source("", text.encode("utf-8", "surrogateescape"))
    scanned = scan(source)
    inside = [(token.start, token.end) for token in scanned.tokens if token.text[:1] == "`"]
    inside += [(each.start, each.end) for group in scanned.comments for each in group]
    inside.sort()
    starts = [start for start, _ in inside]
    edits = []
    for line in source.line_starts:
        at = bisect_right(starts, line - 1) - 1
        within = at >= 0 and line <= inside[at][1] and line > inside[at][0]
        if not within and source.data[line : line + 1] not in (b"\n", b"\r", b""):
            edits.append(Edit(line, line, "\t"))
    return edited(source.data, edits).decode("utf-8", "surrogateescape")


def _is_formatted(text: bytes) -> bool:
    try:
        return format_source(Source("", text)) == text + b"\n"
    except DiagnosticsError:
        return False


def _formatted(text: str) -> str:
    try:
        made = format_source(Source("", text.encode("utf-8", "surrogateescape")))
    except DiagnosticsError:
        return text
    return made.decode("utf-8", "surrogateescape").rstrip("\n")
