"""The syntax of regular expressions as Go reads it: what it refuses, in its words, and where.

Nothing is compiled, so this needs no RE2. The one thing left out is how large an expression may become.
Source: the verdicts of Go 1.26 in tests/golden/embedded/regexps.jsonl.
"""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from alloypy.lang.text_error import TextError

_PLAIN = re.compile(r"[^\\()\[{|*+?\udc80-\udcff]+")
_REPEAT = re.compile(r"\{(0|[1-9][0-9]*)(?:(,)(0|[1-9][0-9]*)?)?\}")
_GROUP_NAME = re.compile(r"[A-Za-z0-9_]+")
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
_BYTES = re.compile("[\udc80-\udcff]")
_BAD_ESCAPE = "invalid escape sequence"
_BAD_RANGE = "invalid character class range"
_BAD_PERL = "invalid or unsupported Perl syntax"
_BAD_NAME = "invalid named capture"
_BAD_COUNT = "invalid repeat count"
_MISSING_ARGUMENT = "missing argument to repetition operator"
_MOST_REPEATS = 1000
_MOST_HEIGHT = 1000
_LAST_CHARACTER = 0x10FFFF
_SIMPLE_ESCAPES = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def check_syntax(text: str) -> None:
    """Raises TextError with Go's text, "error parsing regexp: ...", if Go does not accept `text`."""
    _Reader(text).read()


def check_wrapped(before: str, text: str, after: str) -> None:
    """Check an expression that is compiled within another one. Raises TextError.

    Messages quote the whole, places are in `text`.
    """
    try:
        check_syntax(f"{before}{text}{after}")
    except TextError as error:
        try:
            check_syntax(text)
        except TextError as alone:
            place = alone.start, alone.end
        else:
            place = 0, len(text)  # only together they have a fault
        raise TextError(str(error), *place) from None


_NO_LOOKAROUND = "Go's expressions (RE2) have no lookarounds: match what is there, and take it from a group"
_HINTS = {
    **dict.fromkeys(("(?=", "(?!", "(?<=", "(?<!"), _NO_LOOKAROUND),
    **{f"\\{digit}": "Go's expressions (RE2) have no backreferences" for digit in range(1, 10)},
    "(?>": "Go's expressions (RE2) have no atomic groups, and need none",
    "\\Z": "the end of the text is `\\z`",
}
"""What to do about syntax of other dialects, by its beginning."""


class _Item(NamedTuple):
    """What a part of an expression costs.

    copies: how often counted repetitions repeat what is innermost. height: of its tree, at least.
    """

    copies: int
    height: int


_LEAF = _Item(1, 1)


class _Group:
    """An open group, or the whole expression.

    visible: whether it is a part of the tree, as captures are. parts: in the current alternative.
    last: the part that a repetition would repeat; None after an opening bracket or a `|`.
    """

    __slots__ = ("copies", "last", "parts", "start", "tallest", "visible")

    def __init__(self, start: int, *, visible: bool) -> None:
        self.start = start
        self.visible = visible
        self.copies = self.tallest = 1
        self.parts = 0
        self.last: _Item | None = None

    def add(self, item: _Item, *, instead: bool = False) -> None:
        """A further part, or what the last one has become."""
        self.copies = max(self.copies, item.copies)
        self.parts += not instead
        self.last = item
        self.tallest = max(self.tallest, item.height + (self.visible and self.parts > 1 and item.height > 1))

    def next(self) -> None:
        """Begin another alternative."""
        self.parts = 0
        self.last = None

    def closed(self) -> _Item:
        """The whole group as a part."""
        return _Item(self.copies, self.tallest + self.visible)


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._class_ends = True  # whether there may be a `:]` ahead
        self._groups = [_Group(0, visible=False)]

    def read(self) -> None:
        """Raises TextError."""
        text, length = self._text, len(self._text)
        repeated: int | None = None  # where the repetition just before this place began
        while self._at < length:
            start = self._at
            plain = _PLAIN.match(text, start)
            if plain is not None:
                self._at = plain.end()
                self._groups[-1].add(_LEAF)
                repeated = None
                continue
            repeated = start if self._special(text[start], repeated) else None
        if len(self._groups) > 1:
            start = self._groups[-1].start
            raise TextError(_message("missing closing )", text), start, start + 1)

    def _special(self, character: str, repeated: int | None) -> bool:
        """Read what begins with a special character; returns whether it was a repetition."""
        match character:
            case "(":
                self._open()
            case ")":
                self._close()
            case "|":
                self._groups[-1].next()
                self._at += 1
            case "[":
                self._class()
                self._groups[-1].add(_LEAF)
            case "*" | "+" | "?":
                start = self._at
                self._at += 1
                self._repeat(start, repeated, 1)
                return True
            case "{":
                return self._count(repeated)
            case "\\":
                self._escape_outside()
            case _:
                self._next()  # not UTF-8
        return False

    def _fail(self, reason: str, start: int, end: int) -> NoReturn:
        part = self._text[start:end]
        hint = next((hint for begin, hint in _HINTS.items() if part.startswith(begin)), "")
        raise TextError(_message(reason, part), start, end, hint)

    def _bytes(self, start: int, end: int) -> None:
        """Fail if the text is not UTF-8 from `start` to before `end`."""
        found = _BYTES.search(self._text, start, end)
        if found is not None:
            raise TextError(_message("invalid UTF-8", self._text[found.start() : end]), *found.span())

    def _next(self) -> str:
        """The next character; fails if it is none of UTF-8."""
        at, text = self._at, self._text
        self._at += 1
        if "\udc80" <= text[at] <= "\udcff":
            raise TextError(_message("invalid UTF-8", text[at:]), at, at + 1)
        return text[at]

    # Groups

    def _open(self) -> None:
        start = self._at
        if not self._text.startswith("(?", start):
            self._groups.append(_Group(start, visible=True))
            self._at += 1
            return
        text = self._text
        named = 4 if text.startswith("(?P<", start) and len(text) - start > 4 else 0
        named = 3 if not named and text.startswith("(?<", start) and len(text) - start > 3 else named
        if named:
            self._named(start, start + named)
        else:
            self._flags(start)

    def _named(self, start: int, name: int) -> None:
        text = self._text
        end = text.find(">", start)
        if end < 0:
            self._bytes(start, len(text))
            self._fail(_BAD_NAME, start, len(text))
        self._bytes(name, end)
        if not _GROUP_NAME.fullmatch(text, name, end):
            self._fail(_BAD_NAME, start, end + 1)
        self._groups.append(_Group(start, visible=True))
        self._at = end + 1

    def _flags(self, start: int) -> None:
        """`(?i)`, `(?i:` and `(?:`; anything else of Perl's is unknown."""
        self._at += 2
        negative = seen = False
        while self._at < len(self._text):
            character = self._next()
            if character in "imsU":
                seen = True
            elif character == "-" and not negative:
                negative, seen = True, False
            elif character in ":)" and (seen or not negative):
                if character == ":":
                    self._groups.append(_Group(start, visible=False))
                return
            else:
                break
        self._fail(_BAD_PERL, start, self._at)

    def _close(self) -> None:
        if len(self._groups) == 1:
            raise TextError(_message("unexpected )", self._text), self._at, self._at + 1)
        self._at += 1
        self._add(self._groups.pop().closed())

    def _add(self, item: _Item, *, instead: bool = False) -> None:
        if item.height > _MOST_HEIGHT:
            raise TextError(_message("expression nests too deeply", self._text), 0, len(self._text))
        self._groups[-1].add(item, instead=instead)

    # Repetitions

    def _count(self, repeated: int | None) -> bool:
        """`{2,5}`, or a curly bracket that is just a character."""
        start = self._at
        found = _REPEAT.match(self._text, start)
        if found is None:
            self._at += 1
            self._groups[-1].add(_LEAF)
            return False
        self._at = found.end()
        least = int(found[1][:9])
        most = least if found[2] is None else -1 if found[3] is None else int(found[3][:9])
        if least > _MOST_REPEATS or most > _MOST_REPEATS or 0 <= most < least:
            self._fail(_BAD_COUNT, start, self._at)
        self._repeat(start, repeated, least if most < 0 else most, counted=True, checked=max(least, most) > 1)
        return True

    def _repeat(
        self, start: int, repeated: int | None, times: int, *, counted: bool = False, checked: bool = False
    ) -> None:
        if self._text.startswith("?", self._at):
            self._at += 1
        if repeated is not None:
            self._fail("invalid nested repetition operator", repeated, self._at)
        inner = self._groups[-1].last
        if inner is None:
            self._fail(_MISSING_ARGUMENT, start, self._at)
        copies = 1 if counted and not times else inner.copies * max(1, times)
        if checked and copies > _MOST_REPEATS:
            self._fail(_BAD_COUNT, start, self._at)
        self._add(_Item(min(copies, _MOST_REPEATS + 1), inner.height + 1), instead=True)

    # Escapes and classes

    def _escape_outside(self) -> None:
        start, text = self._at, self._text
        following = text[start + 1 : start + 2]
        if following == "Q":
            end = text.find("\\E", start + 2)
            inner_end = len(text) if end < 0 else end
            self._bytes(start + 2, inner_end)
            if inner_end > start + 2:
                self._groups[-1].add(_LEAF)
            self._at = len(text) if end < 0 else end + 2
            return
        if following == "C":
            self._fail(_BAD_ESCAPE, start, start + 2)
        if following in ("A", "b", "B", "z"):
            self._at += 2
        elif not self._shorthand():
            self._escape()
        self._groups[-1].add(_LEAF)

    def _shorthand(self) -> bool:
        r"""Read `\d`, `\pL` and the like, if there is one here."""
        start, text = self._at, self._text
        kind = text[start + 1 : start + 2]
        if kind and kind in "dDsSwW":
            self._at += 2
            return True
        if not kind or kind not in "pP":
            return False
        if start + 2 >= len(text):  # Go reads the end of the text as U+FFFD
            self._fail(_BAD_RANGE, start, len(text))
        self._at += 2
        name = self._next()
        if name == "{":
            end = text.find("}", start)
            if end < 0:
                self._bytes(start, len(text))
                self._fail(_BAD_RANGE, start, len(text))
            self._bytes(start + 3, end)
            name, self._at = text[start + 3 : end], end + 1
        from alloypy.lang.go.character_classes import is_unicode_class  # few expressions have one

        if not is_unicode_class(name.removeprefix("^")):
            self._fail(_BAD_RANGE, start, self._at)
        return True

    def _escape(self) -> str:
        """Read an escaped character; it is returned."""
        start, text = self._at, self._text
        self._at += 1
        if self._at == len(text):
            raise TextError(_message("trailing backslash at end of expression", ""), start, start + 1)
        octal = _OCTAL.match(text, self._at)
        if octal is not None:
            self._at = octal.end()
            return chr(int(octal.group(), 8))
        character = self._next()
        if character == "x":
            return self._hexadecimal(start)
        if character in _SIMPLE_ESCAPES:
            return _SIMPLE_ESCAPES[character]
        if not character.isascii() or character.isalnum():
            self._fail(_BAD_ESCAPE, start, self._at)
        return character

    def _hexadecimal(self, start: int) -> str:
        """`x41` or `x{1F600}`."""
        text = self._text
        if self._at == len(text):
            self._fail(_BAD_ESCAPE, start, self._at)
        first = self._next()
        if first == "{":
            return self._braced(start)
        if self._at == len(text):
            self._fail(_BAD_ESCAPE, start, self._at)
        second = self._next()
        if first not in _HEX_DIGITS or second not in _HEX_DIGITS:
            self._fail(_BAD_ESCAPE, start, self._at)
        return chr(int(first + second, 16))

    def _braced(self, start: int) -> str:
        number, digits = 0, 0
        while self._at < len(self._text) and number <= _LAST_CHARACTER:
            character = self._next()
            if character == "}" and digits:
                return chr(number)
            if character not in _HEX_DIGITS:
                break
            number, digits = number * 16 + int(character, 16), digits + 1
        return self._fail(_BAD_ESCAPE, start, self._at)

    def _class(self) -> None:
        """`[...]`: a `]` right at the beginning is one of its characters."""
        start, text = self._at, self._text
        self._at += 1
        if text.startswith("^", self._at):
            self._at += 1
        first = True
        while first or not text.startswith("]", self._at):
            first = False
            if self._named_class() or (text.startswith("\\", self._at) and self._shorthand()):
                continue
            begin = self._at
            low = self._class_character(start)
            if text.startswith("-", self._at) and text[self._at + 1 : self._at + 2] not in ("", "]"):
                self._at += 1
                if self._class_character(start) < low:
                    self._fail(_BAD_RANGE, begin, self._at)
        self._at += 1

    def _named_class(self) -> bool:
        """Read `[:alnum:]` and the like, if there is one here."""
        start = self._at
        if not self._text.startswith("[:", start):
            return False
        end = self._text.find(":]", start + 2) if self._class_ends else -1
        if end < 0:
            self._class_ends = False
            return False
        from alloypy.lang.go.character_classes import POSIX

        if self._text[start : end + 2] not in POSIX:
            self._fail(_BAD_RANGE, start, end + 2)
        self._at = end + 2
        return True

    def _class_character(self, start: int) -> str:
        text = self._text
        if self._at >= len(text):
            raise TextError(_message("missing closing ]", text[start:]), start, len(text))
        if text[self._at] == "\\":
            return self._escape()
        return self._next()


def _message(reason: str, part: str) -> str:
    return f"error parsing regexp: {reason}: `{part}`"
