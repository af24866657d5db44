"""The middle stage of the formatter: texts, queued whitespace and comments become one marked text.

Whitespace is queued as characters and written just before the next text, unless comments come
first; then the places of the comments in the source decide (docs/spec/SYNTAX.md, section 3b). The queue
holds `_MARKUP` characters and `INDENT`, `UNINDENT`, which change the depth of the following lines.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from alloypy.syntax.printer.cells import shield
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Comment

BLANK = " "
CELL = "\v"
NEWLINE = "\n"
FORMFEED = "\f"  # a newline that ends every group of aligned lines
INDENT = ">"
UNINDENT = "<"
_IGNORED = "\0"

_NOWHERE = -1
_END = sys.maxsize
_MOST_NEWLINES = 2
_LAYOUT = str.maketrans(dict.fromkeys(f"{BLANK}{CELL}{NEWLINE}{FORMFEED}{_IGNORED}", ""))


class Output:
    """Collects the marked text of one file.

    The place of each text in the source decides which comments precede it. If the caller does
    not know the place, it is assumed to be right after the previous text, as in Alloy.

    careful: count the real lines; Alloy is misled by form feeds and carriage returns in comments.
    queue: whitespace before the next text. rows: the number of line ends written.
    doubtful: Alloy's layout may harm something in the text so far, or change it in a second pass.
    spoiled: Alloy's layout certainly harms something in it. fragile: texts that the layout may change.
    """

    __slots__ = (
        "_anchor",
        "_careful",
        "_depth",
        "_extra_lines",
        "_fresh",
        "_group",
        "_groups",
        "_line_ends",
        "_loose_anchor",
        "_offset",
        "_parts",
        "_pending",
        "_rendered",
        "_source",
        "doubtful",
        "fragile",
        "queue",
        "rows",
        "spoiled",
    )

    def __init__(self, source: Source, comments: Sequence[Sequence[Comment]], *, careful: bool) -> None:
        self._careful = careful
        self._line_ends = "\n" if careful else "\n\f"
        self.queue = ""
        self.rows = 0
        self.doubtful = False
        self.spoiled = False
        self.fragile: list[str] = []
        self._source = source
        self._groups = comments
        self._group = 0
        self._pending = comments[0][0].start if comments else _END
        self._parts: list[str] = []
        self._depth = 0
        self._fresh = True
        self._offset = 0  # the assumed place of the next text
        self._anchor = 0  # the last place that was known
        self._extra_lines = 0  # line ends in the texts since then
        self._loose_anchor = _NOWHERE
        self._rendered: dict[tuple[str, int], tuple[str, int, int]] = {}

    def text(self, text: str, size: int, offset: int = _NOWHERE) -> None:
        """Write a text of one line and `size` bytes; `offset`: its place in the source, if known."""
        place = self._offset if offset < 0 else offset
        if self._pending <= place:
            self._write_comments(offset)
        queue = self.queue
        if queue:
            self.queue = ""
            key = (queue, self._depth)
            made = self._rendered.get(key)
            if made is None:
                made = self._rendered[key] = _render(queue, self._depth)
            space, self._depth, rows = made
            self.rows += rows
            self._parts.append(space)
        self._parts.append(text)
        if offset >= 0:
            self._anchor = offset
            self._extra_lines = 0
        self._offset = place + size

    def lines(self, text: str, size: int, offset: int) -> None:
        """Write a text that may span several lines."""
        self.text(text, size, offset)
        self.rows += text.count("\n")
        self._extra_lines = sum(map(text.count, self._line_ends))

    def loosen(self) -> None:
        """Note that the text just written is not on the source line that Alloy assumes."""
        self._loose_anchor = self._anchor

    def finish(self) -> str:
        """Write the comments that are left, and return the marked text."""
        if self._pending < _END:
            self._write_comments(_END)
        return "".join(self._parts)

    def _write_comments(self, offset: int) -> None:
        """Write all comments before the next text, and the whitespace around them.

        offset: the place of the next text; _NOWHERE if estimated; _END at the end of the file.
        """
        self._fresh = not self._parts
        line = self._source.line
        last_line = line(self._anchor) + self._extra_lines
        if offset < 0:
            limit, next_line = self._offset, last_line
        else:
            limit, next_line = offset, _END if offset == _END else line(offset)
        self._judge(offset, limit, next_line)
        comment = self._groups[self._group][0]
        while self._pending <= limit:
            for comment in self._groups[self._group]:
                last_line = self._write_comment(comment, last_line, next_line)
            self._group += 1
            more = self._group < len(self._groups)
            self._pending = self._groups[self._group][0].start if more else _END
            if offset == _END and not more:
                return
        self._write_suffix(comment, last_line, next_line)

    def _judge(self, offset: int, limit: int, next_line: int) -> None:
        """Mark the text as doubtful, unless both the layout and the source break the line at the comment."""
        group = self._group
        while group + 1 < len(self._groups) and self._groups[group + 1][0].start <= limit:
            group += 1
        comments = [comment for group_ in self._groups[self._group : group + 1] for comment in group_]
        last_line = self._source.line(comments[-1].start) + comments[-1].text.count("\n")
        broken = not self._parts or offset == _END or NEWLINE in self.queue or FORMFEED in self.queue
        if (
            offset < 0
            or not broken
            or self._loose_anchor == self._anchor
            or next_line <= last_line
            or any("\f" in comment.text for comment in comments)
        ):
            self.doubtful = True

    def _write_comment(self, comment: Comment, last_line: int, next_line: int) -> int:
        """Write one comment and what separates it from the text before; returns the line it ends on."""
        at = self._source.line(comment.start)
        if self._parts:
            if at == last_line:
                self._space(BLANK if at == next_line else "\t")
            else:
                self._apply_leading_indents()
                self._space(FORMFEED * min(_MOST_NEWLINES, at - last_line))
        text = comment.text
        plain = text.isprintable() and text[-1] != " "
        self._space("")
        self._parts.append(text if plain else shield(text))
        ends = 0 if plain else sum(map(text.count, self._line_ends))
        self._fresh = text[-1] in self._line_ends
        self.rows += ends
        return at + ends

    def _apply_leading_indents(self) -> None:
        """Apply the depth changes at the head of the queue, and drop the first other item."""
        rest = self.queue.lstrip(INDENT + UNINDENT)
        if rest:
            leading = self.queue[: len(self.queue) - len(rest)]
            self._depth += leading.count(INDENT) - leading.count(UNINDENT)
            self.queue = _IGNORED + rest[1:]

    def _write_suffix(self, comment: Comment, last_line: int, next_line: int) -> None:
        """Write what separates the last comment from the next text."""
        end_line = last_line if self._careful else self._source.line(comment.end)
        if comment.text[1] == "*" and next_line == end_line:
            self._space(BLANK)
        queue, self.queue = self.queue, ""
        indents = queue.translate(_LAYOUT)
        self._depth += indents.count(INDENT) - indents.count(UNINDENT)
        if next_line > last_line:
            end = FORMFEED if FORMFEED in queue else NEWLINE
            self._space(end * min(_MOST_NEWLINES, next_line - last_line))
        self._space("")

    def _space(self, space: str) -> None:
        """Write whitespace, at the beginning of a line after its indentation."""
        if self._fresh and self._depth:
            self._parts.append("\t" * self._depth)
        self._fresh = False
        if space:
            self._parts.append(space)
            if space[0] in "\n\f":
                self._fresh = True
                self.rows += len(space)


def _render(queue: str, depth: int) -> tuple[str, int, int]:
    """What a queue writes after a text: the characters, the depth afterwards, the number of line ends.

    Each new line gets its indentation, even an empty one and the line of the next text.
    """
    parts: list[str] = []
    fresh = False
    rows = 0
    for item in queue:
        if item == INDENT:
            depth += 1
        elif item == UNINDENT:
            depth -= 1
        else:
            if fresh:
                parts.append("\t" * depth)
            parts.append(item)
            fresh = item in "\n\f"
            rows += fresh
    if fresh:
        parts.append("\t" * depth)
    return "".join(parts), depth, rows
