"""`coalesce`: the first argument that holds something."""

from __future__ import annotations

from collections.abc import Sequence

from alloypy.lang.evaluation.functions import Example, Manual, TracedFunction
from alloypy.lang.evaluation.traced import LITERAL, Traced
from alloypy.lang.values import Capsule, OptionalSecret, Secret, Value


def _is_empty(value: Value) -> bool:
    """Zero numbers, empty texts, arrays and objects."""
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
        "Gives the first argument that holds something, else the last one. null, false, 0 and empty texts, "
        "lists and objects hold nothing.",
        (
            Example('coalesce("", sys.env("REGION"), "eu-west-1")', '"eu-west-1"'),
            Example('coalesce(0, [], {"a" = 1})', "{\n\ta = 1,\n}"),
        ),
    ),
)
