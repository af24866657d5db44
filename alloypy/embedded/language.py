"""A small language with a grammar of its own: from text to what its builder makes of it.

The grammar is grammar/NAME.lark, in Lark's notation (see grammar/README.md); its tables are made in
advance, as those of Alloy's own language. Parsing takes time in proportion to the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from alloypy.lang.text_error import TextError
from alloypy.syntax.grammar.grammar import load_tables
from alloypy.syntax.grammar.machine import Machine, NotInGrammarError
from alloypy.syntax.grammar.tables import Tables
from alloypy.syntax.tokens import Token

_MOST_NAMED = 6


class StrayCharacterError(TextError):
    """A character that begins no token."""


class Language:
    """A language that is ready to parse; make one per process and keep it.

    names: what messages call the terminals that do not always look the same, such as `STRING`: "a string".
    """

    def __init__(self, name: str, builder: object, names: Mapping[str, str]) -> None:
        """builder: has a function for every rule or alias of the grammar, by its name."""
        tables = load_tables(name)
        self._scanner = Scanner(tables)
        self._machine = Machine(tables, builder)
        written = {each.name: f"`{each.text}`" for each in tables.terminals if each.text}
        self.names = {**written, **names}

    def tokens(self, text: str) -> Iterator[Token]:
        """The tokens of a text, lazily. Raises StrayCharacterError for a character that begins none."""
        return self._scanner.tokens(text)

    def parse(self, text: str, start: str, tokens: Iterator[Token] | None = None) -> Any:
        """What the builder makes of the text. Raises TextError at the first token that cannot come.

        start: a start symbol. tokens: those of the text, if a scanner of the language's own makes them.
        """
        try:
            return self._machine.parse(self.tokens(text) if tokens is None else tokens, start)
        except NotInGrammarError as error:
            raise self.unexpected(error.token, error.expected(), text) from None

    def unexpected(self, token: Token | None, could_come: frozenset[str], text: str) -> TextError:
        """The fault that a token is; None for the end. could_come: terminals, `$END` among them for the end.

        A language that has a program's words for it has its own.
        """
        expected = self._in_words(could_come)
        if token is None:
            return TextError(f"syntax error: unexpected end{expected}", len(text), len(text))
        return TextError(f"syntax error: unexpected `{token.text}`{expected}", token.start, token.end)

    def _in_words(self, expected: frozenset[str]) -> str:
        names = {"the end" if name == "$END" else self.names.get(name, name) for name in expected}
        if not names or len(names) > _MOST_NAMED:
            return ""
        *others, last = sorted(names)
        return f", expected {', '.join(others)} or {last}" if others else f", expected {last}"


def unexpected_character(text: str, at: int) -> str:
    """The message for a character that begins no token."""
    return f"syntax error: unexpected character `{text[at]}`"


class Scanner:
    """Splits a text into the terminals that a grammar defines by patterns.

    As in Lark's own lexer the first terminal that matches wins: by priority, then by length.
    """

    def __init__(self, tables: Tables) -> None:
        self._match = re.compile("|".join(f"(?P<{t.name}>{t.pattern})" for t in tables.terminals)).match
        self._words = tables.words
        self._ignored = tables.ignored

    def tokens(self, text: str) -> Iterator[Token]:
        """The tokens, with their places in characters. Raises StrayCharacterError where none begins."""
        at, length = 0, len(text)
        words, ignored, match = self._words, self._ignored, self._match
        while at < length:
            found = match(text, at)
            if found is None or found.end() == at:
                raise StrayCharacterError(unexpected_character(text, at), at, at + 1)
            name = found.lastgroup or ""
            if name not in ignored:
                written = found.group()
                yield Token(words.get((name, written), name), written, at, found.end())
            at = found.end()
