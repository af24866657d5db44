"""Comments that suppress findings: `// alloypy: ignore[ALY0903] reason`.

At the end of a line such a comment is about what begins on that line, or about the attribute that ends there.
On a line of its own it is about the statement below it. `ignore-file` is about the whole file. Errors cannot
be suppressed: Alloy would still refuse the configuration.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

from alloypy.check.explanations import all_codes, is_always_error
from alloypy.check.lint import MARK
from alloypy.check.lint.rules.suppressions import NO_SUPPRESSION, UNUSED_SUPPRESSION
from alloypy.check.scope import warning
from alloypy.graph.codes import UNSET_VARIABLE
from alloypy.schema.nearest import nearest
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Edit, Severity
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Attribute, Block, Comment, File, Statement

_FORM = re.compile(r"//\s*alloypy:\s*(ignore(?:-file)?)\b[ \t]*(?:\[([^\]]*)(\]?))?")
_EXAMPLE = "write `// alloypy: ignore[ALY0903]`, with the codes to ignore"


class Judged(NamedTuple):
    """What is known about a check, to judge whether a comment has an effect.

    selected: the codes of the rules that ran. complete: whether rules ran at all, which they do not if there
    are errors. environment: whether the whole environment is known, which one rule needs.
    """

    selected: Container[str]
    complete: bool
    environment: bool

    def could_find(self, code: str) -> bool:
        """Whether the check would have reported the code."""
        if not self.complete or (code == UNSET_VARIABLE and not self.environment):
            return False
        return code in self.selected


class _Suppression:
    """A comment. first, last: offsets between which findings begin that it suppresses; codes: as written."""

    def __init__(self, span: Span, first: int, last: int, codes: list[str]) -> None:
        self.span = span
        self.first = first
        self.last = last
        self.codes = codes
        self.used: set[str] = set()


def suppressed(found: Sequence[Diagnostic], files: Sequence[File], judged: Judged) -> list[Diagnostic]:
    """The diagnostics without suppressed warnings, with findings about comments that have no effect.

    Comments in imported modules count, but only those in `files` are judged.
    """
    known: dict[Source, list[_Suppression]] = {}
    wrong: list[Diagnostic] = []
    for file in files:
        read = list(_read(file))
        known[file.source] = [each for each in read if isinstance(each, _Suppression)]
        wrong += [each for each in read if isinstance(each, Diagnostic)]
    by_source: dict[Source, list[Diagnostic]] = {}
    for each in found:
        if each.severity is Severity.WARNING and each.span is not None:
            by_source.setdefault(each.span.source, []).append(each)
    gone: set[int] = set()
    for source, warnings in by_source.items():
        comments = known[source] if source in known else _imported(source)
        gone.update(map(id, _suppressed(warnings, comments)))
    for file in files:
        wrong += [each for one in known[file.source] for each in _without_effect(one, judged)]
    left = [each for each in found if id(each) not in gone]
    return [*left, *sorted((each for each in wrong if each.code in judged.selected), key=_place)]


class About(NamedTuple):
    """A comment that suppresses findings, with the codes that it names; of the whole file, or of a part."""

    span: Span
    codes: tuple[str, ...]
    whole_file: bool


def comments_about(file: File, offset: int) -> list[About]:
    """The comments that suppress findings that begin at an offset."""
    return [
        About(each.span, tuple(each.codes), each.first == 0 and each.last == len(file.source.data))
        for each in _read(file)
        if isinstance(each, _Suppression) and each.first <= offset <= each.last
    ]


def _place(found: Diagnostic) -> tuple[str, int]:
    return (found.span.source.name, found.span.start) if found.span is not None else ("", -1)


def _imported(source: Source) -> list[_Suppression]:
    """The comments in a module that the files import."""
    if MARK not in source.data:
        return []
    try:
        return [each for each in _read(parse_file(source)) if isinstance(each, _Suppression)]
    except DiagnosticsError:
        return []


def _suppressed(found: list[Diagnostic], comments: list[_Suppression]) -> Iterator[Diagnostic]:
    """The warnings of one text that comments suppress; notes the codes for which they do."""
    waiting = sorted(comments, key=lambda each: each.first, reverse=True)
    active: list[_Suppression] = []
    for each in sorted(found, key=_place):
        start = _place(each)[1]
        while waiting and waiting[-1].first <= start:
            active.append(waiting.pop())
        active = [comment for comment in active if comment.last >= start]
        matching = [comment for comment in active if each.code in comment.codes]
        for comment in matching:
            comment.used.add(each.code)
        if matching:
            yield each


def _read(file: File) -> Iterator[_Suppression | Diagnostic]:
    """The suppressions in a file, and a finding for each that names no code or one that does not exist."""
    if MARK not in file.source.data:
        return
    for group in file.comments:
        for comment in group:
            match = _FORM.search(comment.text)
            if match is None or not comment.text.startswith("//"):
                continue
            span = Span(file.source, comment.start + len(comment.text[: match.start()].encode()), comment.end)
            codes = [code.strip().upper() for code in (match[2] or "").split(",") if code.strip()]
            yield from _faults(span, codes, closed=bool(match[3]))
            first, last = _range(file, comment)
            if match[1] == "ignore-file":
                first, last = 0, len(file.source.data)
            yield _Suppression(span, first, last, codes)


def _faults(span: Span, codes: list[str], *, closed: bool) -> Iterator[Diagnostic]:
    if not codes or not closed:
        yield warning(span, "the comment names no code to ignore", NO_SUPPRESSION, _EXAMPLE)
    known = all_codes()
    for code in codes:
        if code not in known:
            close = nearest(code, known)
            hint = f"did you mean {close}?" if close else "`alloypy explain` lists the codes"
            yield warning(span, f"there is no code {code} to ignore", NO_SUPPRESSION, hint)


def _range(file: File, comment: Comment) -> tuple[int, int]:
    """The offsets between which begins what a comment is about."""
    source = file.source
    line = source.line(comment.start)
    begin = source.line_starts[line - 1]
    if not source.data[begin : comment.start].strip():
        return _below(file.body, comment, source)
    ending = _ending(file.body, begin, comment.start)
    return (begin if ending is None else min(begin, ending.start)), _line_end(source, line)


def _line_end(source: Source, line: int) -> int:
    """The offset of the last byte of a line, counted from 1."""
    starts = source.line_starts
    return (starts[line] if line < len(starts) else len(source.data)) - 1


def _below(body: Sequence[Statement], comment: Comment, source: Source) -> tuple[int, int]:
    """The statement below a comment; inside an expression, the next line."""
    at = bisect_left(body, comment.start, key=lambda each: each.end)
    if at == len(body):
        return 1, 0
    statement = body[at]
    if statement.start > comment.end:
        return statement.start, statement.end
    if isinstance(statement, Block) and comment.start > statement.lcurly:
        return _below(statement.body, comment, source)
    line = source.line(comment.end) + 1
    return _line_end(source, line - 1) + 1, _line_end(source, line)


def _ending(body: Sequence[Statement], begin: int, end: int) -> Attribute | None:
    """The attribute that ends between two offsets."""
    at = bisect_left(body, begin, key=lambda each: each.end)
    if at == len(body) or body[at].start >= end:
        return None
    statement = body[at]
    if isinstance(statement, Block):
        return _ending(statement.body, begin, end)
    return statement if statement.end < end else None


def _without_effect(comment: _Suppression, judged: Judged) -> Iterator[Diagnostic]:
    """A finding for codes of a comment that suppress nothing."""
    known = all_codes()
    unused = [code for code in dict.fromkeys(comment.codes) if code in known and code not in comment.used]
    errors = [code for code in unused if is_always_error(code)]
    for code in errors:
        yield warning(comment.span, f"{code} is an error, which no comment suppresses", NO_SUPPRESSION)
    idle = [code for code in unused if code not in errors and judged.could_find(code)]
    if idle:
        message = f"nothing to ignore here: {', '.join(idle)}"
        fix = _removal(comment, idle)
        hint = "remove the comment" if fix.text == "" else f"remove {', '.join(idle)}"
        yield warning(comment.span, message, UNUSED_SUPPRESSION, hint, (fix,))


def _removal(comment: _Suppression, idle: Container[str]) -> Edit:
    """The change that removes codes, or the whole comment if it has no others."""
    source, start, end = comment.span.source, comment.span.start, (comment.span.end or 0) + 1
    kept = [code for code in comment.codes if code not in idle]
    if kept:
        opening = source.data.index(b"[", start) + 1
        return Edit(opening, source.data.index(b"]", opening), ", ".join(kept))
    line = source.data.rfind(b"\n", 0, start) + 1
    before = source.data[line:start]
    if before.strip():
        return Edit(line + len(before.rstrip()), end, "")
    newline = source.data.find(b"\n", end)
    after = source.data[end : len(source.data) if newline < 0 else newline]
    return Edit(start, end, "") if after.strip() else Edit(line, end + len(after) + (newline >= 0), "")
