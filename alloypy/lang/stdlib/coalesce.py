"""`coalesce`: the first argument that is not empty."""

from __future__ import annotations

from collections.abc import Sequence

from alloypy.lang.evaluation.functions import Example, Manual, TracedFunction
from alloypy.lang.evaluation.traced import LITERAL, Traced
from alloypy.lang.values import Capsule, OptionalSecret, Secret, Value


def _is_empty(value: Value) -> bool:
    """Whether the value is zero, or an empty text, array or object."""
    if isinstance(value, Secret):
        return not value.reveal()
    if isinstance(value, OptionalSecret):
        return not value.reveal() and not value.is_secret
    if isinstance(value, Capsule):
        fields = value.fields()
        return fields is not None and not fields
    return not value


def _coalesce(args: Sequence[Traced]) -> Traced:
    for arg in args:
        if not _is_empty(arg.value):
            return arg
    return args[-1] if args else Traced(None, LITERAL)


COALESCE = TracedFunction(
    "coalesce",
    _coalesce,
    Manual(
        ("values: any...",),
        "any",
        "Returns the first argument that is not empty, else the last one. null, false, 0 and texts, lists "
        "and objects without content are empty.",
        (
            Example('coalesce("", sys.env("REGION"), "eu-west-1")', '"eu-west-1"'),
            Example('coalesce(0, [], {"a" = 1})', "{\n\ta = 1,\n}"),
        ),
    ),
)
