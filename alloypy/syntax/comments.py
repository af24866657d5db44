"""Comments as both scanners keep them: in groups, as Alloy's printer wants them.

Source: docs/spec/SYNTAX.md, section 1.
"""

from __future__ import annotations

from alloypy.syntax.tree import Comment


class CommentGroups:
    """Collects comments into groups: between two of a group are no token and at most one line feed."""

    def __init__(self, text: str) -> None:
        self.groups: list[list[Comment]] = []
        self._text = text
        self._end = 0
        self._tokens = -1

    def first_after_token(self, tokens: int) -> bool:
        """Whether there was a token since the last comment; `tokens` is their number so far."""
        return tokens != self._tokens

    def add(self, start: int, end: int, lexeme: str, tokens: int) -> None:
        """Adds the comment from `start` to just before `end`; `tokens` precede it."""
        content = _strip_carriage_returns(lexeme)
        comment = Comment(start, start + len(content) - 1, content)
        if self.first_after_token(tokens) or self._text.count("\n", self._end, start) > 1:
            self.groups.append([comment])
        else:
            self.groups[-1].append(comment)
        self._end = end
        self._tokens = tokens


def _strip_carriage_returns(text: str) -> str:
    """A comment's text without carriage returns, except between the `*` and `/` of a block comment."""
    if "\r" not in text:
        return text
    if text[-1] == "\r":
        text = text[:-1]
    if text[1] == "/":
        return text.replace("\r", "")
    kept: list[str] = []
    for at, char in enumerate(text):
        if char != "\r" or (len(kept) > 2 and kept[-1] == "*" and text.startswith("/", at + 1)):
            kept.append(char)
    return "".join(kept)


def decode_comments(comments: list[list[Comment]]) -> None:
    """Turns comments read as Latin-1 into UTF-8; invalid bytes become lone surrogates."""
    for group in comments:
        for comment in group:
            if not comment.text.isascii():
                comment.text = comment.text.encode("latin-1").decode(errors="surrogateescape")
