"""The last stage of the formatter: cells of text become aligned columns.

The text comes marked up with four characters: a tab or a vertical tab ends a cell, a line feed
ends a line, a form feed ends a line and every group of aligned lines. Cells at the same place in
adjacent lines form a column, as wide as its widest cell and a blank. This is what Go's
text/tabwriter makes with minimal width 0, tab width 8, padding 1, blanks, and the flags
DiscardEmptyColumns and TabIndent; blanks at the end of lines are removed afterwards.

Text that must not be read as markup is shielded: each of its critical characters is replaced by
one surrogate, which has the same width and cannot occur in a valid file.

Source: docs/spec/SYNTAX.md, sections 3c, 3d.
"""

from __future__ import annotations

import re

_TAB_WIDTH = 8
_SEPARATOR = re.compile("[\t\v]")

_SHIELDED = str.maketrans("\t\n\v\f ", "\udc09\udc0a\udc0b\udc0c\udc20")
_SHIELDED_IN_LINES = str.maketrans("\t\v\f ", "\udc09\udc0b\udc0c\udc20")
_SHIELD = re.compile("[\udc09-\udc0c\udc20]")


def shield(text: str) -> str:
    """`text` in a form that passes alignment untouched, as one line even if it has several."""
    return text.translate(_SHIELDED)


def shield_in_lines(text: str) -> str:
    """`text` in a form that passes alignment untouched, but whose line feeds still end lines."""
    return text.translate(_SHIELDED_IN_LINES)


def align(marked: str) -> str:
    """Lays out marked text: pads cells, turns form feeds into line feeds, drops blanks at line ends."""
    lines: list[str] = []
    for section in marked.split("\f"):
        if "\n" in section:
            _lay_out(section.split("\n"), lines)
        elif "\v" in section or "\t" in section:
            lines.append(_single(section))
        else:
            lines.append(section.rstrip(" "))
    text = "\n".join(lines)
    return text if text.isascii() else _SHIELD.sub(_unshield, text)


def _unshield(match: re.Match[str]) -> str:
    return chr(ord(match[0]) - 0xDC00)


def _single(line: str) -> str:
    """A line with no neighbours: a column is as wide as its only cell."""
    text = line.lstrip("\t")
    name, cell, rest = text.partition("\v")
    if not cell and "\t" not in text:
        return line.rstrip("\t ")
    if name and rest and "\v" not in rest and "\t" not in text:
        return f"{line[: len(line) - len(text)]}{name} {rest}".rstrip(" ")
    made: list[str] = []
    _align_run([line], made)
    return made[0]


def _lay_out(section: list[str], lines: list[str]) -> None:
    """Lays out the lines between two form feeds. A line without cells separates those above and below."""
    run: list[str] = []
    for line in section:
        if "\t" in line or "\v" in line:
            run.append(line)
            continue
        if run:
            _align_run(run, lines)
            run = []
        lines.append(line.rstrip(" "))
    if run:
        _align_run(run, lines)


def _align_run(run: list[str], lines: list[str]) -> None:
    """Lays out adjacent lines that all have cells."""
    texts = [line.lstrip("\t") for line in run]
    depths = [len(line) - len(text) for line, text in zip(run, texts, strict=True)]
    common = min(depths)
    if common == max(depths) and not any("\v" in text or "\t" in text for text in texts):
        lines += [line.rstrip("\t ") for line in run]
        return
    rows: list[list[str]] = []
    ends: list[str] = []
    for line, depth in zip(run, depths, strict=True):
        text = line[common:]
        rows.append(_SEPARATOR.split(text))
        ends.append("\t" * (depth - common) + "".join(_SEPARATOR.findall(text, depth - common)))
    margin = "\t" * common
    for row, widths in zip(rows, _column_widths(rows, ends), strict=True):
        lines.append((margin + _padded(row, widths)).rstrip("\t "))


def _column_widths(rows: list[list[str]], ends: list[str]) -> list[list[int]]:
    """The width of every cell of every row, except the last of a row, which has none."""
    widths: list[list[int]] = [[] for _ in rows]
    column = 0
    having = [index for index, end in enumerate(ends) if end]
    while having:
        first = 0
        for after in range(1, len(having) + 1):
            if after < len(having) and having[after] == having[after - 1] + 1:
                continue
            block = having[first:after]
            width = max(len(rows[index][column]) for index in block) + 1
            if width == 1 and all(ends[index][column] == "\v" for index in block):
                width = 0
            for index in block:
                widths[index].append(width)
            first = after
        column += 1
        having = [index for index in having if len(ends[index]) > column]
    return widths


def _padded(row: list[str], widths: list[int]) -> str:
    """The cells of one line, padded to their widths with blanks; empty cells at its beginning with tabs."""
    parts: list[str] = []
    leading = True
    for cell, width in zip(row, widths, strict=False):  # the last cell has no width
        if cell:
            leading = False
            parts.append(cell.ljust(width))
        elif leading:
            parts.append("\t" * (-(-width // _TAB_WIDTH)))
        else:
            parts.append(" " * width)
    parts.append(row[-1])
    return "".join(parts)
