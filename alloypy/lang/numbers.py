"""Kinds of numbers, and Go's 64-bit arithmetic on them.

Source: docs/spec/SYNTAX.md, section 5 (values, operators, decoding of numbers).
"""

from __future__ import annotations

import math
import re

from alloypy.lang.values import UInt

_UINT_MASK = (1 << 64) - 1
_LARGEST_INT = (1 << 63) - 1
_SMALLEST_INT = -(1 << 63)
_MOST_DIGITS = 20
_DECIMAL_FLOAT = r"[+-]?([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\Z"
_HEX_FLOAT = r"[+-]?0[xX]([0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+\Z"
_SIGNED = r"[+-]?[0-9]+\Z"
_UNSIGNED = r"[0-9]+\Z"


def wrap_int(number: int) -> int:
    """`number` as a signed 64-bit integer, keeping the low bits."""
    if _SMALLEST_INT <= number <= _LARGEST_INT:
        return int(number)
    number &= _UINT_MASK
    return number - (1 << 64) if number > _LARGEST_INT else number


def wrap_uint(number: int) -> UInt:
    """`number` as an unsigned 64-bit integer, keeping the low bits."""
    return UInt(number & _UINT_MASK)


def wrap_bits(number: int, bits: int, signed: bool) -> int:
    """The lowest `bits` bits of `number`, as a signed or unsigned number."""
    number &= (1 << bits) - 1
    if signed and number >> (bits - 1):
        return number - (1 << bits)
    return number


def to_int(number: int | float) -> int:
    """`number` as a signed 64-bit integer: floats are truncated; out of range gives the smallest integer."""
    if isinstance(number, float):
        if not -9223372036854775808.0 <= number < 9223372036854775808.0:
            return _SMALLEST_INT
        return int(number)
    return wrap_int(number)


def to_uint(number: int | float) -> UInt:
    """`number` as an unsigned 64-bit integer: floats are truncated; out of range gives 2^63."""
    if not isinstance(number, float):
        return wrap_uint(number)
    if 9223372036854775808.0 <= number < 18446744073709551616.0:
        return UInt(number)
    return wrap_uint(to_int(number))


def number_text(number: int | float) -> str:
    """The decimal text of `number`; floats in their shortest form, without an exponent."""
    if isinstance(number, float):
        if math.isnan(number):
            return "NaN"
        if math.isinf(number):
            return "+Inf" if number > 0 else "-Inf"
        text = repr(number)
        if "e" in text:
            from decimal import Decimal  # rarely needed, and slow to import

            text = format(Decimal(text), "f")
        return text.removesuffix(".0")
    return int.__repr__(number)


def parse_float(text: str) -> float | None:
    """A decimal or hexadecimal float as Go reads it; None if it is not one or is out of range."""
    if "_" in text:
        return None
    if re.match(_DECIMAL_FLOAT, text):
        number = float(text)
    elif re.match(_HEX_FLOAT, text):
        try:
            number = float.fromhex(text)
        except OverflowError:
            return None
    else:
        return None
    return None if math.isinf(number) else number


def _is_long(digits: str) -> bool:
    """Whether a number has too many digits to fit into 64 bits."""
    return len(digits.lstrip("0")) > _MOST_DIGITS


def parse_number(text: str) -> int | float | None:
    """The number that decoding reads from a string: signed, float or unsigned; None if it is not a number."""
    if text.startswith("-"):
        if not re.match(_SIGNED, text) or _is_long(text[1:]):
            return None
        number = int(text)
        return number if number >= _SMALLEST_INT else None
    if any(char in text for char in ".eE"):
        return parse_float(text)
    if not re.match(_UNSIGNED, text) or _is_long(text):
        return None
    number = int(text)
    return UInt(number) if number <= _UINT_MASK else None
