"""Which characters are letters, digits or printable in the Unicode version that Alloy is built with (15.0).

Also what depends on that: names, and text quoted as Go quotes it.

Python's own tables are those of the Unicode version of its release; the ranges below correct the
difference, so that a name is valid in alloypy exactly when it is valid in Alloy.
"""

from __future__ import annotations

import sys
import unicodedata
from bisect import bisect_right

# The first and last character of each range, in ascending order.
_Ranges = tuple[tuple[int, int], ...]

# Letters and digits assigned in Unicode 15.0, which Python 3.11 does not know yet.
_LETTERS_OF_15: _Ranges = (
    (0x1123F, 0x11240), (0x11F02, 0x11F02), (0x11F04, 0x11F10), (0x11F12, 0x11F33),
    (0x1342F, 0x1342F), (0x13441, 0x13446), (0x1B132, 0x1B132), (0x1B155, 0x1B155),
    (0x1DF25, 0x1DF2A), (0x1E030, 0x1E06D), (0x1E4D0, 0x1E4EB), (0x2B739, 0x2B739),
    (0x31350, 0x323AF),
)  # fmt: skip
_DIGITS_OF_15: _Ranges = ((0x11F50, 0x11F59), (0x1E4F0, 0x1E4F9))
_OTHERS_OF_15: _Ranges = (
    (0xCF3, 0xCF3), (0xECE, 0xECE), (0x10EFD, 0x10EFF), (0x11241, 0x11241), (0x11B00, 0x11B09),
    (0x11F00, 0x11F10), (0x11F12, 0x11F3A), (0x11F3E, 0x11F59), (0x13440, 0x13455), (0x1D2C0, 0x1D2D3),
    (0x1E08F, 0x1E08F), (0x1E4EC, 0x1E4F9), (0x1F6DC, 0x1F6DC), (0x1F774, 0x1F776),
    (0x1F77B, 0x1F77F), (0x1F7D9, 0x1F7D9), (0x1FA75, 0x1FA77), (0x1FA87, 0x1FA88),
    (0x1FAAD, 0x1FAAF), (0x1FABB, 0x1FABD), (0x1FABF, 0x1FABF), (0x1FACE, 0x1FACF),
    (0x1FADA, 0x1FADB), (0x1FAE8, 0x1FAE8), (0x1FAF7, 0x1FAF8),
)  # fmt: skip

# Blocks and characters assigned in Unicode 15.1 and 16.0, which later Pythons know and Alloy does not.
_SINCE_15: _Ranges = (
    (0x1C89, 0x1C8A), (0x2FFC, 0x2FFF), (0x31EF, 0x31EF), (0xA7CB, 0xA7CD), (0xA7DA, 0xA7DC),
    (0x105C0, 0x105FF), (0x10D40, 0x10D8F), (0x11380, 0x113FF), (0x116D0, 0x116FF),
    (0x11BC0, 0x11BFF), (0x13460, 0x143FF), (0x16100, 0x1613F), (0x16D40, 0x16D7F),
    (0x1CC00, 0x1CCFF), (0x1E5D0, 0x1E5FF), (0x2EBF0, 0x2EE5D),
)  # fmt: skip

_ESCAPES = {
    "\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v",
    "\\": r"\\", '"': r"\"",
}  # fmt: skip


def is_letter(char: str) -> bool:
    """Whether a name may begin with this character: `_` or any Unicode letter."""
    if char.isascii():
        return char.isalpha() or char == "_"
    return not _within(char, _SINCE_15) and (
        unicodedata.category(char)[0] == "L" or _within(char, _LETTERS_OF_15)
    )


def is_digit(char: str) -> bool:
    """Whether this is a decimal digit of any script; a name may contain it, a number only ASCII's."""
    if char.isascii():
        return char.isdigit()
    return not _within(char, _SINCE_15) and (
        unicodedata.category(char) == "Nd" or _within(char, _DIGITS_OF_15)
    )


def is_printable(char: str) -> bool:
    """Whether Go would print this character as it is."""
    if char.isprintable():
        return not _within(char, _SINCE_15)
    return _within(char, _LETTERS_OF_15) or _within(char, _OTHERS_OF_15)


def is_identifier(text: str) -> bool:
    """Whether the text is a name; the keywords `true`, `false` and `null` are not."""
    if text.isascii():
        return text.isidentifier() and text not in {"true", "false", "null"}
    return is_letter(text[0]) and all(is_letter(char) or is_digit(char) for char in text[1:])


def quote(text: str) -> str:
    """The text in double quotes, as Go quotes it; lone surrogates are bytes that are not UTF-8."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    parts = [text[at : at + _PART].translate(_QUOTED) for at in range(0, len(text), _PART)]
    return f'"{"".join(parts)}"'


_PART = 1 << 16  # so that long texts leave other threads a turn
_MOST_KEPT = 1024


class _Quoted(dict[int, str]):
    """What stands for each character, by its number; made when it is first asked for."""

    def __missing__(self, code: int) -> str:
        escaped = _escaped(chr(code))
        if len(self) < _MOST_KEPT:
            self[code] = escaped
        return escaped


_QUOTED = _Quoted()


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if is_printable(char):
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _within(char: str, ranges: _Ranges) -> bool:
    code = ord(char)
    at = bisect_right(ranges, (code, sys.maxunicode)) - 1
    return at >= 0 and code <= ranges[at][1]
