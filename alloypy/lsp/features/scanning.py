"""The tokens of a part of a text, for features that look at it as it is written."""

from __future__ import annotations

from alloypy.syntax.lexer import scan
from alloypy.syntax.tokens import Token, TokenList
from alloypy.syntax.tree import Comment, File


def tokens_of(file: File) -> TokenList:
    """The tokens and comments of a text, valid or not."""
    return scan(file.source)


def matched(tokens: TokenList) -> list[Token]:
    """The tokens with all brackets paired: what is missing is there without a text or length."""
    from alloypy.syntax.holes.brackets import balanced

    readable = [each for each in tokens.tokens if each.type not in {"ILLEGAL", "EOF"}]
    return balanced(readable, tokens.source.data)


def end_of(data: bytes, comment: Comment) -> int:
    """The offset just after a comment; its node leaves carriage returns out."""
    if data.startswith(b"/*", comment.start):
        found = data.find(b"*/", comment.start + 2)
        return found + 2 if found >= 0 else len(data)
    found = data.find(b"\n", comment.start)
    end = found if found >= 0 else len(data)
    while data[end - 1 : end] == b"\r":
        end -= 1
    return end
