"""`x ^ y` of floats, bit for bit as Alloy calculates it on a 64-bit PC.

The integer part of the exponent is applied by squaring, its fraction by logarithm and exponential.
Both use the textbook series, because a C library rounds their last bits differently.
Source: docs/spec/SYNTAX.md, section 5, binary operators.
"""

from __future__ import annotations

import math
import struct

_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LOG_ODD = (
    1.479819860511658591e-01,
    1.818357216161805012e-01,
    2.857142874366239149e-01,
    6.666666666666735130e-01,
)
_LOG_EVEN = (1.531383769920937332e-01, 2.222219843214978396e-01, 3.999999999940941908e-01)
_HALF_SQRT2 = 7.07106781186547524401e-01
_LOG2_E = 1.4426950408889634073599246810018920
_EXP_HIGH, _EXP_LOW = 0.69314718055966295651160180568695068359375, 0.28235290563031577122588448175013436e-12
_EXP_SERIES = tuple(1 / math.factorial(n) for n in range(8, 0, -1))
_HUGE = float(1 << 63)
_FAR = 1 << 12


def float_power(base: float, exponent: float) -> float:
    """IEEE pow; overflow gives infinity, a negative base with a fractional exponent NaN."""
    special = _special(base, exponent)
    if special is not None:
        return special
    fraction, whole = math.modf(abs(exponent))
    if fraction and base < 0:
        return math.nan
    if whole >= _HUGE:
        if base == -1:
            return 1.0
        return 0.0 if (abs(base) < 1) == (exponent > 0) else math.inf
    mantissa, scale = 1.0, 0
    if fraction:
        if fraction > 0.5:
            fraction, whole = fraction - 1, whole + 1
        mantissa = _exponential(fraction * _logarithm(base))
    factor, factor_scale = math.frexp(base)
    steps = int(whole)
    while steps:
        if not -_FAR <= factor_scale <= _FAR:
            scale += factor_scale
            break
        if steps & 1:
            mantissa, scale = mantissa * factor, scale + factor_scale
        factor, factor_scale = factor * factor, factor_scale * 2
        if factor < 0.5:
            factor, factor_scale = factor + factor, factor_scale - 1
        steps >>= 1
    if exponent < 0:
        mantissa, scale = 1 / mantissa, -scale
    return _scaled(mantissa, scale)


def _special(base: float, exponent: float) -> float | None:
    if exponent == 0 or base == 1:
        return 1.0
    if exponent == 1:
        return base
    if math.isnan(base) or math.isnan(exponent):
        return math.nan
    if base == 0 or math.isinf(base) or math.isinf(exponent):
        try:
            return math.pow(base, exponent)
        except ValueError:  # zero to a negative power
            return math.copysign(math.inf, base) if _is_odd(exponent) else math.inf
    if exponent == 0.5:
        return math.sqrt(base) if base >= 0 else math.nan
    if exponent == -0.5:
        return 1 / math.sqrt(base) if base > 0 else math.nan
    return None


def _is_odd(number: float) -> bool:
    return math.fmod(number, 2) in {1, -1}


def _scaled(mantissa: float, scale: int) -> float:
    try:
        return math.ldexp(mantissa, scale)
    except OverflowError:
        return math.copysign(math.inf, mantissa)


def _logarithm(number: float) -> float:
    """The natural logarithm of a positive number; for a denormal one as wrong as in Alloy."""
    bits = struct.unpack("<Q", struct.pack("<d", number))[0]
    scale = float((bits >> 52 & 0x7FF) - 0x3FE)
    mantissa: float = struct.unpack("<d", struct.pack("<Q", bits & ((1 << 52) - 1) | 0x3FE << 52))[0]
    if mantissa <= _HALF_SQRT2:
        scale, mantissa = scale - 1, mantissa * 2
    rest = mantissa - 1
    ratio = rest / (2.0 + rest)
    square = ratio * ratio
    fourth = square * square
    series = square * _polynomial(_LOG_ODD, fourth) + fourth * _polynomial(_LOG_EVEN, fourth)
    half = 0.5 * rest * rest
    return scale * _LN2_HIGH - ((half - (ratio * (half + series) + scale * _LN2_LOW)) - rest)


def _polynomial(coefficients: tuple[float, ...], number: float) -> float:
    result = coefficients[0]
    for coefficient in coefficients[1:]:
        result = result * number + coefficient
    return result


def _exponential(number: float) -> float:
    """The exponential function of a number between -400 and 400."""
    scale = round(_LOG2_E * number)
    number = _fused(-float(scale), _EXP_HIGH, number)
    number = _fused(-float(scale), _EXP_LOW, number) * 0.0625
    result = _EXP_SERIES[0]
    for coefficient in _EXP_SERIES[1:]:
        result = _fused(result, number, coefficient)
    number *= result
    for _ in range(3):
        number *= number + 2.0
    return math.ldexp(_fused(number + 2.0, number, 1.0), scale)


def _fused(factor: float, other: float, summand: float) -> float:
    """`factor * other + summand`, rounded once."""
    from fractions import Fraction  # noqa: PLC0415 -- hardly anybody raises to a power

    return float(Fraction(factor) * Fraction(other) + Fraction(summand))
