"""JMESPath as Alloy's stages read it: the community's dialect, parsed by binding powers as its library does.

The library accepts texts that its grammar does not have, such as `f(a b)`, so there is no grammar file.
Source: the library's verdicts in tests/golden/embedded/jmespath.jsonl.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from alloypy.lang.text_error import TextError

_TOKEN = re.compile(
    r"""(?P<UnquotedIdentifier>[A-Za-z_][A-Za-z0-9_]*)|(?P<Varref>\$[A-Za-z0-9_]+)|(?P<Number>-?[0-9]+)
    |(?P<sign>\|\||&&|<=|>=|==|!=|//|\[\?|\[\]|[.*,:{}\](@+%|<>!$=&/\[)\u2212\u00d7\u00f7-])
    |(?P<QuotedIdentifier>"(?:[^"\\]|\\.)*")|(?P<JSONLiteral>`(?:[^`\\]|\\.)*`)
    |(?P<StringLiteral>'(?:[^'\\]|\\['\\]|\\(?!['\\]))*')|(?P<space>[ \t\n\r]+)""",
    re.VERBOSE | re.DOTALL,
)
_SIGNS = {
    "||": "Or", "&&": "And", "<=": "LTE", ">=": "GTE", "==": "EQ", "!=": "NE", "//": "Div", "[?": "Filter",
    "[]": "Flatten", ".": "Dot", "*": "Star", ",": "Comma", ":": "Colon", "{": "Lbrace", "}": "Rbrace",
    "]": "Rbracket", "(": "Lparen", ")": "Rparen", "@": "Current", "+": "Plus", "%": "Modulo", "|": "Pipe",
    "<": "LT", ">": "GT", "!": "Not", "$": "Root", "=": "Assign", "&": "Expref", "/": "Divide",
    "[": "Lbracket", "-": "Minus", "\u2212": "Minus", "\u00d7": "Multiply", "\u00f7": "Divide",
}  # fmt: skip
_POWERS = {
    "Assign": 1, "Pipe": 1, "Or": 2, "And": 3, "EQ": 5, "LT": 5, "LTE": 5, "GT": 5, "GTE": 5, "NE": 5,
    "Minus": 6, "Plus": 6, "Div": 7, "Divide": 7, "Modulo": 7, "Multiply": 7, "Flatten": 9, "Star": 20,
    "Filter": 21, "Dot": 40, "Not": 45, "Lbrace": 50, "Lbracket": 55, "Lparen": 60,
}  # fmt: skip
_INFIX = frozenset(
    ("Pipe", "Or", "And", "Plus", "Minus", "Star", "Multiply", "Divide", "Modulo", "Div", "EQ", "NE", "GT",
     "GTE", "LT", "LTE")
)  # fmt: skip
_DEEPEST = 100


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class _TooDeepError(Exception):
    """More levels than are followed here; Alloy follows them."""


def check_jmespath(text: str) -> None:
    """Raises TextError with the library's words."""
    parser = _Parser(_tokens(text))
    try:
        parser.whole()
    except _TooDeepError:
        return


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _stray(text, at)
        kind = found.lastgroup or ""
        if kind != "space":
            token = _Token(_SIGNS.get(found.group(), kind), found.group(), *found.span())
            _check_literal(token)
            tokens.append(token)
        at = found.end()
    return [*tokens, _Token("EOF", "", len(text), len(text))]


def _stray(text: str, at: int) -> TextError:
    if text[at] in "\"'`":
        return TextError(f"SyntaxError: Unclosed delimiter: {text[at]}", at, len(text))
    return TextError(f"SyntaxError: Unknown char: {text[at]!a}", at, at + 1)


def _check_literal(token: _Token) -> None:
    written = token.text
    if token.kind == "JSONLiteral":
        written = written[1:-1].replace("\\`", "`")
    elif token.kind != "QuotedIdentifier":
        return
    try:
        json.loads(written, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise TextError(f"not JSON: {error}", token.start, token.end) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


class _Parser:
    """Reads tokens; each method returns whether what it has read is a plain name, which may be called."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def _current(self) -> _Token:
        return self._tokens[self._at]

    def whole(self) -> None:
        self._expression(0)
        if self._current.kind != "EOF":
            self._fail(f"Unexpected token at the end of the expression: TOK{self._current.kind}")

    def _fail(self, message: str, token: _Token | None = None) -> NoReturn:
        place = token or self._current
        raise TextError(f"SyntaxError: {message}", place.start, place.end)

    def _next(self) -> _Token:
        token = self._current
        if token.kind != "EOF":
            self._at += 1
        return token

    def _take(self, kind: str) -> None:
        if self._current.kind != kind:
            self._fail(f"Expected TOK{kind}, received: TOK{self._current.kind}")
        self._at += 1

    def _expression(self, power: int) -> bool:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _TooDeepError
        name = self._first(self._next())
        while power < _POWERS.get(self._current.kind, 0):
            name = self._continued(self._next(), name)
        self._depth -= 1
        return name

    def _first(self, token: _Token) -> bool:
        match token.kind:
            case "UnquotedIdentifier":
                if token.text == "let" and self._current.kind == "Varref":
                    self._list(lambda: self._current[:2] == ("UnquotedIdentifier", "in"))
                    self._expression(0)
                    return False
                return True
            case "QuotedIdentifier":
                if self._current.kind == "Lparen":
                    self._fail("Can't have quoted identifier as function name.", token)
                return True
            case "Varref" | "JSONLiteral" | "StringLiteral" | "Current" | "Root":
                return False
            case "Plus" | "Minus" | "Expref" | "Not":
                self._expression(_POWERS.get(token.kind, 0))
            case "Star":
                if self._current.kind != "Rbracket":
                    self._projected(_POWERS["Star"])
            case "Filter":
                self._filter()
            case "Flatten":
                self._projected(_POWERS["Flatten"])
            case "Lbrace":
                self._hash()
            case "Lbracket":
                self._bracket()
            case "Lparen":
                name = self._expression(0)
                self._take("Rparen")
                return name
            case "EOF":
                self._fail("Incomplete expression", token)
            case kind:
                self._fail(f"Invalid token: TOK{kind}", token)
        return False

    def _continued(self, token: _Token, name: bool) -> bool:
        match token.kind:
            case "Dot":
                if self._current.kind == "Star":
                    self._at += 1
                    self._projected(_POWERS["Dot"])
                else:
                    self._after_dot(_POWERS["Dot"])
            case "Lparen":
                if not name:
                    self._fail("Invalid node as function name.", self._tokens[max(0, self._at - 2)])
                self._list(lambda: self._current.kind == "Rparen")
            case "Filter":
                self._filter()
            case "Flatten":
                self._projected(_POWERS["Flatten"])
            case "Assign":
                self._expression(0)
            case "Lbracket":
                self._index_or_all()
            case kind if kind in _INFIX:
                self._expression(_POWERS[kind])
            case kind:
                self._fail(f"Unexpected token: TOK{kind}")
        return False

    def _bracket(self) -> None:
        if self._current.kind in {"Number", "Colon"}:
            self._index()
        elif self._current.kind == "Star" and self._tokens[self._at + 1].kind == "Rbracket":
            self._at += 2
            self._projected(_POWERS["Star"])
        else:
            self._selected()

    def _index_or_all(self) -> None:
        if self._current.kind in {"Number", "Colon"}:
            self._index()
            return
        self._take("Star")
        self._take("Rbracket")
        self._projected(_POWERS["Star"])

    def _index(self) -> None:
        if self._current.kind != "Colon" and self._tokens[self._at + 1].kind != "Colon":
            self._number()
            self._take("Rbracket")
            return
        colons = 0
        while self._current.kind != "Rbracket":
            if self._current.kind == "Colon":
                colons += 1
                if colons == 3:
                    self._fail("Too many colons in slice expression")
                self._at += 1
            elif self._current.kind == "Number":
                self._number()
            else:
                self._fail(f"Expected tColon or tNumber, received: TOK{self._current.kind}")
        self._at += 1
        self._projected(_POWERS["Star"])

    def _number(self) -> None:
        token = self._next()
        if not -(1 << 63) <= int(token.text[:30]) < 1 << 63:
            message = f'strconv.Atoi: parsing "{token.text}": value out of range'
            raise TextError(message, token.start, token.end)

    def _selected(self) -> None:
        """The rest of `[a, b]`."""
        while True:
            self._expression(0)
            if self._current.kind == "Rbracket":
                break
            self._take("Comma")
        self._at += 1

    def _hash(self) -> None:
        """The rest of `{a: b}`; commas may be missing."""
        while True:
            if self._current.kind not in {"UnquotedIdentifier", "QuotedIdentifier"}:
                self._fail("Expected tQuotedIdentifier or tUnquotedIdentifier")
            self._at += 1
            self._take("Colon")
            self._expression(0)
            if self._current.kind == "Comma":
                self._at += 1
            elif self._current.kind == "Rbrace":
                self._at += 1
                return

    def _filter(self) -> None:
        self._expression(0)
        self._take("Rbracket")
        if self._current.kind != "Flatten":
            self._projected(_POWERS["Filter"])

    def _after_dot(self, power: int) -> None:
        match self._current.kind:
            case "QuotedIdentifier" | "UnquotedIdentifier" | "Star":
                self._expression(power)
            case "Lbracket":
                self._at += 1
                self._selected()
            case "Lbrace":
                self._at += 1
                self._hash()
            case _:
                self._fail("Expected identifier, lbracket, or lbrace")

    def _projected(self, power: int) -> None:
        """What is done with each element."""
        kind = self._current.kind
        if _POWERS.get(kind, 0) < 10:
            return
        if kind in {"Lbracket", "Filter"}:
            self._expression(power)
        elif kind == "Dot":
            self._at += 1
            self._after_dot(power)
        else:
            self._fail("Error")

    def _list(self, ended: Callable[[], bool]) -> None:
        """Expressions up to an end, with or without commas between them."""
        while not ended():
            self._expression(0)
            if self._current.kind == "Comma":
                self._at += 1
        self._at += 1
