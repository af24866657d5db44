"""From an OTTL text to tokens.

The language joins names that follow each other (`Is Match(` calls `IsMatch`), and what a name is depends on
the character after all of them, so that Lark's lexer and one token of lookahead do not suffice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from alloypy.embedded.language import unexpected_character
from alloypy.lang.text_error import TextError
from alloypy.syntax.tokens import Token

_MOST_NESTED = 100

_WORDS = {"nil": "NIL", "not": "NOT", "or": "OR", "and": "AND", "true": "BOOL", "false": "BOOL"}
_PUNCTUATION = {
    "(": "LPAREN",
    ")": "RPAREN",
    "[": "LBRACK",
    "]": "RBRACK",
    "{": "LBRACE",
    "}": "RBRACE",
    ",": "COMMA",
    ".": "DOT",
    ":": "COLON",
    "=": "EQUAL",
    "+": "ADD",
    "-": "ADD",
    "*": "MULTIPLY",
    "/": "MULTIPLY",
    "=>": "ARROW",
    "_": "UNDERSCORE",
    **dict.fromkeys(("==", "!=", ">=", "<=", ">", "<"), "COMPARE"),
}
_PATTERN = re.compile(
    r"""(?P<BYTES>0x[a-fA-F0-9]+)
    |(?P<FLOAT>(?:[0-9]+\.[0-9]*|[0-9]*\.[0-9]+)(?:[eE][-+]?[0-9]+)?)
    |(?P<INT>[0-9]+)
    |(?P<STRING>"(?:\\.|[^\\"])*")
    |(?P<word>(?:nil|not|or|and|true|false)(?![A-Za-z0-9_]))
    |(?P<punctuation>==|!=|>=|<=|>|<|=>|[-+*/=(){}:,.\[\]]|_(?![A-Za-z0-9_]))
    |(?P<UPPER>[A-Z][A-Z0-9_]*)
    |(?P<LOWER>[a-z][a-z0-9_]*)
    |(?P<blank>[\t\n\f\r\ ]+)""",
    re.VERBOSE,
)
_NAMES = ("UPPER", "LOWER")
_IGNORANT = re.compile(r"(?:Now|UUID|UUIDv7|IsRootSpan|AdjustedCount)\s*\(\s*\(")
"""A call of a function that ignores its arguments, even lambda expressions."""


class UnjudgedError(Exception):
    """A text that Alloy reads in a way of its own, or that nests too deep; nobody writes such texts."""


def tokens(text: str) -> list[Token]:
    """The tokens of a text, with the types that the grammar declares.

    Raises TextError where none begins and for lambda expressions; UnjudgedError.
    """
    raw = list(_raw(text))
    made: list[Token] = []
    at = depth = 0
    while at < len(raw):
        token = raw[at]
        if token.type in _NAMES:
            at = _names(raw, at, depth, made)
            continue
        depth += (token.text in "([{") - (token.text in ")]}")
        if depth > _MOST_NESTED:
            raise UnjudgedError
        made.append(token)
        at += 1
    return made


def _raw(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        found = _PATTERN.match(text, at)
        if found is None:
            raise _no_token(text, at)
        kind, written = found.lastgroup or "", found.group()
        if kind == "word":
            kind = _WORDS[written]
        elif kind == "punctuation":
            kind = _PUNCTUATION[written]
        if kind == "ARROW":
            if _IGNORANT.search(text):
                raise UnjudgedError
            message = "lambda expressions need a feature of OTTL that Alloy does not switch on"
            raise TextError(message, at, found.end())
        if kind != "blank":
            yield Token(kind, written, at, found.end())
        at = found.end()


def _no_token(text: str, at: int) -> TextError:
    character = text[at]
    if character == '"':
        return TextError('syntax error: this string has no closing `"`', at, len(text))
    hint = {
        "'": ": strings are in double quotes",
        "`": ": strings are in double quotes",
        "&": ": write `and`",
        "|": ": write `or`",
        "!": ": write `not`, or `!=` between two values",
    }.get(character, "")
    return TextError(f"{unexpected_character(text, at)}{hint}", at, at + 1)


def _names(raw: list[Token], at: int, depth: int, made: list[Token]) -> int:
    """Make the tokens of the names at `at`; returns where to go on."""
    first = raw[at]
    if first.text == "where" and depth == 0 and made and made[-1].text in ")]":
        made.append(Token("WHERE", first.text, first.start, first.end))
        return at + 1
    end = at
    while end < len(raw) and raw[end].type in _NAMES:
        end += 1
    after = raw[end].text if end < len(raw) else ""
    lower = first.type == "LOWER"
    if after == "(":
        kind = "FUNCTION"
    elif after == "=" and lower:
        if depth == 0:
            raise TextError("values are compared with `==`", raw[end].start, raw[end].end)
        kind = "PARAMETER"
    elif not lower and end > at + 1 and raw[at + 1].type == "LOWER":
        kind = "FUNCTION_NAME"
    else:
        kind, end = "NAME" if lower else "ENUM", at + 1
    name = "".join(each.text for each in raw[at:end])
    made.append(Token(kind, name, first.start, raw[end - 1].end))
    return end


def in_doubtful_key(made: list[Token], place: int) -> bool:
    """Whether a place is in brackets after an element of a list, before the first comma of the list.

    They hold a key of the element. But if they cannot, Alloy takes them for the next element: `[body []]`.
    """
    opened: list[str] = []
    before = None
    for token in made:
        if token.start >= place:
            break
        if token.text in "([{":
            is_key = before is not None and (before.type == "NAME" or before.text in ")]")
            opened.append("list" if token.text == "[" and not is_key else token.text)
        elif token.text in ")]}" and opened:
            opened.pop()
        elif token.text == "," and opened[-1:] == ["list"]:
            opened[-1] = "list with commas"
        before = token
    return opened[-2:] == ["list", "["]
