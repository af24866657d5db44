"""Floats as Go's strconv.FormatFloat writes them.

Source: docs/spec/SYNTAX.md, section 5, standard library (`string.format`, `encoding.to_json`).
"""

from __future__ import annotations

import math
from decimal import Decimal

SHORTEST = -1
"""Precision: as few digits as distinguish the number from its neighbours."""


def format_float(number: float, layout: str, precision: int) -> str:
    """`number` in one of the layouts e, E, f, g, G, b, x, X; precision as in Go, or SHORTEST."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    match layout:
        case "b":
            return _binary(number)
        case "x" | "X":
            text = _hexadecimal(number, precision)
            return text.upper() if layout == "X" else text
        case "E" | "G":
            return format_float(number, layout.lower(), precision).upper()
    if precision == SHORTEST:
        return _shortest(number, layout)
    if layout == "g":
        return format(number, f".{max(precision, 1)}g")
    return format(number, f".{precision}{layout}")


def _shortest(number: float, layout: str) -> str:
    sign, digits, point = shortest_digits(number)
    if layout == "e" or (layout == "g" and not -4 <= point - 1 < 6):
        return sign + exponent_form(digits, point)
    return sign + decimal_form(digits, point)


def shortest_digits(number: float) -> tuple[str, str, int]:
    """The sign, the shortest digits without outer zeros, the point; the number is 0.digits * 10**point."""
    sign, digits, exponent = Decimal(repr(number)).as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + int(exponent)
    stripped = text.lstrip("0")
    point -= len(text) - len(stripped)
    stripped = stripped.rstrip("0")
    return ("-" if sign else "", stripped, point) if stripped else ("-" if sign else "", "0", 1)


def exponent_form(digits: str, point: int) -> str:
    """`d.ddde+XX` with at least two digits of exponent."""
    exponent = point - 1
    mantissa = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
    return f"{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def decimal_form(digits: str, point: int) -> str:
    """The digits with the point in place and no exponent."""
    if point <= 0:
        return f"0.{'0' * -point}{digits}"
    if point >= len(digits):
        return digits + "0" * (point - len(digits))
    return f"{digits[:point]}.{digits[point:]}"


def _parts(number: float) -> tuple[str, int, int]:
    """The sign, and the mantissa and exponent as stored: the number is mantissa * 2**exponent."""
    sign = "-" if math.copysign(1, number) < 0 else ""
    fraction, exponent = math.frexp(abs(number))
    if exponent < -1021:  # denormal: the exponent stays, the mantissa gets shorter
        return sign, int(math.ldexp(abs(number), 1074)), -1074
    return sign, int(math.ldexp(fraction, 53)), exponent - 53 if number else -1074


def _binary(number: float) -> str:
    sign, mantissa, exponent = _parts(number)
    return f"{sign}{mantissa}p{exponent:+d}"


def _hexadecimal(number: float, precision: int) -> str:
    sign, mantissa, exponent = _parts(number)
    if mantissa == 0:
        exponent = 0
        shift = 0
    else:
        shift = 53 - mantissa.bit_length()
    mantissa <<= shift
    exponent += 52 - shift if mantissa else 0
    if 0 <= precision < 13 and mantissa:
        mantissa = _rounded(mantissa, 4 * (13 - precision))
        if mantissa >> 53:
            mantissa >>= 1
            exponent += 1
    lead, fraction = mantissa >> 52, f"{mantissa & ((1 << 52) - 1):013x}"
    fraction = fraction.rstrip("0") if precision == SHORTEST else fraction[:precision].ljust(precision, "0")
    return (
        f"{sign}0x{lead}{'.' if fraction else ''}{fraction}p{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    )


def _rounded(mantissa: int, bits: int) -> int:
    """`mantissa` with its lowest bits zero, rounded to nearest, ties to even."""
    half = 1 << (bits - 1)
    low = mantissa & ((1 << bits) - 1)
    mantissa -= low
    if low > half or (low == half and mantissa >> bits & 1):
        mantissa += 1 << bits
    return mantissa
