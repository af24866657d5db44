"""Go's Sprintf: reads the format.

Source: docs/spec/SYNTAX.md, section 5, `string.format`.
"""

from __future__ import annotations

from collections.abc import Sequence

from alloypy.lang.evaluation.effort import make, spend
from alloypy.lang.go.text import joined
from alloypy.lang.stdlib.sprintf.values import Flags, ValuePrinter, go_type
from alloypy.lang.values import Value

_LARGEST_WIDTH = 1_000_000
_FLAGS = {"#": "sharp", "0": "zero", "+": "plus", "-": "minus", " ": "space"}


def sprintf(text: str, args: Sequence[Value]) -> str:
    """`text` with its verbs replaced by the arguments; mistakes are reported inside the result."""
    return joined(_Formatter(text, args).run())


class _Formatter:
    """One call, with a cursor in the format and one in the arguments."""

    def __init__(self, text: str, args: Sequence[Value]) -> None:
        self._text = text
        self._args = args
        self._at = 0
        self._next = 0
        self._reordered = False
        self._index_is_good = True
        self._after_index = False
        self._out: list[str] = []

    def run(self) -> str:
        while True:
            percent = self._text.find("%", self._at)
            if percent < 0:
                break
            self._out.append(self._text[self._at : percent])
            spend()
            self._at = percent + 1
            if not self._verb():
                self._at = len(self._text)
        self._out.append(self._text[self._at :])
        if not self._reordered and self._next < len(self._args):
            self._extra()
        return "".join(self._out)

    def _verb(self) -> bool:
        """Handle what follows a percent sign; False if the text ends before the verb."""
        self._index_is_good = True
        flags = self._read_flags()
        if not self._is_simple():
            self._read_index()
            self._read_width(flags)
            self._read_precision(flags)
            if not self._after_index:
                self._read_index()
        if self._at >= len(self._text):
            self._out.append("%!(NOVERB)")
            return False
        verb = self._text[self._at]
        self._at += 1
        if "\udc80" <= verb <= "\udcff":
            verb = "\ufffd"
        self._print(verb, flags)
        return True

    def _print(self, verb: str, flags: Flags) -> None:
        if verb == "%":
            self._out.append("%")
        elif not self._index_is_good:
            self._out.append(f"%!{verb}(BADINDEX)")
        elif self._next >= len(self._args):
            self._out.append(f"%!{verb}(MISSING)")
        else:
            if verb in "vw":
                flags.sharp_v, flags.sharp = flags.sharp, False
                flags.plus_v, flags.plus = flags.plus, False
            printed = ValuePrinter(flags).argument(self._args[self._next], verb)
            make(len(printed))
            self._out.append(printed)
            self._next += 1

    def _extra(self) -> None:
        printer = ValuePrinter(Flags())
        extra = [
            "<nil>" if arg is None else f"{go_type(arg)}={printer.argument(arg, 'v')}"
            for arg in self._args[self._next :]
        ]
        self._out.append(f"%!(EXTRA {', '.join(extra)})")

    def _peek(self) -> str:
        return self._text[self._at] if self._at < len(self._text) else ""

    def _read_flags(self) -> Flags:
        flags = Flags()
        while self._peek() in _FLAGS and self._peek():
            setattr(flags, _FLAGS[self._peek()], True)
            self._at += 1
        return flags

    def _is_simple(self) -> bool:
        """Whether a lower-case verb follows right after the flags, which Go prints whatever came before."""
        char = self._peek()
        self._after_index = False
        return "a" <= char <= "z" and self._next < len(self._args)

    def _read_index(self) -> None:
        """Read `[n]`, counted from 1."""
        self._after_index = False
        if self._peek() != "[":
            return
        self._reordered = True
        close = self._text.find("]", self._at + 1)
        if close < 0 or len(self._text) - self._at < 3:
            self._index_is_good = False
            self._at += 1
            return
        number, end = self._number(self._at + 1, close)
        self._at = close + 1
        self._after_index = number is not None and end == close
        if self._after_index and number is not None and 1 <= number <= len(self._args):
            self._next = number - 1
        else:
            self._index_is_good = False

    def _number(self, start: int, end: int) -> tuple[int | None, int]:
        """The number that begins at `start`, None if it is far too large, and where its digits end."""
        at, number, seen = start, 0, False
        while at < end and self._text[at] in "0123456789":
            if number > _LARGEST_WIDTH:
                return None, end
            number, seen = number * 10 + int(self._text[at]), True
            at += 1
        return (number if seen else None), at

    def _read_width(self, flags: Flags) -> None:
        if self._peek() == "*":
            self._at += 1
            flags.width = self._int_argument()
            if flags.width is None:
                self._out.append("%!(BADWIDTH)")
            elif flags.width < 0:
                flags.width, flags.minus, flags.zero = -flags.width, True, False
            self._after_index = False
            return
        flags.width, self._at = self._number(self._at, len(self._text))
        if self._after_index and flags.width is not None:
            self._index_is_good = False

    def _read_precision(self, flags: Flags) -> None:
        if self._peek() != "." or self._at + 1 == len(self._text):
            return  # a point at the very end counts as the verb
        self._at += 1
        if self._after_index:
            self._index_is_good = False
        self._read_index()
        if self._peek() == "*":
            self._at += 1
            precision = self._int_argument()
            flags.precision = precision if precision is not None and precision >= 0 else None
            if flags.precision is None:
                self._out.append("%!(BADPREC)")
            self._after_index = False
            return
        precision, self._at = self._number(self._at, len(self._text))
        flags.precision = precision or 0

    def _int_argument(self) -> int | None:
        """The next argument as a width or precision; None if it is not a number or far too large."""
        if self._next >= len(self._args):
            return None
        arg = self._args[self._next]
        self._next += 1
        if isinstance(arg, int) and not isinstance(arg, bool) and abs(arg) <= _LARGEST_WIDTH:
            return int(arg)
        return None
