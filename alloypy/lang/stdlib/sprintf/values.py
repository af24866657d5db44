"""Go's Sprintf: prints one value with one verb.

Source: docs/spec/SYNTAX.md, section 5, `string.format`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alloypy.lang.evaluation.functions import LibraryFunction
from alloypy.lang.go.floats import SHORTEST, format_float
from alloypy.lang.go.text import quote, quote_ascii, quote_rune
from alloypy.lang.values import Capsule, Function, OptionalSecret, Secret, UInt, Value
from alloypy.syntax.letters import is_printable

_LARGEST_RUNE = 0x10FFFF
_BASES = {"v": 10, "d": 10, "b": 2, "o": 8, "O": 8, "x": 16, "X": 16}
_FLOAT_PRECISION = {"b": SHORTEST, "g": SHORTEST, "G": SHORTEST, "x": SHORTEST, "X": SHORTEST}


@dataclass(slots=True)
class Flags:
    """What is between the percent sign and the verb. `sharp_v`, `plus_v`: the flags of %v."""

    sharp: bool = False
    zero: bool = False
    plus: bool = False
    minus: bool = False
    space: bool = False
    sharp_v: bool = False
    plus_v: bool = False
    width: int | None = None
    precision: int | None = None


def go_type(value: Value) -> str:
    """The name of the Go type of such a value."""
    match value:
        case bool():
            return "bool"
        case UInt():
            return "uint64"
        case int():
            return "int"
        case float():
            return "float64"
        case str():
            return "string"
        case list():
            return "[]interface {}"
        case dict():
            return "map[string]interface {}"
        case Function():
            return value.go_type if isinstance(value, LibraryFunction) else "func()"
    return type(value).kind if isinstance(value, Capsule) else type(value).__name__


class ValuePrinter:
    """Prints values under one set of flags."""

    def __init__(self, flags: Flags) -> None:
        self._flags = flags

    def argument(self, value: Value, verb: str) -> str:
        """A whole argument; %T and %p print facts about it."""
        if value is None:
            return self._pad("<nil>") if verb in "Tv" else f"%!{verb}(<nil>)"
        if verb == "T":
            return self._string(go_type(value))
        if verb == "p":
            if isinstance(value, list | dict | Function):
                return self._address(value)
            return self._bad_verb(value, verb)
        if verb == "w":
            return self._bad_verb(value, verb)
        return self._value(value, verb)

    def _value(self, value: Value, verb: str) -> str:
        match value:
            case None:
                return "interface {}(nil)" if self._flags.sharp_v else "<nil>"
            case bool():
                return (
                    self._pad("true" if value else "false") if verb in "tv" else self._bad_verb(value, verb)
                )
            case int():
                return self._integer(value, verb)
            case float():
                return self._float(value, verb)
            case str():
                return self._text(value, value, verb)
            case list():
                return self._list(value, verb)
            case Mapping():
                return self._map(value, verb)
            case Secret():
                return self._text(value, value.reveal(), verb)
            case OptionalSecret():
                return self._struct(value, verb)
            case Function() if verb == "v":
                return self._address(value)
            case Function() if verb in "bodxX":
                return self._digits(id(value), _BASES[verb], verb, self._flags.sharp)
            case Capsule():
                return self._pad(value.describe())
        return self._bad_verb(value, verb)

    def _bad_verb(self, value: Value, verb: str) -> str:
        return f"%!{verb}({go_type(value)}={self._value(value, 'v')})"

    def _pad(self, text: str, zeros: bool | None = None) -> str:
        flags = self._flags
        missing = (flags.width or 0) - len(text)
        if missing <= 0:
            return text
        if flags.minus:
            return text + " " * missing
        return ("0" if (flags.zero if zeros is None else zeros) else " ") * missing + text

    def _address(self, value: Value) -> str:
        """The memory address of the value, which differs in every run."""
        return self._digits(id(value), 16, "v", not self._flags.sharp)

    # Texts

    def _string(self, text: str) -> str:
        return self._pad(text if self._flags.precision is None else text[: self._flags.precision])

    def _text(self, value: Value, text: str, verb: str) -> str:
        match verb:
            case "v" if not self._flags.sharp_v:
                return self._string(text)
            case "s":
                return self._string(text)
            case "v" | "q":
                return self._quoted(text)
            case "x" | "X":
                return self._hex_text(text, verb)
        return self._bad_verb(value, verb)

    def _quoted(self, text: str) -> str:
        text = text if self._flags.precision is None else text[: self._flags.precision]
        if self._flags.sharp and _fits_backquotes(text):
            return self._pad(f"`{text}`")
        return self._pad(quote_ascii(text) if self._flags.plus else quote(text))

    def _hex_text(self, text: str, verb: str) -> str:
        flags = self._flags
        data = text.encode("utf-8", "surrogateescape")[: flags.precision]
        if not data:
            return self._pad("")
        prefix = f"0{verb}" if flags.sharp else ""
        digits = [f"{byte:02{verb}}" for byte in data]
        joint = f" {prefix}" if flags.space else ""
        return self._pad(prefix + joint.join(digits))

    # Numbers

    def _integer(self, value: int, verb: str) -> str:
        match verb:
            case "v" if self._flags.sharp_v and isinstance(value, UInt):
                return self._digits(value, 16, verb, sharp=True)
            case "c":
                return self._pad(_rune(value))
            case "q":
                return self._pad(quote_rune(_rune(value), self._flags.plus))
            case "U":
                return self._code_point(value)
        if verb not in _BASES:
            return self._bad_verb(value, verb)
        return self._digits(value, _BASES[verb], verb, self._flags.sharp)

    def _digits(self, value: int, base: int, verb: str, sharp: bool) -> str:
        flags = self._flags
        if flags.precision == 0 and value == 0:
            return " " * (flags.width or 0)
        sign = "-" if value < 0 else "+" if flags.plus else " " if flags.space else ""
        least = flags.precision or 0
        if flags.precision is None and flags.zero and not flags.minus and flags.width is not None:
            least = flags.width - len(sign)
        layout = {10: "d", 16: "X" if verb == "X" else "x", 8: "o", 2: "b"}[base]
        digits = format(abs(value), layout).rjust(least, "0")
        if sharp and base == 8 and digits[0] != "0":
            digits = "0" + digits
        elif sharp and base in {2, 16}:
            digits = f"0{layout}{digits}"
        if verb == "O":
            digits = f"0o{digits}"
        return self._pad(sign + digits, zeros=False)

    def _code_point(self, value: int) -> str:
        code = value & ((1 << 64) - 1)
        text = f"U+{code:0{max(4, self._flags.precision or 0)}X}"
        if self._flags.sharp and code <= _LARGEST_RUNE and is_printable(chr(code)):
            text += f" '{chr(code)}'"
        return self._pad(text, zeros=False)

    def _float(self, value: float, verb: str) -> str:
        if verb not in "vbgGxXfFeE":
            return self._bad_verb(value, verb)
        flags = self._flags
        layout = {"v": "g", "F": "f"}.get(verb, verb)
        precision = _FLOAT_PRECISION.get(layout, 6) if flags.precision is None else flags.precision
        text = format_float(value, layout, precision)
        sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("+", text)
        if flags.space and sign == "+" and not flags.plus:
            sign = " "
        if digits == "Inf":
            return self._pad(sign + digits, zeros=False)
        if digits == "NaN":
            return self._pad(sign + digits if flags.space or flags.plus else digits, zeros=False)
        if flags.sharp and layout != "b":
            digits = _with_point(digits, layout, precision)
        if not flags.plus and sign == "+":
            return self._pad(digits)
        if flags.zero and not flags.minus and flags.width is not None:
            return sign + digits.rjust(flags.width - 1, "0")
        return self._pad(sign + digits)

    # Composite values

    def _list(self, value: list[Value], verb: str) -> str:
        items = [self._value(item, verb) for item in value]
        if self._flags.sharp_v:
            return f"[]interface {{}}{{{', '.join(items)}}}"
        return f"[{' '.join(items)}]"

    def _map(self, value: Mapping[str, Value], verb: str) -> str:
        keys = sorted(value, key=lambda key: key.encode("utf-8", "surrogateescape"))
        items = [f"{self._value(key, verb)}:{self._value(value[key], verb)}" for key in keys]
        if self._flags.sharp_v:
            return f"map[string]interface {{}}{{{', '.join(items)}}}"
        return f"map[{' '.join(items)}]"

    def _struct(self, value: OptionalSecret, verb: str) -> str:
        fields = {"IsSecret": value.is_secret, "Value": value.reveal()}
        named = self._flags.sharp_v or self._flags.plus_v
        items = [
            f"{name}:{self._value(item, verb)}" if named else self._value(item, verb)
            for name, item in fields.items()
        ]
        if self._flags.sharp_v:
            return f"{go_type(value)}{{{', '.join(items)}}}"
        return f"{{{' '.join(items)}}}"


def _rune(code: int) -> str:
    """The character of a code point; an invalid one becomes the replacement character."""
    if not 0 <= code <= _LARGEST_RUNE or 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return chr(code)


def _fits_backquotes(text: str) -> bool:
    return not any(
        (char < " " and char != "\t") or char in "`\x7f\ufeff" or "\udc80" <= char <= "\udcff"
        for char in text
    )


def _with_point(digits: str, layout: str, precision: int) -> str:
    """The digits with a decimal point, and with the trailing zeros that %g drops."""
    wanted = 0
    if layout in {"g", "G", "x"}:
        wanted = 6 if precision == SHORTEST else precision
    hexadecimal = layout in {"x", "X"}
    mark = next(
        (at for at, char in enumerate(digits) if char in ("pP" if hexadecimal else "eE")), len(digits)
    )
    mantissa, tail = digits[:mark], digits[mark:]
    significant = mantissa.replace(".", "").lstrip("0")
    wanted -= len(significant)
    if "." not in mantissa:
        if mantissa == "0":
            wanted -= 1
        mantissa += "."
    return mantissa + "0" * max(wanted, 0) + tail
