"""The tokens of a Go template, with their places in characters.

Source: Go 1.26, text/template/parse (lexer and the literals that its parser refuses).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Generator, Iterator

from alloypy.embedded.gotemplate.literals import fault_of
from alloypy.lang.text_error import TextError
from alloypy.syntax.tokens import Token

_OPEN = re.compile(r"\{\{(?:-[ \t\r\n])?")
_CLOSE = re.compile(r"(?:[ \t\r\n]-)?\}\}")
_BLANKS = " \t\r\n"
_NUMBER = r"""
    (?: 0[xX][0-9a-fA-F_]*+ (?:\.[0-9a-fA-F_]*+)? (?:[pP][-+]?[0-9_]*+)?
      | 0[oO][0-7_]*+ (?:\.[0-7_]*+)? | 0[bB][01_]*+ (?:\.[01_]*+)?
      | [0-9_]*+ (?:\.[0-9_]*+)? (?:[eE][-+]?[0-9_]*+)? )
"""
_TOKEN = re.compile(
    r"""
    (?P<word> (?![0-9]) \w+ )
  | (?P<field> \.(?![0-9]) \w* )
  | (?P<variable> \$ \w* )
  | (?P<number> (?=[-+0-9.]) [-+]?+ NUMBER i? (?: (?<!i) [-+] NUMBER i (?!\w) )? )
  | (?P<string> "(?: [^"\\\n] | \\[^\n] )*+" )
  | (?P<raw> `[^`]*` )
  | (?P<char> '(?: [^'\\\n] | \\[^\n] )*+' )
  | (?P<declare> := )
  | (?P<sign> [=|(),] )
    """.replace("NUMBER", _NUMBER),
    re.VERBOSE,
)
_SIGNS = {"=": "ASSIGN", "|": "PIPE", "(": "LPAREN", ")": "RPAREN", ",": "COMMA", ":=": "DECLARE"}
_KEYWORDS = {
    **{name: name.upper() for name in ("if", "else", "end", "with", "range", "break", "continue")},
    **{name: name.upper() for name in ("template", "block", "define", "nil")},
    "true": "BOOL",
    "false": "BOOL",
}
_MOST_PARENTHESES = 10_000
_OPERANDS = frozenset(("FIELD", "VARIABLE", "IDENT", "STRING", "CHAR", "NUMBER", "BOOL", "NIL", "DOT"))
_ENDS_OPERAND = _OPERANDS | {"CHAIN", "RPAREN"}
_STARTS_OPERAND = _OPERANDS | {"LPAREN"}


def scan(text: str) -> Iterator[Token]:
    """The tokens of a template. Raises TextError for the first text that is none."""
    at = 0
    while (start := text.find("{{", at)) >= 0:
        if start > at:
            yield Token("TEXT", text[at:start], at, start)
        opened = _OPEN.match(text, start)
        after = opened.end() if opened is not None else start + 2
        if text.startswith("/*", after):
            at = _after_comment(text, after)
            continue
        yield Token("LEFT", text[start:after], start, after)
        at = yield from _action(text, after)
    if at < len(text):
        yield Token("TEXT", text[at:], at, len(text))


def _after_comment(text: str, start: int) -> int:
    end = text.find("*/", start + 2)
    if end < 0:
        raise TextError("unclosed comment", start, start + 2)
    closed = _CLOSE.match(text, end + 2)
    if closed is None:
        raise TextError("comment ends before closing delimiter", end, end + 2)
    return closed.end()


def _action(text: str, at: int) -> Generator[Token, None, int]:
    """Yields the tokens of an action whose delimiter ends at `at`; returns where the action ends."""
    begin, depth = at, 0
    last = ""  # the type of the token that ends at `at`
    names = False  # whether the next string names a template, so that it is no operand
    while (closed := _CLOSE.match(text, at)) is None:
        if text[at : at + 1] in _BLANKS and at < len(text):
            at, last = _after_blanks(text, at), ""
            continue
        token = _token(text, at, begin)
        if last in _ENDS_OPERAND and token.type in _STARTS_OPERAND:
            if token.type != "FIELD":
                missing = (
                    "a name is missing after it" if token.type == "DOT" else "a space is missing before it"
                )
                words = f"unexpected {token.text} in operand: {missing}"
                raise TextError(words, token.start, token.end)
            token = Token("CHAIN", token.text, token.start, token.end)
        depth += {"LPAREN": 1, "RPAREN": -1}.get(token.type, 0)
        if depth < 0:
            raise TextError("unexpected right paren", token.start, token.end)
        if depth > _MOST_PARENTHESES:
            raise TextError("max expression depth exceeded", token.start, token.end)
        yield token
        last = "" if names else token.type
        names = token.type in {"TEMPLATE", "BLOCK"}
        at = token.end
    if depth:
        raise TextError("unclosed left paren", closed.start(), closed.end())
    yield Token("RIGHT", closed[0], closed.start(), closed.end())
    return closed.end()


def _after_blanks(text: str, at: int) -> int:
    """Where blanks end; the last one belongs to the delimiter if that is ` -}}`."""
    end = at
    while text[end : end + 1] in _BLANKS and end < len(text):
        end += 1
    return end - 1 if text.startswith("-}}", end) else end


def _token(text: str, at: int, begin: int) -> Token:
    """The token at `at` of the action that begins at `begin`. Raises TextError."""
    found = _TOKEN.match(text, at)
    if found is None or found.end() == at:
        raise _no_token(text, at, begin)
    kind, written = found.lastgroup or "", found[0]
    fault = _literal_fault(kind, text, found) if kind in {"string", "char", "number"} else ""
    if fault:
        raise TextError(fault, at, found.end())
    if kind in {"word", "field", "variable"}:
        _check_end(text, written, found.end())
    return Token(_type(kind, written), written, at, found.end())


def _type(kind: str, written: str) -> str:
    match kind:
        case "word":
            return _KEYWORDS.get(written, "IDENT")
        case "field":
            return "DOT" if written == "." else "FIELD"
        case "raw":
            return "STRING"
        case "sign" | "declare":
            return _SIGNS[written]
    return kind.upper()


def _literal_fault(kind: str, text: str, found: re.Match[str]) -> str:
    after = text[found.end() : found.end() + 1]
    if kind != "number":
        return fault_of(kind, found[0])
    if _is_letter(after):
        return f'bad number syntax: "{found[0]}{after}"'
    return fault_of(kind, found[0])


def _check_end(text: str, written: str, end: int) -> None:
    """Raises TextError if a name contains, or is followed by, a character that it may not."""
    after = text[end : end + 1]
    wrong = next((char for char in written.lstrip(".$") if not _is_letter(char)), "")
    if not wrong and after and after not in " \t\r\n.,|:)(" and not text.startswith("}}", end):
        wrong = after
    if wrong:
        at = end if wrong == after else end - 1
        raise TextError(f"bad character {wrong!r}", at, at + 1)


def _is_letter(char: str) -> bool:
    """Whether a name may contain the character."""
    if char.isascii():
        return char == "_" or char.isalnum()
    category = unicodedata.category(char)
    return category[0] == "L" or category == "Nd"


def _no_token(text: str, at: int, begin: int) -> TextError:
    """The error for a text that begins no token."""
    char = text[at : at + 1]
    if not char:
        return TextError("unclosed action", begin, begin)
    for sign, words in (('"', "quoted string"), ("`", "raw quoted string"), ("'", "character constant")):
        if char == sign:
            return TextError(f"unterminated {words}", at, at + 1)
    if char == ":":
        return TextError("expected :=", at, at + 1)
    words = "unexpected" if char.isascii() and char.isprintable() else "unrecognized character"
    return TextError(f"{words} {char!r} in action", at, at + 1)
