"""From bytes to tokens: one regular expression over the text.

The text is read as Latin-1, so that an index is a byte offset. Whatever this fast
path cannot match is an error; then `alloypy.syntax.scanner` reads the text again,
character by character, and finds every error.

A line feed ends a statement only after certain tokens (`tokens.ENDING`), and a comment
in between may hide it: `_ENDS_LINE` looks ahead over comments for that.

Source: docs/spec/SYNTAX.md, section 1.
"""

from __future__ import annotations

import re

from alloypy.syntax.comments import CommentGroups, decode_comments
from alloypy.syntax.letters import is_identifier
from alloypy.syntax.source import Source
from alloypy.syntax.tokens import ENDING, KEYWORDS, OPERATORS, Token, TokenList
from alloypy.syntax.tree import Comment

_BOM = b"\xef\xbb\xbf"

# Each alternative that may end a statement includes the line feed after it, as a separate group.
_TOKEN = re.compile(
    r"""
    [ \t\r\n]*+
    (?: ( [A-Za-z_\x80-\xff] [A-Za-z0-9_\x80-\xff]*+ )                             # 1 name or keyword
            (?: [ \t\r]* (\n) )?
      | ( [])}] )                                                                  # 3 closers
            (?: [ \t\r]* (\n) )?
      | ( \|\| | && | [!<>=]=? | [-+*%^{([,] | \.(?![0-9]) | /(?![/*]) )           # 5 other operators
      | ( "[^"\\\n]*+ (?: \\ (?: [abfnrtv\\"]
                               | [0-3][0-7]{2}
                               | x [0-9a-fA-F]{2}
                               | u (?![dD][89a-fA-F]) [0-9a-fA-F]{4}
                               | U 00 (?: 00 (?![dD][89a-fA-F]) | 0[1-9a-fA-F] | 10 ) [0-9a-fA-F]{4}
                            ) [^"\\\n]*+ )* "
          | `[^`]*+` )                                                             # 6 strings
            (?: [ \t\r]* (\n) )?
      | ( [0-9]++ (?![.eE]) )                                                      # 8 integers
            (?: [ \t\r]* (\n) )?
      | ( (?: [0-9]++ \.[0-9]*+ | \.[0-9]++ | [0-9]++ (?!\.) )                     # 10 numbers with a point
          (?: [eE][-+]?[0-9]++ | (?![eE]) ) )                                      #    or an exponent
            (?: [ \t\r]* (\n) )?
      | ( //[^\n]*+ )                                                              # 12 comments
      | ( /\* (?s:.*?) \*/ )
      | ( [^ \t\r\n] )                                                             # 14 not a token
      | \Z
    )
    """,
    re.VERBOSE,
)
_LINE_COMMENT, _UNKNOWN = 12, 14
# The token's group, by the last group that matched.
_GROUP: tuple[int, ...] = (0, 1, 1, 3, 3, 5, 6, 6, 8, 8, 10, 10)
_LITERAL = {1: "IDENT", 6: "STRING", 8: "NUMBER", 10: "FLOAT"}
_TYPE = KEYWORDS | OPERATORS


def scan(source: Source) -> TokenList:
    """All tokens of the source, its comments in groups, and what the scanner cannot accept."""
    quick = _scan_valid(source)
    if quick is not None:
        return quick
    from alloypy.syntax.scanner import scan_characters

    return scan_characters(source)


def _scan_valid(source: Source) -> TokenList | None:
    """The tokens of a text without lexical errors; None when there may be one."""
    data = source.data
    if b"\0" in data or data.find(_BOM, 1) >= 0:
        return None
    ascii_only = data.isascii()
    if not ascii_only:
        try:
            data.decode()
        except UnicodeDecodeError:
            return None
    text = data.decode("latin-1")
    scanned = _match_all(text, 3 if data.startswith(_BOM) else 0)
    if scanned is None:
        return None
    tokens, comments = scanned
    if not ascii_only and not _decode_texts(tokens, comments):
        return None
    return TokenList(source, tokens, comments, [])


def _match_all(text: str, begin: int) -> tuple[list[Token], list[list[Comment]]] | None:
    """Tokens and comments of a Latin-1 text from `begin` on; None if anything in it is not a token."""
    tokens: list[Token] = []
    comments = CommentGroups(text)
    for match in _TOKEN.finditer(text, begin):
        index = match.lastindex
        if index is None:
            break
        if index < _LINE_COMMENT:
            group = _GROUP[index]
            start, end = match.span(group)
            lexeme = text[start:end]
            tokens.append(Token(_TYPE.get(lexeme) or _LITERAL[group], lexeme, start, end))
            if group != index:
                start = match.end() - 1
                tokens.append(Token("TERMINATOR", "\n", start, start))
        elif index == _UNKNOWN:
            return None
        else:
            start, end = match.span(index)
            if comments.first_after_token(len(tokens)) and _hides_line_end(text, start, tokens):
                tokens.append(Token("TERMINATOR", "\n", start, start))
            comments.add(start, end, text[start:end], len(tokens))
    if tokens and tokens[-1].type in ENDING:
        tokens.append(Token("TERMINATOR", "\n", len(text), len(text)))
    tokens.append(Token("EOF", "", len(text), len(text)))
    return tokens, comments.groups


def _hides_line_end(text: str, at: int, tokens: list[Token]) -> bool:
    """Whether the comment at `at` ends a statement: its line, or the file, ends before another token."""
    if not tokens or tokens[-1].type not in ENDING:
        return False
    while text.startswith("/*", at):
        end = text.find("*/", at + 2) + 2
        if end < 2 or text.find("\n", at, end) >= 0:
            return True
        at = end
        while text[at : at + 1] in {" ", "\t", "\r"}:
            at += 1
    return at == len(text) or text[at] == "\n" or text.startswith("//", at)


def _decode_texts(tokens: list[Token], comments: list[list[Comment]]) -> bool:
    """Decodes the texts, read as Latin-1, from UTF-8; False if one is no valid name."""
    for token in tokens:
        if not token.text.isascii():
            token.text = token.text.encode("latin-1").decode()
            if token.type == "IDENT" and not is_identifier(token.text):
                return False
    decode_comments(comments)
    return True
