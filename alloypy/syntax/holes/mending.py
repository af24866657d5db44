"""Changes the tokens of a broken text until the grammar accepts them: inserts some and leaves some out.

An IDENT without text is a hole, where a name or a value is missing. So the grammar alone defines how a tree
is built, even from a broken text.
"""

from __future__ import annotations

from alloypy.syntax.holes.brackets import balanced, virtual
from alloypy.syntax.letters import is_identifier
from alloypy.syntax.nesting import MAX_DEPTH, MAX_NESTING, allow_recursion
from alloypy.syntax.tokens import BINARY_OPERATORS, CLOSER_OF, LITERALS, Token, TokenList

_VALUES = LITERALS | {"IDENT", "LPAREN", "LBRACK", "LCURLY", "NOT", "SUB"}
_NAMES = frozenset(("IDENT", "STRING"))
_CLOSERS = frozenset(CLOSER_OF.values())
_BEFORE_ELEMENTS = frozenset(("COMMA", *CLOSER_OF))
_AHEAD = 3
"""How many tokens past the current one may be read without checking that they exist."""

_MOST_PARTS = 32
"""How many parts of a block's name are considered; no name has more than five."""


def mended(scanned: TokenList) -> list[Token]:
    """Tokens that the grammar accepts as a file, as close as possible to those that were scanned."""
    tokens = [token for token in scanned.tokens if token.type not in {"ILLEGAL", "EOF"}]
    allow_recursion()
    return _Mending(balanced(tokens, scanned.source.data), scanned.source.data).file()


class _Mending:
    """Reads tokens whose brackets match, and emits tokens that the grammar accepts.

    Each method begins at the current token and stops before token number `end`.
    """

    def __init__(self, tokens: list[Token], data: bytes) -> None:
        last = tokens[-1].end if tokens else 0
        self._tokens = [*tokens, *[virtual("EOF", last)] * _AHEAD]
        self._data = data
        self._pairs = _pairs(tokens)
        self._at = 0
        self._levels = 0
        self._nodes = 0  # nested in each other, at most
        self._made: list[Token] = []

    def file(self) -> list[Token]:
        """The mended tokens of the whole file."""
        self._body(len(self._tokens) - _AHEAD)
        return self._made

    # Tokens

    def _type(self, ahead: int = 0) -> str:
        return self._tokens[self._at + ahead].type

    def _take(self) -> None:
        self._made.append(self._tokens[self._at])
        self._at += 1

    def _put(self, type_: str) -> None:
        """Insert a missing token right after the one read last."""
        self._made.append(virtual(type_, self._tokens[self._at - 1].end if self._at else 0))

    def _hole(self) -> None:
        """Insert a hole for a missing name or value; it covers the rest of the gap in its line."""
        start = self._tokens[self._at - 1].end if self._at else 0
        end = self._tokens[self._at].start
        for stop in (b"\n", b"//", b"/*"):
            found = self._data.find(stop, start, end)
            end = found if found >= 0 else end
        self._made.append(Token("IDENT", "", start, max(start, end)))

    def _begins_line(self) -> bool:
        at = self._at
        return not at or b"\n" in self._data[self._tokens[at - 1].end : self._tokens[at].start]

    def _enter(self) -> int | None:
        """Take an opening bracket; the number of its closer.

        Beyond the depth limit, skip the bracket with its contents and return None.
        """
        closer = self._pairs[self._at]
        if self._levels == MAX_NESTING:
            self._at = closer + 1
            return None
        self._levels += 1
        self._take()
        return closer

    def _leave(self, closer: int) -> None:
        """Leave out the rest of a bracket's contents, and take its closer."""
        self._at = closer
        self._take()
        self._levels -= 1

    # Statements

    def _body(self, end: int) -> None:
        fresh = True
        while self._at < end:
            if self._type() == "TERMINATOR":
                if not fresh:
                    self._take()
                    fresh = True
                else:
                    self._at += 1
            elif self._begins_statement():
                if not fresh:
                    self._put("TERMINATOR")
                self._statement()
                fresh = False
            else:
                self._at += 1

    def _begins_statement(self) -> bool:
        kind = self._type()
        if kind == "DOT":
            return self._type(1) == "IDENT"
        if kind == "STRING":
            return self._type(1) in {"LCURLY", "ASSIGN"}
        return kind in {"IDENT", "ASSIGN", "LCURLY", "LBRACK"}

    def _statement(self) -> None:
        """An attribute or a block, complete or not."""
        begin = len(self._made)
        self._name()
        if self._type() == "STRING" and not self._is_value():
            label = self._tokens[self._at]
            if self._type(1) != "ASSIGN" and label.text[0] == '"' and is_identifier(label.text[1:-1]):
                self._made.append(label)
            self._at += 1
        if self._type() == "LCURLY" and not self._is_object():
            self._block()
        elif self._type() in {"ASSIGN", *_VALUES}:
            self._attribute(begin)
        else:
            self._put("LCURLY")
            self._put("RCURLY")

    def _name(self) -> None:
        if self._type() == "IDENT":
            self._take()
        else:
            self._hole()
        while self._type() == "DOT":
            self._part()

    def _part(self) -> None:
        """A dot and the name after it, which may be missing."""
        self._take()
        if self._type() == "IDENT" and not self._is_next_statement():
            self._take()
        else:
            self._hole()

    def _is_value(self) -> bool:
        """Whether a string after a name is a value whose `=` is missing, not a label."""
        label = self._tokens[self._at].text
        if self._type(1) in {"LCURLY", "ASSIGN"}:
            return False
        dotted = len(self._made) > 1 and self._made[-2].type == "DOT"
        return self._type(1) in BINARY_OPERATORS or not (dotted or is_identifier(label[1:-1]))

    def _is_object(self) -> bool:
        """Whether a brace after a name begins a value whose `=` is missing, not a block."""
        return self._type(1) == "STRING" and self._type(2) == "ASSIGN"

    def _block(self) -> None:
        closer = self._enter()
        if closer is None:
            self._put("LCURLY")
            self._put("RCURLY")
        else:
            self._body(closer)
            self._leave(closer)

    def _attribute(self, begin: int) -> None:
        name = self._made[begin:]
        if len(name) > 1:  # neither dots nor labels are allowed
            parts = [token for token in name if token.type != "STRING"]
            text = "".join(token.text for token in parts)
            self._made[begin:] = [Token("IDENT", text, parts[0].start, parts[-1].end)]
        if self._type() == "ASSIGN":
            self._take()
        else:
            self._put("ASSIGN")
        self._expression()

    def _is_next_statement(self) -> bool:
        """Whether the current name begins a line and a statement, and so does not belong to this one."""
        if not self._begins_line() or self._type() != "IDENT":
            return False
        ahead = 1
        while ahead < 2 * _MOST_PARTS and self._type(ahead) == "DOT" and self._type(ahead + 1) == "IDENT":
            ahead += 2
        if self._type(ahead) == "ASSIGN":
            return ahead == 1
        if self._type(ahead) == "STRING":
            ahead += 1
        return self._type(ahead) == "LCURLY"

    # Expressions. They end by themselves: what closes their bracket is never part of them.

    def _expression(self) -> None:
        nodes = self._nodes
        self._operand()
        while self._type() in BINARY_OPERATORS and self._grow():
            self._take()
            self._operand()
        self._nodes = nodes

    def _grow(self) -> bool:
        """Whether the tree may grow by one more level."""
        self._nodes += 1
        return self._nodes < MAX_DEPTH - MAX_NESTING

    def _operand(self) -> None:
        while self._type() in {"NOT", "SUB"} and self._grow():
            self._take()
        if not self._primary():
            self._hole()
            if self._type() != "DOT":
                return
        while self._grow():
            kind = self._type()
            if kind == "DOT":
                self._part()
            elif kind == "LBRACK":
                self._enclosed()
            elif kind == "LPAREN":
                self._list()
            else:
                return

    def _primary(self) -> bool:
        """Reads a value without what may follow it; False if there is none."""
        kind = self._type()
        if kind in _NAMES and (self._type(1) == "ASSIGN" or self._is_next_statement()):
            return False  # the next field, or statement
        if kind == "IDENT" or kind in LITERALS:
            self._take()
            return True
        if kind == "LPAREN":
            return self._enclosed()
        if kind == "LBRACK":
            return self._list()
        return kind == "LCURLY" and self._object()

    # Brackets: each returns False if it is nested too deeply, and skipped.

    def _enclosed(self) -> bool:
        """An expression in brackets: in parentheses, or an index."""
        closer = self._enter()
        if closer is None:
            return False
        self._expression()
        self._leave(closer)
        return True

    def _list(self) -> bool:
        """The elements of an array, or the arguments of a call."""
        closer = self._enter()
        if closer is None:
            return False
        while self._at < closer:
            kind = self._type()
            if kind == "COMMA":
                if not self._after_element():
                    self._hole()
                self._take()
            elif kind in _VALUES or (kind == "DOT" and self._type(1) == "IDENT"):
                self._separate()
                before = self._at
                self._expression()
                if self._at == before:
                    self._at += 1
            else:
                self._at += 1
        self._leave(closer)
        return True

    def _object(self) -> bool:
        closer = self._enter()
        if closer is None:
            return False
        while self._at < closer:
            kind = self._type()
            if kind == "COMMA" and self._after_element():
                self._take()
            elif kind in _NAMES or kind == "ASSIGN":
                self._separate()
                self._field()
            else:
                self._at += 1
        self._leave(closer)
        return True

    def _field(self) -> None:
        if self._type() in _NAMES:
            self._take()
        else:
            self._hole()
        if self._type() == "ASSIGN":
            self._take()
        else:
            self._put("ASSIGN")
        self._expression()

    def _after_element(self) -> bool:
        """Whether the last token emitted ends an element or field."""
        return self._made[-1].type not in _BEFORE_ELEMENTS

    def _separate(self) -> None:
        """Insert the comma that is missing before an element or field."""
        if self._after_element():
            self._put("COMMA")


def _pairs(tokens: list[Token]) -> dict[int, int]:
    """The number of the closer of each opening bracket."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for number, token in enumerate(tokens):
        if token.type in CLOSER_OF:
            opened.append(number)
        elif token.type in _CLOSERS:
            pairs[opened.pop()] = number
    return pairs
