"""Every syntax fault of a file, in Alloy's words, places and order.

Reads the same tokens as the parser, by recursive descent, and makes nothing but diagnostics.
What it skips after a fault decides which further faults are found, so each method says what
it leaves as the current token. Precedence of operators plays no part here.

Source: docs/spec/SYNTAX.md, section 2.
"""

from __future__ import annotations

from typing import NoReturn

from alloypy.syntax import codes
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.letters import is_identifier, quote
from alloypy.syntax.nesting import MAX_NESTING, SHALLOW, allow_recursion, too_deep
from alloypy.syntax.source import Span
from alloypy.syntax.tokens import BINARY_OPERATORS, CLOSER_OF, LITERALS, SPELLING, TokenList

_OPERAND_ENDS = frozenset(("TERMINATOR", "RPAREN", "RCURLY", "RBRACK", "COMMA"))
_CLOSERS = frozenset(CLOSER_OF.values())

# Tokens whose text counts as a part of a dotted name when they are in its place.
_WITH_TEXT = LITERALS | {"IDENT", "ILLEGAL", "TERMINATOR"}


def diagnose(scanned: TokenList, start: str) -> list[Diagnostic]:
    """Every fault of the tokens, read as a `file` or a `lone_expression`; an empty list for valid ones."""
    diagnoser = _Diagnoser(scanned)
    try:
        if start == "file":
            diagnoser.body("EOF")
        else:
            diagnoser.expression()
            diagnoser.expect("TERMINATOR")
    except _TooDeepError:
        pass
    return diagnoser.found


class _TooDeepError(Exception):
    """The brackets nest too deeply to continue."""


class _Diagnoser:
    def __init__(self, scanned: TokenList) -> None:
        self.found: list[Diagnostic] = []
        self._source = scanned.source
        self._tokens = scanned.tokens
        self._lexical = scanned.errors
        self._lexical_seen = 0
        self._at = -1
        self._fault_line = 0  # of the last fault that the parser itself reported
        self._levels = 0
        self._advance()

    # Tokens

    def _advance(self) -> None:
        """Goes to the next token; what the scanner found on the way there is reported now."""
        if self._at + 1 < len(self._tokens):
            self._at += 1
        self._token = self._tokens[self._at]
        self._type = self._token.type
        while self._lexical_seen < len(self._lexical):
            error = self._lexical[self._lexical_seen]
            if error.before > self._at:
                break
            self._lexical_seen += 1
            self._add(error.offset, None, error.message, codes.lexical(error.message))

    def _advance_to(self, type_: str) -> None:
        while self._type not in {type_, "EOF"}:
            self._advance()

    def expect(self, type_: str) -> bool:
        """Demands a token and consumes whatever is there; returns whether it was the right one."""
        right = self._type == type_
        if not right:
            self._fault(f"expected {SPELLING[type_]}, got {self._spelling}", codes.UNEXPECTED_TOKEN)
        self._advance()
        return right

    @property
    def _spelling(self) -> str:
        return SPELLING[self._type]

    # Faults

    def _add(self, start: int, end: int | None, message: str, code: str) -> None:
        self.found.append(Diagnostic(Span(self._source, start, end), message, code))

    def _fault(self, message: str, code: str) -> None:
        """Reports at the current token, unless the last fault was on the same line."""
        line = self._source.line(self._token.start)
        if line != self._fault_line:
            self._fault_line = line
            self._add(self._token.start, None, message, code)

    def _open(self) -> None:
        self._levels += 1
        if self._levels > MAX_NESTING:
            self._refuse()
        if self._levels > SHALLOW:
            allow_recursion()

    def _refuse(self) -> NoReturn:
        self.found.append(too_deep(self._source, self._token.start))
        raise _TooDeepError

    # Statements

    def body(self, closer: str) -> None:
        """Reads statements up to the closer (or EOF), which stays the current token."""
        while self._type not in {closer, "EOF"}:
            self._statement()
            if self._type == closer:
                return
            if self._type != "TERMINATOR":
                self._fault(f"expected TERMINATOR, got {self._spelling}", codes.EXPECTED_TERMINATOR)
                self._skip_statement()
            self._advance()

    def _skip_statement(self) -> None:
        """Goes to the next TERMINATOR (or EOF) outside all brackets opened on the way."""
        open_pairs = dict.fromkeys(_CLOSERS, 0)
        while self._type != "EOF":
            if self._type in CLOSER_OF:
                open_pairs[CLOSER_OF[self._type]] += 1
            elif self._type in _CLOSERS:
                open_pairs[self._type] -= 1
            elif self._type == "TERMINATOR" and all(count <= 0 for count in open_pairs.values()):
                return
            self._advance()

    def _statement(self) -> None:
        """Reads an attribute or a block; without one, goes to the next IDENT."""
        start = self._token.start
        if self._type != "IDENT":
            self._fault(f"expected identifier, got {self._spelling}", codes.EXPECTED_IDENTIFIER)
            self._advance_to("IDENT")
            return
        parts = self._dotted_name()
        label_start, label = self._label()
        if self._type == "ASSIGN":
            self._advance()
            if len(parts) > 1:
                length = len(_bytes(".".join(parts)))
                message = 'attribute names may only consist of a single identifier with no "."'
                self._add(start, start + length - 1, message, codes.DOTTED_ATTRIBUTE)
            elif label_start is not None:
                end = label_start + len(_bytes(label)) + 1
                message = "attribute names may not have labels"
                self._add(label_start, end, message, codes.LABELED_ATTRIBUTE)
            self.expression()
        elif self._type == "LCURLY":
            self._open()
            self._advance()
            self.body("RCURLY")
            self.expect("RCURLY")
            self._levels -= 1
        else:
            either = "attribute assignment or " if len(parts) == 1 and not label else ""
            self._fault(f"expected {either}block body, got {self._spelling}", codes.EXPECTED_BODY)
            self._advance_to("IDENT")

    def _dotted_name(self) -> list[str]:
        """Reads a name, beginning with its first IDENT; after a dot anything counts as a part."""
        parts = [self._token.text]
        self._advance()
        while self._type == "DOT":
            self._advance()
            if self._type != "IDENT":
                self._fault(f"expected identifier, got {self._spelling}", codes.EXPECTED_IDENTIFIER)
            parts.append(self._token.text if self._type in _WITH_TEXT else "")
            self._advance()
        return parts

    def _label(self) -> tuple[int | None, str]:
        """Reads what is between a name and `=` or `{`: a label, or one token that is not a label."""
        if self._type in {"ASSIGN", "LCURLY"}:
            return None, ""
        start, label = None, ""
        if self._type == "STRING":
            text, start = self._token.text, self._token.start
            if text[0] != '"':
                wrong = f"expected block label to be a double quoted string, but got {quote(text)}"
                self._fault(wrong, codes.BAD_LABEL)
            label = _bytes(text)[1:-1].decode(errors="surrogateescape")
            if label and not is_identifier(label):
                wrong = f"expected block label to be a valid identifier, but got {quote(label)}"
                self._fault(wrong, codes.BAD_LABEL)
        else:
            self._fault(f"expected block label, got {self._spelling}", codes.BAD_LABEL)
        self._advance()
        return start, label

    # Expressions

    def expression(self) -> None:
        """Reads operands and the operators between them."""
        self._operand()
        while self._type in BINARY_OPERATORS:
            self._advance()
            self._operand()

    def _operand(self) -> None:
        while self._type in {"NOT", "SUB"}:
            self._advance()
        start = self._token.start
        self._primary()
        while True:
            if self._type == "DOT":
                self._advance()
                self.expect("IDENT")
            elif self._type == "LBRACK":
                self._open()
                self._advance()
                self.expression()
                self.expect("RBRACK")
                self._levels -= 1
            elif self._type == "LPAREN":
                self._bracketed_list("RPAREN")
            elif self._type not in {"STRING", "LCURLY"} or not self._misplaced_block(start):
                return

    def _misplaced_block(self, start: int) -> bool:
        """Reads a block in the place of an expression; if there is none, skips the statement."""
        if self._type == "STRING":
            self._advance()
        if not self.expect("LCURLY"):
            self._skip_statement()
            return False
        self._open()
        self.body("RCURLY")
        self._levels -= 1
        end = self._token.start
        if not self.expect("RCURLY"):
            self._skip_statement()
            return False
        self._add(start, end, "cannot use a block as an expression", codes.BLOCK_AS_EXPRESSION)
        return True

    def _primary(self) -> None:
        if self._type == "IDENT" or self._type in LITERALS:
            self._advance()
        elif self._type == "LPAREN":
            self._open()
            self._advance()
            self.expression()
            self.expect("RPAREN")
            self._levels -= 1
        elif self._type == "LBRACK":
            self._bracketed_list("RBRACK")
        elif self._type == "LCURLY":
            self._object()
        else:
            self._fault(f"expected expression, got {self._spelling}", codes.EXPECTED_EXPRESSION)
            while self._type not in _OPERAND_ENDS and self._type != "EOF":
                self._advance()

    def _bracketed_list(self, closer: str) -> None:
        self._open()
        self._advance()
        while self._type not in {closer, "EOF"}:
            self.expression()
            if self._type == closer:
                break
            if self._type != "COMMA":
                self._fault("missing ',' in expression list", codes.MISSING_COMMA)
            self._advance()
        self.expect(closer)
        self._levels -= 1

    def _object(self) -> None:
        self._open()
        self._advance()
        if self._type != "RBRACK":  # Alloy checks for the wrong bracket: `{]` has no field to complain about
            while self._type not in {"RCURLY", "EOF"}:
                self._field()
                if self._type == "RCURLY":
                    break
                if self._type != "COMMA":
                    self._fault("missing ',' in field list", codes.MISSING_COMMA)
                self._advance()
        self.expect("RCURLY")
        self._levels -= 1

    def _field(self) -> None:
        if self._type in {"STRING", "IDENT"}:
            self._advance()
        else:
            wrong = f"expected field name (string or identifier), got {self._spelling}"
            self._fault(wrong, codes.EXPECTED_FIELD)
            self._advance_to("ASSIGN")
        self.expect("ASSIGN")
        self.expression()


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
