"""From bytes to tokens, character by character, with every lexical error.

Slower than the expression in `alloypy.syntax.lexer`, and only used after that has given up.
The character after the current token has always been read already, and its faults have been
reported; the look-ahead over comments reads them twice and reports their faults twice. Alloy's
order of errors comes from this.

Source: docs/spec/SYNTAX.md, section 1.
"""

from __future__ import annotations

import re

from alloypy.syntax.comments import CommentGroups, decode_comments
from alloypy.syntax.letters import is_digit, is_letter, is_printable
from alloypy.syntax.source import Source
from alloypy.syntax.tokens import ENDING, KEYWORDS, OPERATORS, LexicalError, Token, TokenList

_BOM = "\ufeff"
_DECIMAL = frozenset("0123456789")
_HEX = frozenset("0123456789abcdefABCDEF")
_SIMPLE_ESCAPES = frozenset('abfnrtv\\"')
_ESCAPE_DIGITS = {"x": 2, "u": 4, "U": 8}
_PAIRS = frozenset(("||", "&&", "!=", "==", "<=", ">="))

_MOST_ERRORS = 10_000
"""A text with this many illegal characters is not a configuration: the rest of it is not read."""

# Runs that can be skipped whole: nothing in them can be wrong or end the text around them.
_BLANKS = re.compile(rb"[ \t\r]+")
_NAME = re.compile(rb"[A-Za-z0-9_]+")
_IN_LINE_COMMENT = re.compile(rb"[\x01-\x09\x0b-\x7f]+")
_IN_COMMENT_LINE = re.compile(rb"[\x01-\x09\x0b-\x29\x2b-\x7f]+")
_IN_BLOCK_COMMENT = re.compile(rb"[\x01-\x29\x2b-\x7f]+")
_IN_STRING = re.compile(rb"[\x01-\x09\x0b-\x21\x23-\x26\x28-\x5b\x5d-\x5f\x61-\x7f]+")


def scan_characters(source: Source) -> TokenList:
    """All tokens of the source, its comments in groups, and every lexical error."""
    scanner = _Scanner(source.data)
    scanner.run()
    decode_comments(scanner.comments.groups)
    return TokenList(source, scanner.tokens, scanner.comments.groups, scanner.errors)


class _Scanner:
    def __init__(self, data: bytes) -> None:
        self.tokens: list[Token] = []
        self.errors: list[LexicalError] = []
        self.comments = CommentGroups(data.decode("latin-1"))
        self._data = data
        self._at = 0  # offset of the current character
        self._ahead = 0  # offset of the next one
        self._char = ""  # the current character; empty at the end of the file
        self._ending = False  # would a line feed end the statement?
        self._next()
        if self._char == _BOM:
            self._next()

    def run(self) -> None:
        """Scans the whole text."""
        while not self.tokens or self.tokens[-1].type != "EOF":
            self._token()

    # Characters

    def _next(self) -> None:
        data, at = self._data, self._ahead
        self._at = at
        if at >= len(data):
            self._char = ""
            return
        byte = data[at]
        if byte < 0x80:
            self._char = chr(byte)
            self._ahead = at + 1
            if byte == 0:
                self._error(at, "illegal character NUL")
            return
        width = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
        try:
            self._char = data[at : at + width].decode()
            self._ahead = at + width
        except UnicodeDecodeError:
            self._char = "\ufffd"
            self._ahead = at + 1
            self._error(at, "illegal UTF-8 encoding")
        if self._char == _BOM and at > 0:
            self._error(at, "illegal byte order mark")

    def _skip(self, run: re.Pattern[bytes]) -> None:
        """Skips the current character and the rest of its run."""
        match = run.match(self._data, self._at)
        if match is not None:
            self._ahead = match.end()
        self._next()

    def _go_to(self, offset: int) -> None:
        self._ahead = offset
        self._next()

    def _error(self, offset: int, message: str) -> None:
        self.errors.append(LexicalError(len(self.tokens), offset, message))
        if len(self.errors) >= _MOST_ERRORS:
            self._ahead = len(self._data)

    def _lexeme(self, start: int) -> str:
        return self._data[start : self._at].decode(errors="surrogateescape")

    # Tokens

    def _add(self, type_: str, text: str, start: int) -> None:
        self.tokens.append(Token(type_, text, start, self._at))
        self._ending = type_ in ENDING

    def _terminate(self, at: int) -> None:
        self.tokens.append(Token("TERMINATOR", "\n", at, at))
        self._ending = False

    def _token(self) -> None:
        while self._char and self._char in (" \t\r" if self._ending else " \t\r\n"):
            self._skip(_BLANKS)
        start, char = self._at, self._char
        if char == "":
            if self._ending:
                self._terminate(start)
            else:
                self._add("EOF", "", start)
        elif char == "\n":
            self._next()
            self._terminate(start)
        elif is_letter(char):
            self._name(start)
        elif char in _DECIMAL or (char == "." and self._data[self._ahead : self._ahead + 1].isdigit()):
            self._number(start)
        else:
            self._next()
            self._other(char, start)

    def _name(self, start: int) -> None:
        self._skip(_NAME)
        while self._char and (is_letter(self._char) or is_digit(self._char)):
            self._skip(_NAME)
        name = self._lexeme(start)
        self._add(KEYWORDS.get(name, "IDENT"), name, start)

    def _number(self, start: int) -> None:
        type_ = "NUMBER"
        self._digits()
        if self._char == ".":
            type_ = "FLOAT"
            self._next()
            self._digits()
        if self._char in {"e", "E"}:
            type_ = "FLOAT"
            self._next()
            if self._char in {"+", "-"}:
                self._next()
            if not self._digits():
                self._error(start, "exponent has no digits")
        self._add(type_, self._lexeme(start), start)

    def _digits(self) -> bool:
        """Skips digits; returns whether there were any."""
        start = self._at
        while self._char in _DECIMAL:
            self._next()
        return self._at > start

    def _other(self, char: str, start: int) -> None:
        """Adds the token that begins with `char`, which has been read."""
        if char == "/" and self._char in {"/", "*"}:
            self._comment(start)
        elif char in {'"', "`"}:
            self._string(char, start)
            self._add("STRING", self._lexeme(start), start)
        elif char == "'":
            self._error(start, "illegal single-quoted string; use double quotes")
            self._string(char, start)
            self._add("ILLEGAL", self._lexeme(start), start)
            self._ending = True
        elif char in {"|", "&"}:
            if self._char == char:
                self._next()
            else:
                self._error(self._at, f"missing second {char} in {char}{char}")
            self._add(OPERATORS[char + char], char + char, start)
        elif char in OPERATORS:
            if char + self._char in _PAIRS:
                char += self._char
                self._next()
            self._add(OPERATORS[char], char, start)
        else:
            if char != _BOM:  # reported when it was read
                self._error(start, f"illegal character {_describe(char)}")
            self.tokens.append(Token("ILLEGAL", char, start, self._at))

    # Strings

    def _string(self, quote: str, start: int) -> None:
        """Reads the rest of a string whose opening quote has been read."""
        raw = quote == "`"
        while True:
            char = self._char
            if char == "" or (char == "\n" and not raw):
                self._error(start, "string literal not terminated")
                return
            self._skip(_IN_STRING)
            if char == quote:
                return
            if char == "\\" and not raw:
                self._escape()

    def _escape(self) -> None:
        """Skips an escape sequence up to the first character that cannot belong to it."""
        start, kind = self._at, self._char
        if kind in _SIMPLE_ESCAPES:
            self._next()
            return
        digits, base, allowed, largest = 3, 8, frozenset("01234567"), 0xFF
        if kind in _ESCAPE_DIGITS:
            self._next()
            digits, base, allowed, largest = _ESCAPE_DIGITS[kind], 16, _HEX, 0x10FFFF
        elif kind not in allowed:
            self._error(start, "unknown escape sequence" if kind else "escape sequence not terminated")
            return
        value = 0
        for _ in range(digits):
            if self._char not in allowed:
                wrong = f"illegal character {_describe(self._char)} in escape sequence"
                self._error(start, wrong if self._char else "escape sequence not terminated")
                return
            value = value * base + int(self._char, 16)
            self._next()
        if value > largest or 0xD800 <= value < 0xE000:
            self._error(start, "escape sequence is invalid Unicode code point")

    # Comments

    def _comment(self, start: int) -> None:
        """Adds a comment whose first `/` has been read, or the terminator that must come before it."""
        if self._ending:
            hides = self._hides_line_end()
            self._go_to(start)  # the comments are read again, and their faults are reported again
            if hides:
                self._terminate(start)
                return
            self._next()
        if self._char == "/":
            while self._char not in {"", "\n"}:
                self._skip(_IN_LINE_COMMENT)
        else:
            self._next()
            if not self._block_comment():
                self._error(start, "block comment not terminated")
        self.comments.add(start, self._at, self._data[start : self._at].decode("latin-1"), len(self.tokens))
        self._ending = False

    def _block_comment(self) -> bool:
        """Skips a block comment's text and end; False if the file ends first."""
        while self._char:
            char = self._char
            self._skip(_IN_BLOCK_COMMENT)
            if char == "*" and self._char == "/":
                self._next()
                return True
        return False

    def _hides_line_end(self) -> bool:
        """Whether the line, or the file, ends before the next token; reads ahead over comments."""
        while self._char == "*":
            self._next()
            if not self._rest_of_line_holds_comment():
                return True
            while self._char and self._char in " \t\r":
                self._skip(_BLANKS)
            if self._char in {"", "\n"}:
                return True
            if self._char != "/":
                return False
            self._next()
        return self._char == "/"

    def _rest_of_line_holds_comment(self) -> bool:
        """Skips a block comment's text and end within this line; False if the comment goes on after it."""
        while self._char not in {"", "\n"}:
            char = self._char
            self._skip(_IN_COMMENT_LINE)
            if char == "*" and self._char == "/":
                self._next()
                return True
        return False


def _describe(char: str) -> str:
    """The character's code point, and the character itself if it is printable."""
    code = f"U+{ord(char):04X}" if char else ""
    return f"{code} '{char}'" if char and is_printable(char) else code
