"""What people mean when they write something that is not Alloy: changes that may mend a syntax fault.

Each repair is a guess from the text around the fault. `alloypy.syntax.repairs.hints` tries the repairs and
shows one that works.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from alloypy.syntax import codes
from alloypy.syntax.diagnostics import Edit
from alloypy.syntax.letters import is_identifier
from alloypy.syntax.repairs.brackets import NO_EQUALS, braces, brackets, in_object, openers
from alloypy.syntax.repairs.forms import FormOf, forms
from alloypy.syntax.repairs.layout import split_block
from alloypy.syntax.repairs.place import ENDS, STARTS, Place, Repair
from alloypy.syntax.tokens import Token

_QUOTED_RUN = re.compile(rb"[^\s,()\[\]{}=\"'`]*")
_WORD = re.compile(rb"[\w.\-/:]+")
_LABEL = re.compile(r"\w[\w.\-/: ]*")
_VARIABLE = re.compile(rb"\$(?:\{\s*(\w+)\s*\}|(\w+))")
_CURLY = {"\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2018": "'", "\u2019": "'", "\u00a0": " "}
_WORDS = {"and": "&&", "or": "||", "not": "!"}

MISSING_EQUALS = "an attribute is written `name = value`"
NO_COLON = "write `=` instead of `:`"
SPLIT = "each statement goes on a line of its own, without `,` or `;`"
QUOTE = 'text goes in double quotes, as in `"text"`'
COMMA = "put a `,` between elements, and after the last one where `]` or `}` is on a line of its own"
NO_COMMA = "an attribute ends with its line, without `,`"
NO_CONDITION = "there is no `? :`; `coalesce(a, b)` is the first of its arguments that is not empty"


def repairs(place: Place, form_of: FormOf) -> Iterator[Repair]:
    """What may mend the fault, the likeliest first."""
    yield from forms(place, form_of)
    for guess in _GUESSES:
        yield from guess(place)


def advice(place: Place) -> str:
    """The hint for a fault without a known repair; often empty."""
    if place.code == codes.ILLEGAL_CHARACTER and place.byte() == b"?":
        return NO_CONDITION
    if place.code == codes.BLOCK_AS_EXPRESSION:
        return NO_EQUALS
    if place.code == codes.UNTERMINATED_STRING and place.byte() == b'"':
        return "a string ends on its line; text of several lines goes in backquotes: `` `text` ``"
    return ""


def _characters(place: Place) -> Iterator[Repair]:
    """Single characters that mean something in other languages."""
    data, offset = place.data, place.offset
    if place.code != codes.ILLEGAL_CHARACTER:
        return
    if place.byte() == b"#":
        end = offset + len(data[offset:]) - len(data[offset:].lstrip(b"#"))
        yield Repair("a comment begins with `//`", (Edit(offset, end, "//"),))
    elif place.byte() == b";":
        yield Repair("a statement ends with its line, without `;`", (Edit(offset, offset + 1, ""),))
    elif place.byte() == b"$":
        match = _VARIABLE.match(data, offset)
        if match is not None:
            call = f'sys.env("{(match[1] or match[2]).decode("utf-8", "replace")}")'
            yield Repair(f"write `{call}`", (Edit(offset, match.end(), call),))
    else:
        yield from _typography(place)


def _typography(place: Place) -> Iterator[Repair]:
    """Curly quotes and special blanks that a word processor or a web page has inserted."""
    if place.data[place.offset : place.offset + 4].decode("utf-8", "ignore")[:1] not in _CURLY:
        return
    edits, at = [], place.line[0]
    for char in place.data[slice(*place.line)].decode("utf-8", "surrogateescape"):
        size = len(char.encode("utf-8", "surrogateescape"))
        if char in _CURLY:
            edits.append(Edit(at, at + size, _CURLY[char]))
        at += size
    yield Repair('write plain quotes and blanks: `"text"`', tuple(edits))


def _colons(place: Place) -> Iterator[Repair]:
    """`name: value`, `name := value`, `name => value`, `name == value`."""
    offset = place.offset
    if place.byte() == b":":
        every = [_equals_for(place.data, token.start) for token in place.same_line() if token.text == ":"]
        equals = _equals_for(place.data, offset)
        end = equals.end
        yield Repair(NO_COLON, (equals,))
        yield Repair(NO_COLON, tuple(every))
        value = end + len(place.data[end:]) - len(place.data[end:].lstrip(b" \t"))
        if value < place.line[1]:
            quotes = (Edit(value, value, '"'), Edit(place.line[1], place.line[1], '"'))
            yield Repair("write `=` instead of `:`, and the text in quotes", (equals, *quotes))
    for start in (offset, offset - 1):
        if place.data[start : start + 2] in {b"=>", b"=="}:
            operator = place.data[start : start + 2].decode()
            yield Repair(f"write `=` instead of `{operator}`", (Edit(start + 1, start + 2, ""),))


def _equals_for(data: bytes, at: int) -> Edit:
    """` =` for the `:` or `:=` at an offset."""
    end = at + (2 if data[at + 1 : at + 2] == b"=" else 1)
    before = "" if data[at - 1 : at].isspace() else " "
    after = "" if data[end : end + 1].isspace() else " "
    return Edit(at, end, f"{before}={after}")


def _equals(place: Place) -> Iterator[Repair]:
    """An attribute or a field without `=`."""
    if place.code not in {
        codes.BAD_LABEL,
        codes.EXPECTED_BODY,
        codes.EXPECTED_IDENTIFIER,
        codes.UNEXPECTED_TOKEN,
    }:
        return
    for count in (1, 2):
        name = place.before(count)
        if name is not None and name.type in {"IDENT", "STRING"}:
            yield Repair(MISSING_EQUALS, (Edit(name.end, name.end, " ="),))


def _labels(place: Place) -> Iterator[Repair]:
    """A label without quotes, or with characters that names do not have."""
    brace = place.data.find(b"{", place.offset, place.line[1])
    if place.code not in {codes.BAD_LABEL, codes.SINGLE_QUOTES} or brace < 0:
        return
    written = place.data[place.offset : brace].rstrip()
    inner = written.strip(b"\"'`").decode("utf-8", "replace")
    if _LABEL.fullmatch(inner) is None:
        return
    label = re.sub(r"\W", "_", inner)
    if label and not is_identifier(label):
        label = f"_{label}"
    if label and is_identifier(label):
        end = place.offset + len(written)
        yield Repair(f'write the label as `"{label}"`', (Edit(place.offset, end, f'"{label}"'),))


def _commas(place: Place) -> Iterator[Repair]:
    """Elements, fields or arguments with nothing between them."""
    for count in (1, 2):
        token = place.before(count)
        if token is not None and token.type in ENDS:
            yield Repair(COMMA, (Edit(token.end, token.end, ","),))
    gaps = []
    line = [token for token in place.tokens if place.line[0] <= token.start < place.line[1]]
    for token, after in pairwise(line):
        starts = STARTS if token.type in {"STRING", "RCURLY"} else STARTS - {"LBRACK", "LCURLY"}
        if token.type in ENDS and after.type in starts:
            gaps.append(Edit(token.end, token.end, ","))
    if len(gaps) > 1:
        yield Repair(COMMA, tuple(gaps))


def _strings(place: Place) -> Iterator[Repair]:
    """Strings that do not end, have single quotes, or contain an unknown escape."""
    data, offset, end = place.data, place.offset, place.line[1]
    if place.code == codes.UNTERMINATED_STRING and place.byte() in {b'"', b"'"}:
        mark = place.byte().decode()
        inner = offset + len(data[offset:end].rstrip(b" \t\r,)]}"))
        for close in dict.fromkeys((end, inner)):
            yield Repair('the string needs its closing `"`', (Edit(close, close, mark),))
    elif place.code == codes.SINGLE_QUOTES:
        yield Repair(QUOTE, tuple(_requoted(place.token)))
        every = [token for token in place.same_line() if token.text[:1] == token.text[-1:] == "'"]
        yield Repair(QUOTE, tuple(edit for token in every for edit in _requoted(token)))
    elif place.code == codes.BAD_ESCAPE:
        slash = data.rfind(b"\\", place.line[0], offset)
        if slash >= 0:
            yield Repair("a backslash is written `\\\\`", (Edit(slash, slash, "\\"),))
    elif place.code == codes.UNTERMINATED_COMMENT:
        yield Repair("the comment needs its closing `*/`", (Edit(end, end, " */"),))


def _requoted(token: Token) -> Iterator[Edit]:
    """Replace single quotes by double ones; double quotes inside get a backslash."""
    yield Edit(token.start, token.start + 1, '"')
    text = token.text.encode("utf-8", "surrogateescape")
    for match in re.finditer(b'"', text):
        yield Edit(token.start + match.start(), token.start + match.start(), "\\")
    yield Edit(token.end - 1, token.end, '"')


def _templates(place: Place) -> Iterator[Repair]:
    """Strings with `${...}` in them."""
    begin, end = place.line
    found = place.data.find(b"${", begin, place.offset)
    start = place.data.rfind(b'"', begin, found)
    if found < 0 or start < 0:
        return
    edits: list[Edit] = []
    at, text = start + 1, start + 1
    while at < end and place.data[at : at + 1] != b'"':
        if place.data[at : at + 2] != b"${":
            at += 1
            continue
        close = _closing(place.data, at + 2, end)
        if close < 0:
            return
        first, last = at == start + 1, place.data[close + 1 : close + 2] == b'"'
        edits.append(Edit(start, at + 2, "") if first else Edit(at, at + 2, " + " if text == at else '" + '))
        edits.append(Edit(close, close + 2, "") if last else Edit(close, close + 1, ' + "'))
        if last:
            break
        at = text = close + 1
    yield Repair('there is no `${ }` in strings; join texts, as in `"a" + b`', tuple(edits))


def _closing(data: bytes, at: int, end: int) -> int:
    """The offset of the `}` that closes what begins before `at`; -1 if there is none."""
    depth, quoted = 1, False
    for here in range(at, end):
        char = data[here : here + 1]
        if char == b'"':
            quoted = not quoted
        elif not quoted:
            depth += (char == b"{") - (char == b"}")
            if depth == 0:
                return here
    return -1


def _operators(place: Place) -> Iterator[Repair]:
    """`&`, `|`, and operators written as words."""
    if place.code == codes.HALF_OPERATOR:
        char = place.data[place.offset - 1 : place.offset].decode()
        yield Repair(f"write `{char}{char}`", (Edit(place.offset, place.offset, char),))
    for token in (place.token, place.before()):
        if token is not None and token.text in _WORDS:
            operator = _WORDS[token.text]
            end = token.end
            if operator == "!":
                end += len(place.data[end:]) - len(place.data[end:].lstrip(b" "))
            yield Repair(f"write `{operator}`", (Edit(token.start, end, operator),))


def _statements(place: Place) -> Iterator[Repair]:
    """Text after a statement on its line."""
    if place.code in {codes.EXPECTED_TERMINATOR, codes.ILLEGAL_CHARACTER, codes.UNEXPECTED_TOKEN}:
        edits = split_block(place.data, place.tokens, place.at)
        if edits:
            yield Repair(SPLIT, edits)
    if place.byte() == b"," and place.code == codes.EXPECTED_TERMINATOR:
        yield Repair(NO_COMMA, (Edit(place.offset, place.offset + 1, ""),))
        yield Repair(SPLIT, (Edit(place.offset, place.offset + 1, "\n"),))
    before = place.before()
    if place.token.type == "IDENT" and before is not None and place.code == codes.EXPECTED_TERMINATOR:
        yield Repair(SPLIT, (Edit(before.end, place.token.start, "\n"),))
    if place.byte() == b"," and place.code == codes.EXPECTED_IDENTIFIER:
        yield Repair("there is nothing before this `,`", (Edit(place.offset, place.offset + 1, ""),))
    if place.byte() in {b",", b"="} and place.code in {codes.EXPECTED_EXPRESSION, codes.EXPECTED_FIELD}:
        hint = f"one `{place.byte().decode()}` is enough"
        yield Repair(hint, (Edit(place.offset, place.offset + 1, ""),))


def _quotes(place: Place) -> Iterator[Repair]:
    """One of two quotes is missing on a line that has others: `"a = "b"`, `a" = "b"`."""
    begin, end = place.line
    line = place.data[begin:end]
    if line.count(b'"') % 2 == 0:
        return
    for match in _WORD.finditer(line):
        before, after = line[match.start() - 1 : match.start()], line[match.end() : match.end() + 1]
        if (before == b'"') != (after == b'"'):
            at = begin + (match.end() if before == b'"' else match.start())
            yield Repair('a `"` is missing', (Edit(at, at, '"'),))


def _unquoted(place: Place) -> Iterator[Repair]:
    """Text without quotes: `10s`, `127.0.0.1`, `http://host`, names with dashes."""
    start = place.offset
    while start > place.line[0] and _QUOTED_RUN.fullmatch(place.data, start - 1, start):
        start -= 1
    match = _QUOTED_RUN.match(place.data, place.offset, place.line[1])
    end = match.end() if match is not None else place.offset
    if end - start < 2:
        return
    run = place.data[start:end]
    key = place.data[end : place.line[1]].lstrip().startswith(b"=")
    if b"-" in run and re.fullmatch(rb"[A-Za-z_][\w-]*", run) and not (key and in_object(place)):
        name = run.decode().replace("-", "_")
        yield Repair(f"names have no `-`; write `{name}`", (Edit(start, end, name),))
    yield Repair(QUOTE, (Edit(start, start, '"'), Edit(end, end, '"')))


_GUESSES: tuple[Callable[[Place], Iterator[Repair]], ...] = (
    _characters,
    _templates,
    _colons,
    _strings,
    _labels,
    _operators,
    braces,
    openers,
    _statements,
    _equals,
    _commas,
    _quotes,
    _unquoted,
    brackets,
)
