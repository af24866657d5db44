"""The operators of expressions.

Source: docs/spec/SYNTAX.md, section 5, binary and unary operators.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from alloypy.lang import texts
from alloypy.lang.equality import values_equal
from alloypy.lang.evaluation.effort import make
from alloypy.lang.evaluation.faults import BadValueError, fault
from alloypy.lang.evaluation.power import float_power
from alloypy.lang.evaluation.traced import Traced
from alloypy.lang.go.text import joined
from alloypy.lang.numbers import to_int, wrap_int, wrap_uint
from alloypy.lang.values import Capsule, Kind, OptionalSecret, Secret, UInt, Value, kind_of, text_of

_NUMBERS = (Kind.NUMBER,)
_ORDERED = (Kind.NUMBER, Kind.STRING)
_ALLOWED: dict[str, tuple[str, ...]] = {
    "||": (Kind.BOOL,),
    "&&": (Kind.BOOL,),
    "+": (Kind.NUMBER, Kind.STRING, Kind.CAPSULE),
    "-": _NUMBERS,
    "*": _NUMBERS,
    "/": _NUMBERS,
    "%": _NUMBERS,
    "^": _NUMBERS,
    "<": _ORDERED,
    ">": _ORDERED,
    "<=": _ORDERED,
    ">=": _ORDERED,
}


def operand_of(op: str) -> str:
    """The kind of value that a unary operator takes."""
    return Kind.BOOL if op == "!" else Kind.NUMBER


def misused(op: str, kind: str) -> str | None:
    """What is wrong with an operand of this kind for a binary operator (not `==`, `!=`); None if nothing."""
    allowed = _ALLOWED[op]
    return None if kind in allowed else texts.wrong_operand(op, allowed, kind)


def unary(op: str, operand: Traced) -> Value:
    """The value of `op operand`. Raises BadValueError."""
    value, kind = operand.value, kind_of(operand.value)
    wanted = operand_of(op)
    if kind != wanted:
        raise fault(operand, texts.should_be(wanted, kind))
    if op == "!":
        return not value
    return -value if isinstance(value, float) else wrap_int(-int(value))


def binary(left: Traced, op: str, right: Traced) -> Value:
    """The value of `left op right`. Raises BadValueError."""
    lhs, rhs = _lift(left.value, right.value)
    if op == "==":
        return values_equal(lhs, rhs)
    if op == "!=":
        return not values_equal(lhs, rhs)
    kind = kind_of(lhs)
    for value, operand in ((lhs, left), (rhs, right)):
        wrong = misused(op, kind_of(value))
        if wrong is not None:
            raise fault(operand, wrong)
    if kind != kind_of(rhs):
        raise fault(right, texts.should_be(kind, kind_of(rhs)))
    match kind:
        case Kind.BOOL:
            return (lhs or rhs) if op == "||" else (lhs and rhs)
        case Kind.STRING:
            return _strings(text_of(lhs), op, text_of(rhs))
        case Kind.CAPSULE:
            return _secrets(lhs, rhs, left)
    if op in _COMPARISONS:
        lhs, rhs = _fit(lhs, rhs)
        return _COMPARISONS[op](lhs, rhs)
    if op in {"/", "%"} and rhs == 0:
        raise fault(right, texts.DIVIDED_BY_ZERO)
    return arithmetic(lhs, op, rhs)


def _lift(lhs: Value, rhs: Value) -> tuple[Value, Value]:
    """Both sides as secrets, optional secrets or strings, if one of them is such and both can be."""
    if not (isinstance(lhs, Capsule) or isinstance(rhs, Capsule)):
        return lhs, rhs
    match lhs, rhs:
        case OptionalSecret(), Secret():
            return Secret(lhs.reveal()), rhs
        case Secret(), OptionalSecret():
            return lhs, Secret(rhs.reveal())
        case Secret(), str():
            return lhs, Secret(rhs)
        case str(), Secret():
            return Secret(lhs), rhs
        case OptionalSecret(), str():
            if lhs.is_secret:
                return lhs, OptionalSecret(rhs, is_secret=True)
            return lhs.reveal(), rhs
        case str(), OptionalSecret():
            if rhs.is_secret:
                return OptionalSecret(lhs, is_secret=True), rhs
            return lhs, rhs.reveal()
    return lhs, rhs


def _strings(lhs: str, op: str, rhs: str) -> Value:
    if op == "+":
        make(len(lhs) + len(rhs))
        return joined(lhs, rhs)
    if lhs.isascii() and rhs.isascii():
        return _COMPARISONS[op](lhs, rhs)
    return _COMPARISONS[op](lhs.encode("utf-8", "surrogateescape"), rhs.encode("utf-8", "surrogateescape"))


def _secrets(lhs: Value, rhs: Value, left: Traced) -> Value:
    make(sum(len(side.reveal()) for side in (lhs, rhs) if isinstance(side, Secret | OptionalSecret)))
    if isinstance(lhs, OptionalSecret):
        # As in Alloy, a right side that is not an optional secret counts as an empty one.
        other = rhs if isinstance(rhs, OptionalSecret) else OptionalSecret("", is_secret=False)
        return OptionalSecret(joined(lhs.reveal(), other.reveal()), lhs.is_secret or other.is_secret)
    if isinstance(lhs, Secret):
        return Secret(joined(lhs.reveal(), rhs.reveal() if isinstance(rhs, Secret) else ""))
    raise _unknown_capsules(left)


def _unknown_capsules(left: Traced) -> BadValueError:
    return fault(left, "could not perform binop + for unknown types lhs capsule rhs capsule")


_COMPARISONS: dict[str, Callable[[Value, Value], bool]] = {
    "<": lambda lhs, rhs: lhs < rhs,
    ">": lambda lhs, rhs: lhs > rhs,
    "<=": lambda lhs, rhs: lhs <= rhs,
    ">=": lambda lhs, rhs: lhs >= rhs,
}


def _fit(lhs: int | float, rhs: int | float) -> tuple[int | float, int | float]:
    """Both numbers as the higher of their kinds: unsigned, signed, float."""
    if isinstance(lhs, float) or isinstance(rhs, float):
        return float(lhs), float(rhs)
    if isinstance(lhs, UInt) and isinstance(rhs, UInt):
        return lhs, rhs
    return to_int(lhs), to_int(rhs)


def arithmetic(lhs: int | float, op: str, rhs: int | float) -> int | float:
    """`lhs op rhs` in 64 bits; overflow wraps. The right side of `/` and `%` is not zero."""
    lhs, rhs = _fit(lhs, rhs)
    if isinstance(lhs, float) or isinstance(rhs, float):
        return _FLOAT_OPERATIONS[op](float(lhs), float(rhs))
    result = _INT_OPERATIONS[op](int(lhs), int(rhs))
    return wrap_uint(result) if isinstance(lhs, UInt) else wrap_int(result)


def _divide(lhs: int, rhs: int) -> int:
    quotient = abs(lhs) // abs(rhs)
    return quotient if (lhs < 0) == (rhs < 0) else -quotient


def _power(base: int, exponent: int) -> int:
    """By repeated multiplication, so a negative exponent gives the base itself."""
    if exponent == 0 or base == 1:
        return 1
    return pow(base, exponent, 1 << 64) if exponent > 0 else base


def _float_modulo(lhs: float, rhs: float) -> float:
    if math.isinf(lhs) or math.isnan(lhs) or math.isnan(rhs):
        return math.nan
    return math.fmod(lhs, rhs)


_INT_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "+": lambda lhs, rhs: lhs + rhs,
    "-": lambda lhs, rhs: lhs - rhs,
    "*": lambda lhs, rhs: lhs * rhs,
    "/": _divide,
    "%": lambda lhs, rhs: lhs - _divide(lhs, rhs) * rhs,
    "^": _power,
}
_FLOAT_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": lambda lhs, rhs: lhs + rhs,
    "-": lambda lhs, rhs: lhs - rhs,
    "*": lambda lhs, rhs: lhs * rhs,
    "/": lambda lhs, rhs: lhs / rhs,
    "%": _float_modulo,
    "^": float_power,
}
