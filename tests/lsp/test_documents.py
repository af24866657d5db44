"""Texts and their edits: they are always the client's, and so are their sections."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from alloypy.lsp.documents.document import Change, Document
from alloypy.lsp.documents.positions import Encoding, Lines, Position
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Node
from tests.support.alloy_texts import alloy_text
from tests.support.counts import repeated
from tests.support.watchdog import briefly

ROOT = Path(__file__).parents[2]
TEXT = """\
// first
pyroscope.write "a" {
\tendpoint {
\t\turl = "x"
\t}
}

logging {
\tlevel = "info"
}
local.file "b" { filename = `
pyroscope.write "in a string" {
` }
/* a comment
local.file "in a comment" { */
declare "c" {
argument "d" {
}
}
"""


def golden_texts() -> Iterator[str]:
    for file in sorted(ROOT.glob("tests/golden/validate/*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            found = json.loads(line)
            texts = found.get("input") or found.get("config") or found.get("text") or found.get("files")
            for text in texts.values() if isinstance(texts, dict) else [texts]:
                if isinstance(text, str):
                    yield text


def valid_texts() -> Iterator[str]:
    for file in sorted([*ROOT.glob("examples/**/*.alloy"), *ROOT.glob("docs/**/*.alloy")]):
        yield file.read_text()
    yield from golden_texts()
    yield TEXT
    random = Random(1)
    for _ in range(repeated(2000)):
        yield alloy_text(random)


def shape(node: object, moved: int) -> object:
    """A tree as plain values, with its places counted from elsewhere."""
    if isinstance(node, list | tuple):
        return [shape(each, moved) for each in node]
    if not isinstance(node, Node):
        return node
    names = sorted({name for kind in type(node).__mro__ for name in getattr(kind, "__slots__", ())})
    values = {name: getattr(node, name) for name in names}
    places = {"start", "end", "lbrack", "lparen", "lcurly", "rcurly", "label_start", "name_end", "op_start"}
    return type(node).__name__, {
        name: value + moved if name in places and isinstance(value, int) else shape(value, moved)
        for name, value in values.items()
    }


def shapes(document: Document) -> list[object]:
    return [shape(each, section.start) for section in document.sections for each in section.file.body]


def layout(document: Document) -> list[tuple[int, bytes]]:
    return [(section.start, section.source.data) for section in document.sections]


def test_the_sections_of_a_valid_text_have_its_statements() -> None:
    looked_at = parts = 0
    for text in valid_texts():
        source = Source("a.alloy", text.encode())
        try:
            whole = parse_file(source)
        except DiagnosticsError:
            continue
        document = Document("a.alloy", source.data)
        assert b"".join(section.source.data for section in document.sections) == source.data
        assert shapes(document) == [shape(each, 0) for each in whole.body], text
        looked_at += 1
        parts += len(document.sections)
    assert looked_at > 400
    assert parts > looked_at + 400


@pytest.mark.parametrize(
    "broken",
    [
        TEXT.replace("\t}\n}\n\nlogging", "\t}\n\nlogging"),
        TEXT.replace("endpoint {", "endpoint "),
        TEXT.replace('url = "x"', 'url = ["x"'),
        TEXT.replace('url = "x"', 'url = "x'),
        TEXT.replace("\t}\n}\n\nlogging", "\t}\n}\n}\n\nlogging"),
        TEXT.replace('"a" {', '"a" {{{(['),
        TEXT.replace("\n", "\n  ").replace('url = "x"', 'url = "x'),
        TEXT.replace('url = "x"', 'url = "\ud800'),
    ],
)
def test_a_fault_stays_in_its_section(broken: str) -> None:
    document = Document("a.alloy", broken.encode("utf-8", "surrogatepass"))
    ids = [block.full_name for section in document.sections for block in section.file.body]  # type: ignore[union-attr]
    assert ids == ["pyroscope.write", "logging", "local.file", "declare"]
    assert len(document.sections) >= 5
    assert b"".join(section.source.data for section in document.sections) == document.data


def test_a_block_that_is_typed_before_others_keeps_what_is_not_indented() -> None:
    broken = 'declare "c" {\nargument "d" {\n}\nlogging {\nlevel = "x"\n'
    document = Document("a.alloy", broken.encode())
    assert [block.full_name for block in document.section_at(0).file.body] == ["declare"]  # type: ignore[union-attr]


def test_an_edit_parses_only_its_section_again() -> None:
    data = b"".join(b'local.file "f%d" {\n\tfilename = "x"\n}\n\n' % number for number in range(1000))
    document = Document("a.alloy", data)
    trees = [section.file for section in document.sections]
    assert len(trees) == 1000
    lost = []
    at = Position(4 * 500 + 3, 0)
    for character in '\nlocal.file "new" {\n\tfilename = "y"\n}\n':
        changed = document.changed([Change(at, at, character)], 1, Encoding.UTF8)
        known = {id(section._file) for section in document.sections}
        lost.append(sum(id(section._file) not in known for section in changed.sections))
        assert layout(changed) == layout(Document("a.alloy", changed.data))
        at = Position(at.line + 1, 0) if character == "\n" else Position(at.line, at.character + 1)
        document = changed
    assert max(lost) <= 3
    assert document.data.count(b"local.file") == 1001


class Client:
    """An editor's text as lines of characters, each with its line end: it knows nothing of bytes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def lines(self) -> list[str]:
        found, start, at = [], 0, 0
        while at < len(self.text):
            at += 2 if self.text.startswith("\r\n", at) else 1
            if self.text[at - 1] in "\r\n":
                found.append(self.text[start:at])
                start = at
        return [*found, self.text[start:]]

    def place(self, line: int, units: int, encoding: Encoding) -> int:
        """The number of the character at a position."""
        lines = self.lines()
        if line >= len(lines):
            return len(self.text)
        before = sum(map(len, lines[:line]))
        for character in lines[line].rstrip("\r\n"):
            units -= size(character, encoding)
            if units < 0:
                break
            before += 1
        return before

    def edit(self, start: Position, end: Position, text: str, encoding: Encoding) -> None:
        first, last = sorted((self.place(*start, encoding), self.place(*end, encoding)))
        edited = self.text[:first] + text + self.text[last:]
        self.text = edited.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def size(character: str, encoding: Encoding) -> int:
    if encoding is Encoding.UTF32:
        return 1
    if encoding is Encoding.UTF16:
        return 1 + (ord(character) > 0xFFFF)
    return len(character.encode("utf-8", "surrogatepass"))


PIECES = ["\n", "\r", "\r\n", "{", "}", "[", "]", '"', "`", "//", "/*", "*/", " ", "\t", "=", ".", "x", "é"]
PIECES += [
    "日",
    "\U0001f600",
    "\ud800",
    "\udc00",
    "\0",
    "\u2028",
    "\v",
    "\ufeff",
    '\na.b "c" {\n',
    "\n}\n",
    "y = 1\n",
]


@pytest.mark.parametrize("encoding", Encoding)
def test_after_any_edits_the_text_is_the_clients(encoding: Encoding) -> None:
    random = Random(encoding.value)
    for _ in range(repeated(100)):
        edit_at_random(Client(random.choice([TEXT, alloy_text(random), ""])), random, encoding)


@briefly()
def edit_at_random(client: Client, random: Random, encoding: Encoding) -> None:
    document = Document("a.alloy", client.text.encode("utf-8", "surrogatepass"))
    for version in range(34):
        changes = []
        for _ in range(random.choice([1, 1, 1, 2, 3])):
            start = Position(random.randrange(client.text.count("\n") + 3), random.randrange(30))
            end = random.choice(
                [
                    start,
                    Position(start.line, start.character + random.randrange(4)),
                    Position(start.line + 1, 0),
                ]
            )
            text = "".join(random.choices(PIECES, k=random.randrange(4)))
            client.edit(start, end, text, encoding)
            changes.append(Change(start, end, text))
        document = document.changed(changes, version, encoding)
        if random.random() < 0.3:
            document.sections[-1].file  # noqa: B018 -- what was parsed must not be used wrongly later
        assert document.data == client.text.encode("utf-8", "surrogatepass")
    fresh = Document("a.alloy", document.data)
    assert layout(document) == layout(fresh)
    assert shapes(document) == shapes(fresh)


CONTINUATION = {bytes([byte]) for byte in range(0x80, 0xC0)}


def test_positions_and_offsets_agree() -> None:
    data = 'a\r\nb = "é😀"\r\n\rc\n'.encode() + b"\xed\xa0\x80x"
    lines = Lines(data)
    assert [lines.position(14, each).character for each in Encoding] == [11, 8, 7]
    for encoding in Encoding:
        for offset in (at for at in range(len(data) + 1) if data[at : at + 1] not in CONTINUATION):
            position = lines.position(offset, encoding)
            assert lines.position(lines.offset(position, encoding), encoding) == position
    assert lines.offset(Position(99, 0), Encoding.UTF16) == len(data)
    assert lines.offset(Position(0, 99), Encoding.UTF16) == 1
    assert lines.offset(Position(-1, -1), Encoding.UTF16) == 0


@pytest.mark.parametrize("encoding", Encoding)
def test_bytes_that_are_no_text_are_characters_of_their_own(encoding: Encoding) -> None:
    """A file may have them; "é", and a lone surrogate that a client sent, are one character beside them."""
    data = b"\xc3\xa9\xbc\x80 \xe2\x82 \xed\xa0\x80\xff\xed\xa0"
    inside = {1, 9, 10}
    for lines in (Lines(data), Lines(data + b"\n" + data)):
        for offset in range(len(data) + 1):
            if offset not in inside:
                assert lines.offset(lines.position(offset, encoding), encoding) == offset
    if encoding is Encoding.UTF8:
        assert [lines.offset(Position(0, each), encoding) for each in sorted(inside)] == [0, 8, 8]


@pytest.mark.parametrize(
    "unit", ["(", "]", "{\n", "a {\n", "}\n", "a = [\n", "`\na", "/*\na", "//\n=\n", '"\n', "a\r", "a.\n"]
)
@briefly()
def test_no_text_takes_long_to_split(unit: str) -> None:
    document = Document("a.alloy", (unit * 20_000).encode() + b")]}" * 1000)
    assert sum(len(section.source.data) for section in document.sections) == len(document.data)
    at = Position(10_000, 0)
    changed = document.changed([Change(at, at, "{")], 1, Encoding.UTF16)
    assert layout(changed) == layout(Document("a.alloy", changed.data))
