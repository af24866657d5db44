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

_SURROGATES = 0xDC00
_SHIELDED = {ord(char): _SURROGATES + ord(char) for char in "\t\n\v\f "}
_SHIELDED_IN_LINES = {char: instead for char, instead in _SHIELDED.items() if char != ord("\n")}
_SHIELD = re.compile(r"[\udc09-\udc0c\udc20]")


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
    return chr(ord(match[0]) - _SURROGATES)


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
    """Lays out adjacent lines that all have cells, if only empty ones for their indentation."""
    texts = [line.lstrip("\t") for line in run]
    depths = [len(line) - len(text) for line, text in zip(run, texts, strict=True)]
    if _align_names(texts, depths, lines):
        return
    common = min(depths)
    rows: list[list[str]] = []
    ends: list[str] = []
    for line, depth in zip(run, depths, strict=True):
        text = line[common:]
        rows.append(_SEPARATOR.split(text))
        ends.append("\t" * (depth - common) + "".join(_SEPARATOR.findall(text, depth - common)))
    margin = "\t" * common
    for row, widths in zip(rows, _column_widths(rows, ends), strict=True):
        lines.append((margin + _padded(row, widths)).rstrip("\t "))


def _align_names(texts: list[str], depths: list[int], lines: list[str]) -> bool:
    """Lays out a run in the usual case: its only cells are names before values, at its greatest depth.

    Then no name shares a column with indentation. Returns whether it is the usual case.
    """
    deepest = max(depths)
    sizes = [text.find("\v") for text in texts]  # of the names
    for text, depth, size in zip(texts, depths, sizes, strict=True):
        if "\t" in text or not size or (size > 0 and (depth < deepest or text.find("\v", size + 1) > 0)):
            return False
    margin = "\t" * deepest
    first = 0
    for after, ends_group in enumerate([*[size < 0 for size in sizes], True]):
        if not ends_group:
            continue
        width = max(sizes[first:after], default=0) + 1
        for text, size in zip(texts[first:after], sizes[first:after], strict=True):
            lines.append((margin + text[:size].ljust(width) + text[size + 1 :]).rstrip(" "))
        if after < len(texts):
            lines.append(("\t" * depths[after] + texts[after]).rstrip("\t "))
        first = after + 1
    return True


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
