"""`x ^ y` of floats."""

from __future__ import annotations

import math


def float_power(base: float, exponent: float) -> float:
    """IEEE pow; overflow gives infinity, a negative base with a fractional exponent NaN."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        negative = base < 0 and exponent % 2 == 1
        return -math.inf if negative else math.inf
    except ValueError:
        return math.inf if base == 0 else math.nan
