"""Checks a LogQL text of `stage.match`: its syntax, and the regular expressions in it.

The words are those of Alloy, with line and column; a line of 0 is Alloy's too: it forgets the line of an
operator of two characters.
Source: Alloy's verdicts in tests/golden/embedded/logql.jsonl.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from alloypy.embedded.language import Language, StrayCharacterError
from alloypy.embedded.logql.building import Query, QueryBuilder
from alloypy.lang.evaluation.literals import string_value
from alloypy.lang.go.regexp_syntax import check_syntax
from alloypy.lang.string_literals import character_starts
from alloypy.lang.text_error import TextError
from alloypy.syntax.tokens import Token

_ORDER = ("IDENTIFIER", "STRING", "=", "!=", "=~", "!~", "{", "}", ",", ".", "|~", "|=", "$end")
"""What Alloy calls the tokens, in the order in which it lists them."""
_UNREADABLE = re.compile("[\0\udc80-\udcff]|(?<!^)\ufeff")
_QUOTED = re.compile(r"([\"'])(?:(?!\1)[^\\\n]|\\[^\n])*\1?")
_BAD_ESCAPE = re.compile(
    r"\\(?![abfnrtv\\\"']|[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})", re.ASCII
)
_NO_CHARACTER = re.compile(r"(?<!\\)(?:\\\\)*\\(?:[4-7][0-7]{2}|u[dD][89a-fA-F]|U(?!000[0-9a-fA-F]|0010))")
_NOT_OCTAL = re.compile(r"0[0-7_]*([89])[0-9_]*\Z")
_HINT_QUOTES = "strings are in double quotes here"
_HINT_BACKSLASH = "a backslash in a string of LogQL is written twice, and each of them twice in double quotes"
_HINT_FILTERS = 'nothing but filters follows the selector here: |= "text", != "text", |~ "regex", !~ "regex"'
_HINT_MATCHERS = 'a selector has at least one matcher, and no comma after the last: {app="a", env=~"b|c"}'


def check_logql(text: str) -> None:
    """Raises TextError with Alloy's words."""
    found = _UNREADABLE.search(text)
    if found is not None:
        raise _fault(text, "text that is not readable", *found.span())
    language = _language()
    query: Query = language.parse(text, "expression", _tokens(language, text))
    for literal in query.matchers:
        _check_regexp(literal)
    for literal in reversed(query.filters):
        _check_regexp(literal)


class _LogQL(Language):
    """The language, with the words of Alloy's parser."""

    def unexpected(self, token: Token | None, could_come: frozenset[str], text: str) -> TextError:
        expected = sorted({self._spelled(name) for name in could_come} - {"$end"}, key=_ORDER.index)
        found = "$end" if token is None else self._spelled(token.type)
        start, end = (len(text), len(text)) if token is None else (token.start, token.end)
        message = f"syntax error: unexpected {found}, expecting {' or '.join(expected)}"
        forgotten = token is not None and found in _ORDER and len(found) == 2
        return _fault(text, message, start, end, line_known=not forgotten, hint=_hint(token, expected))

    def _spelled(self, name: str) -> str:
        return "$end" if name == "$END" else self.names.get(name, name).strip("`")


@lru_cache(maxsize=1)
def _language() -> _LogQL:
    return _LogQL("logql", QueryBuilder, {"IDENTIFIER": "IDENTIFIER", "STRING": "STRING", "DOT": "."})


def _tokens(language: Language, text: str) -> Iterator[Token]:
    """The tokens; a character that begins none of the grammar's is a fault, or a dot."""
    try:
        for token in language.tokens(text):
            reason = _unusable(token)
            if reason:
                raise _fault(text, reason, token.start, token.end)
            yield token
    except StrayCharacterError as error:
        at = error.start
        if text[at] == ".":
            yield Token("DOT", ".", at, at + 1)
        raise _lexical(text, at) from None


def _unusable(token: Token) -> str:
    """Why a literal has no value; empty if it has one."""
    if token.type == "STRING" and _NO_CHARACTER.search(token.text):
        return "invalid syntax"
    octal = _NOT_OCTAL.match(token.text)
    return f"invalid digit '{octal[1]}' in octal literal" if octal is not None else ""


def _lexical(text: str, at: int) -> TextError:
    """What is wrong with the literal or comment at a place."""
    if text.startswith("/*", at):
        return _fault(text, "comment not terminated", at, len(text))
    quoted = _QUOTED.match(text, at)
    if quoted is None:
        return _fault(text, "literal not terminated", at, len(text))
    escape = _BAD_ESCAPE.search(quoted.group())
    if escape is not None:
        start = at + escape.start()
        error = _fault(text, "invalid char escape", at, quoted.end(), hint=_HINT_BACKSLASH)
        return TextError(str(error), start, min(start + 2, quoted.end()), error.hint)
    if len(quoted.group()) > 1 and quoted.group().endswith(quoted[1]):
        return _fault(text, "invalid char literal", at, quoted.end(), hint=_HINT_QUOTES)
    return _fault(text, "literal not terminated", at, quoted.end())


def _fault(
    text: str, message: str, start: int, end: int, *, line_known: bool = True, hint: str = ""
) -> TextError:
    line = text.count("\n", 0, start) + 1 if line_known and text else 0
    column = start - text.rfind("\n", 0, start) if text else 0
    return TextError(f"parse error at line {line}, col {column}: {message}", start, end, hint)


def _hint(token: Token | None, expected: list[str]) -> str:
    if "|=" in expected:
        return _HINT_FILTERS
    if token is not None and token.text[0] in "`'" and "STRING" in expected:
        return _HINT_QUOTES
    return _HINT_MATCHERS if expected == ["IDENTIFIER"] else ""


def _check_regexp(literal: Token) -> None:
    """Raises TextError with places in the text that contains the literal."""
    try:
        check_syntax(string_value(literal.text))
    except TextError as error:
        written = literal.text.encode("utf-8", "surrogateescape")
        starts = list(character_starts(written))
        bounds = starts[error.start], starts[error.end]
        start, end = (literal.start + len(written[:bound].decode("utf-8")) for bound in bounds)
        raise TextError(str(error), start, end, error.hint) from None
