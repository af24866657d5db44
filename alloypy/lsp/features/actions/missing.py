"""Adds the arguments and blocks that a body must have and does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from alloypy.lsp.cursor.around import Around, Role, around_of
from alloypy.lsp.documents.sections import Section
from alloypy.lsp.features.actions.action import QUICK_FIX, Action, Asked, text_edits
from alloypy.lsp.features.actions.modules import required_arguments
from alloypy.lsp.features.actions.placeholders import as_snippet, mark, marks_in, placeholder, with_values
from alloypy.schema import texts
from alloypy.schema.spec import AttributeSpec, Member, Spec
from alloypy.syntax.diagnostics import DiagnosticsError, Edit, edited
from alloypy.syntax.holes.parsing import is_unfinished
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Attribute, Block, Statement

_MISSING = texts.CODES["missing"]
_DEEPEST = 8


def missing_arguments(asked: Asked) -> Iterator[Action]:
    """The action for the innermost block at the selection that lacks something."""
    section = asked.document.section_at(asked.start)
    at = asked.start - section.start
    for around in reversed(_blocks_at(asked, section, at)):
        lacking = lacking_in(asked, around, section)
        if not lacking or not _is_whole(around.block, section):
            continue
        values: list[str] = []
        marked = [each.marked(values) for each in lacking]
        edits = _formatted(section, _insertions(around.block, marked, section.source.data))
        if not edits:
            return
        moved = [Edit(each.start + section.start, each.end + section.start, each.text) for each in edits]
        plain = [each._replace(text=with_values(each.text, values)) for each in moved]
        start = around.block.start + section.start
        mends = tuple(
            each
            for each in asked.of_document
            if each.code == _MISSING and each.span is not None and each.span.start == start
        )
        names = ", ".join(f"`{each.name}`" for each in lacking)
        title = f"Add what is missing: {names}"
        action = Action(title, QUICK_FIX, text_edits(asked.document.path, plain), mends, bool(mends))
        yield action._replace(snippet=text_edits(asked.document.path, _snippets(moved, values)))
        return


def _snippets(edits: Sequence[Edit], values: Sequence[str]) -> Iterator[Edit]:
    """The changes as snippets, whose places are numbered through all of them."""
    before = 0
    for each in edits:
        yield each._replace(text=as_snippet(each.text, values, before))
        before += marks_in(each.text)


class Lacking(NamedTuple):
    """A member that a body must have. value: of an attribute. inside: what a block must have in turn."""

    name: str
    value: str = ""
    inside: tuple[Lacking, ...] | None = None
    labelled: bool = False

    def marked(self, values: list[str]) -> Lacking:
        """The same with marks in the place of values, which are added to `values`."""
        if self.inside is not None:
            return self._replace(inside=tuple(each.marked(values) for each in self.inside))
        values.append(self.value)
        return self._replace(value=mark(len(values) - 1))

    def lines(self, indent: str, width: int) -> list[str]:
        """Its text, with the `=` of an attribute after `width` characters."""
        if self.inside is None:
            return [f"{indent}{self.name.ljust(width)} = {self.value}"]
        head = f'{indent}{self.name} "default" {{' if self.labelled else f"{indent}{self.name} {{"
        inner = lines_of(self.inside, f"{indent}\t")
        return [head, *inner, f"{indent}}}"] if inner else [f"{head} }}"]


def lines_of(members: Sequence[Lacking], indent: str) -> list[str]:
    """The lines of a body: attributes, then blocks with an empty line before each."""
    attributes = [each for each in members if each.inside is None]
    width = max((len(each.name) for each in attributes), default=0)
    lines = [line for each in attributes for line in each.lines(indent, width)]
    for each in members:
        if each.inside is not None:
            lines += [*([""] if lines else []), *each.lines(indent, 0)]
    return lines


def lacking_in(asked: Asked, around: Around, section: Section) -> tuple[Lacking, ...]:
    """What a block lacks."""
    if around.role in {Role.COMPONENT, Role.CUSTOM, Role.UNKNOWN}:
        start = around.block.start + section.start
        required = required_arguments(asked.workspace, asked.document, start)
        if required is not None:
            given = {each.name.name for each in around.block.body if isinstance(each, Attribute)}
            wanted = ((name, type_) for name, type_ in required.items() if name not in given)
            return tuple(Lacking(name, placeholder(type_)) for name, type_ in wanted)
    return _of_spec(around.spec, around.block.body, 0) if around.spec is not None else ()


def _of_spec(spec: Spec, body: Sequence[Statement], depth: int) -> tuple[Lacking, ...]:
    given = {each.full_name if isinstance(each, Block) else each.name.name for each in body}
    return tuple(_lacking(each, depth) for each in spec.required if each.name not in given)


def _lacking(member: Member, depth: int) -> Lacking:
    if isinstance(member, AttributeSpec):
        return Lacking(member.name, placeholder(member.type))
    inside = _of_spec(member.body, (), depth + 1) if depth < _DEEPEST else ()
    return Lacking(member.name, inside=inside, labelled=member.body.takes_label)


def _blocks_at(asked: Asked, section: Section, at: int) -> list[Around]:
    """The blocks that contain an offset in a section, the outermost first."""
    found: list[Around] = []
    body: Sequence[Statement] = section.file.body
    while True:
        here = next((each for each in body if each.start <= at <= each.end + 1), None)
        if not isinstance(here, Block) or is_unfinished(here):
            return found
        outer = found[-1] if found else None
        found.append(around_of(asked.workspace, asked.document, section.start, here, outer))
        body = here.body


def _is_whole(block: Block, section: Section) -> bool:
    data = section.source.data
    return data[block.lcurly : block.lcurly + 1] == b"{" and data[block.end : block.end + 1] == b"}"


# Where it goes


def _insertions(block: Block, lacking: Sequence[Lacking], data: bytes) -> list[Edit]:
    """The changes that add what a block lacks: attributes after those that it has, blocks at its end."""
    newline = "\r\n" if b"\r\n" in data else "\n"
    line = data[data.rfind(b"\n", 0, block.start) + 1 :]
    indent = line[: len(line) - len(line.lstrip(b" \t"))].decode()
    inner = f"{indent}\t"
    stop = _filled_until(data, block.lcurly + 1, block.end)
    if b"\n" not in data[block.lcurly : block.end]:
        return [_spread(block, lacking, data[block.lcurly + 1 : stop].strip().decode(), (newline, indent))]
    attributes = lines_of([each for each in lacking if each.inside is None], inner)
    blocks = lines_of([each for each in lacking if each.inside is not None], inner)
    if blocks and (block.body or attributes):
        blocks = ["", *blocks]
    tail = [] if b"\n" in data[stop : block.end] else [indent]
    at = _after_attributes(block, data, stop)
    if at == stop or not attributes:
        return [Edit(stop, block.end if tail else stop, _joined([*attributes, *blocks, *tail], newline))]
    apart = [""] if _next_is_block(block, at) and data[at:].split(b"\n", 2)[1:2] != [b""] else []
    edits = [Edit(at, at, _joined([*attributes, *apart], newline))]
    if b"\n" not in data[at : _next_start(block, at)]:
        edits = [Edit(at, _next_start(block, at), f"{_joined(attributes, newline)}{newline}{inner}")]
    if blocks:
        edits.append(Edit(stop, block.end if tail else stop, _joined([*blocks, *tail], newline)))
    return edits


def _joined(lines: Sequence[str], newline: str) -> str:
    return "".join(f"{newline}{each}" for each in lines)


def _spread(block: Block, lacking: Sequence[Lacking], has: str, layout: tuple[str, str]) -> Edit:
    """The change of a block that is written on one line, with what it has."""
    newline, indent = layout
    inner = f"{indent}\t"
    own = [f"{inner}{has}"] if has else []
    added = lines_of(lacking, inner)
    apart = [""] if own and lacking[0].inside is not None else []
    return Edit(block.lcurly + 1, block.end, _joined([*own, *apart, *added, indent], newline))


def _filled_until(data: bytes, start: int, end: int) -> int:
    """The offset after the last byte between two offsets that is not blank."""
    return start + len(data[start:end].rstrip())


def _after_attributes(block: Block, data: bytes, stop: int) -> int:
    """The end of the line of the last attribute before the first block, or of the brace."""
    last = block.lcurly
    for each in block.body:
        if isinstance(each, Block):
            break
        last = each.end
    newline = data.find(b"\n", last)
    at = min(_filled_until(data, last, newline if newline >= 0 else len(data)), stop)
    return last + 1 if _next_start(block, last + 1) < at else at


def _next_start(block: Block, at: int) -> int:
    """Where the next statement of a body begins, or the body ends."""
    return next((each.start for each in block.body if each.start >= at), block.end)


def _next_is_block(block: Block, at: int) -> bool:
    return any(isinstance(each, Block) and each.start >= at for each in block.body)


def _formatted(section: Section, edits: list[Edit]) -> list[Edit]:
    """The changes, with those that keep a formatted text formatted; none if they make a broken one worse."""
    from alloypy.lsp.features.differences import edits_between
    from alloypy.syntax.printer.printer import format_source

    before = section.source.data
    after = edited(before, edits)
    if _faults(after) > _faults(before):
        return []
    try:
        if format_source(section.source).strip() != before.strip():
            return edits
        made = format_source(Source("", after)).strip()
    except DiagnosticsError:
        return edits
    lead = before[: len(before) - len(before.lstrip())]
    laid_out = edits_between(before, lead + made + before[len(before.rstrip()) :])
    places = sum(marks_in(each.text) for each in edits)
    return laid_out if sum(marks_in(each.text) for each in laid_out) == places else edits


def _faults(data: bytes) -> int:
    try:
        parse_file(Source("", data))
    except DiagnosticsError as error:
        return len(error.diagnostics)
    return 0
