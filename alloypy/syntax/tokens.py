"""The tokens of an Alloy file.

Token types have the names of the grammar's terminals; `SPELLING` has the names
that Alloy uses for them in messages.

Source: docs/spec/SYNTAX.md, section 1.
"""

from __future__ import annotations

from alloypy.syntax.source import Source
from alloypy.syntax.tree import Comment


class Token:
    """One token.

    type: the terminal's name in the grammar. text: as written, the line feed for a TERMINATOR,
    empty for EOF. start, end: byte offsets of the first byte and just after the last.
    """

    __slots__ = ("end", "start", "text", "type")

    def __init__(self, type_: str, text: str, start: int, end: int) -> None:
        self.type = type_
        self.text = text
        self.start = start
        self.end = end

    def __repr__(self) -> str:
        return f"Token({self.type}, {self.text!r}, {self.start})"


class LexicalError:
    """A character the scanner cannot accept.

    offset: its place. before: how many tokens the scanner had produced when it found it. Alloy
    reports errors in order of discovery, so this orders the scanner's errors among the parser's.
    """

    __slots__ = ("before", "message", "offset")

    def __init__(self, before: int, offset: int, message: str) -> None:
        self.before = before
        self.offset = offset
        self.message = message

    def __repr__(self) -> str:
        return f"LexicalError({self.before}, {self.offset}, {self.message!r})"


class TokenList:
    """The lexer's result for a source.

    tokens: without comments, ending with EOF. comments: in groups, as the tree keeps them.
    errors: in order of discovery; empty for a clean text.
    """

    __slots__ = ("comments", "errors", "source", "tokens")

    def __init__(
        self,
        source: Source,
        tokens: list[Token],
        comments: list[list[Comment]],
        errors: list[LexicalError],
    ) -> None:
        self.source = source
        self.tokens = tokens
        self.comments = comments
        self.errors = errors


OPERATORS = {
    "||": "OR",
    "&&": "AND",
    "!": "NOT",
    "=": "ASSIGN",
    "==": "EQ",
    "!=": "NEQ",
    "<": "LT",
    "<=": "LTE",
    ">": "GT",
    ">=": "GTE",
    "+": "ADD",
    "-": "SUB",
    "*": "MUL",
    "/": "DIV",
    "%": "MOD",
    "^": "POW",
    "{": "LCURLY",
    "}": "RCURLY",
    "(": "LPAREN",
    ")": "RPAREN",
    "[": "LBRACK",
    "]": "RBRACK",
    ",": "COMMA",
    ".": "DOT",
}

KEYWORDS = {"true": "BOOL", "false": "BOOL", "null": "NULL"}

# What opens, and what closes it.
CLOSER_OF = {"LCURLY": "RCURLY", "LBRACK": "RBRACK", "LPAREN": "RPAREN"}

LITERALS = frozenset(("STRING", "NUMBER", "FLOAT", "BOOL", "NULL"))

BINARY_OPERATORS = frozenset(
    ("OR", "AND", "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "ADD", "SUB", "MUL", "DIV", "MOD", "POW")
)

# Tokens after which the next line feed or the end of the file ends the statement.
ENDING = frozenset(("IDENT", "BOOL", "NULL", "NUMBER", "FLOAT", "STRING", "RPAREN", "RBRACK", "RCURLY"))

_WORDS = ("ILLEGAL", "EOF", "IDENT", "NUMBER", "FLOAT", "STRING", "BOOL", "NULL", "TERMINATOR", "COMMENT")

SPELLING = {word: word for word in _WORDS} | {name: text for text, name in OPERATORS.items()}
