"""What holds for all values and expressions: arithmetic, decoding, faults, secrets."""

from __future__ import annotations

import math
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.lang import types
from alloypy.lang.conversion import ConversionError, convert
from alloypy.lang.equality import values_equal
from alloypy.lang.evaluation.evaluator import EvaluationError, evaluate, evaluate_as
from alloypy.lang.evaluation.operators import arithmetic
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.go.duration import Duration
from alloypy.lang.stdlib import Stdlib
from alloypy.lang.stdlib.json.codec import JSONError
from alloypy.lang.stdlib.json.codec import decode as decode_json
from alloypy.lang.stdlib.json.codec import encode as encode_json
from alloypy.lang.stdlib.json.reader import JSONReader
from alloypy.lang.stdlib.jsonpath.cursor import PathError
from alloypy.lang.stdlib.jsonpath.parser import parse_path
from alloypy.lang.value_text import value_text
from alloypy.lang.values import Capsule, OptionalSecret, Secret, UInt
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.nesting import allow_recursion
from alloypy.syntax.parser import parse_expression
from alloypy.syntax.source import Source
from tests.support.watchdog import briefly

allow_recursion()  # hypothesis watches the recursion limit, so set it before hypothesis looks

CONTENT = "v3ry-s3cret"

ints = st.integers(-(1 << 63), (1 << 63) - 1) | st.sampled_from(
    [0, 1, -1, 255, 256, (1 << 63) - 1, -(1 << 63)]
)
uints = st.integers(0, (1 << 64) - 1).map(UInt)
texts = st.text(st.characters(codec="utf-8"), max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | ints
    | uints
    | st.floats()
    | texts
    | st.sampled_from(["5", "-1.5", "1h", "1e3", "true"])
    | st.binary(max_size=4)
    | st.integers(-(1 << 63), (1 << 63) - 1).map(Duration)
    | st.just(Secret(CONTENT))
    | st.just(OptionalSecret(CONTENT, is_secret=True))
    | st.just(OptionalSecret("5", is_secret=False))
    | st.just(Capsule())
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
plain_types = st.sampled_from(
    [
        types.AnyType(),
        types.BoolType(),
        types.StringType(),
        types.BytesType(),
        types.IntType(),
        types.IntType(8),
        types.IntType(32, signed=False),
        types.FloatType(),
        types.DurationType(),
        types.SecretType(),
        types.OptionalSecretType(),
        types.TextType("level", int, zero=0),
        types.CapsuleType(Capsule),
        types.ObjectType((types.ObjectField("x", types.IntType(), required=True),), dict),
    ]
)

array_types = st.builds(types.ListType, plain_types, st.integers(0, 3))  # nested deeply they are huge
wanted_types = st.recursive(
    plain_types | array_types | st.builds(types.ListType, array_types, st.integers(0, 3)),
    lambda inner: (
        st.builds(types.ListType, inner, st.none())
        | st.builds(types.MapType, inner)
        | st.builds(types.NullableType, inner)
    ),
    max_leaves=3,
)


def wrapped(number: int, signed: bool) -> int:
    number %= 1 << 64
    return number - (1 << 64) if signed and number >= 1 << 63 else number


@given(ints | uints, st.sampled_from("+-*/%^"), ints | uints)
@briefly()
def test_arithmetic_wraps_at_64_bits(left: int, op: str, right: int) -> None:
    signed = not (isinstance(left, UInt) and isinstance(right, UInt))
    one, other = wrapped(int(left), signed), wrapped(int(right), signed)
    if op in "/%" and right == 0:
        return
    match op:
        case "+":
            exact = one + other
        case "-":
            exact = one - other
        case "*":
            exact = one * other
        case "/":
            exact = int(math.copysign(1, one) * math.copysign(1, other)) * (abs(one) // abs(other))
        case "%":
            exact = int(math.copysign(1, one)) * (abs(one) % abs(other))
        case _:
            exact = one if other < 0 and one != 1 else pow(one, max(other, 0), 1 << 64)
    result = arithmetic(left, op, right)
    assert result == wrapped(exact, signed)
    assert isinstance(result, UInt) != signed


@given(st.floats(), st.sampled_from("+-*/%^"), st.floats())
@briefly()
def test_float_arithmetic_never_raises(left: float, op: str, right: float) -> None:
    if op in "/%" and right == 0:
        return
    assert isinstance(arithmetic(left, op, right), float)


@given(values, wanted_types)
@settings(max_examples=150)
@briefly()
def test_decoding_raises_nothing_but_its_own_error(value: Any, wanted: types.Type) -> None:
    try:
        convert(value, wanted)
    except ConversionError as error:
        assert CONTENT not in str(error)
        found = value
        for step in error.path:
            found = found[step]


@given(values)
@briefly()
def test_equality_is_symmetric_and_never_raises(value: Any) -> None:
    assert values_equal(value, value) or value_text(value).find("NaN") >= 0
    assert values_equal(value, [value]) == values_equal([value], value)


@given(values, wanted_types)
@settings(max_examples=150)
@briefly()
def test_faults_never_show_a_secret(value: Any, wanted: types.Type) -> None:
    assert CONTENT not in value_text(value)
    scope = Scope({"given": value}, Stdlib({}))
    for text in (b"given", b"[given, given]", b"{a = given}", b"given + 1", b"string.join(given, given)"):
        source = Source("x", text)
        try:
            evaluate_as(parse_expression(source), wanted, source, scope)
        except DiagnosticsError as error:
            for diagnostic in error.diagnostics:
                assert CONTENT not in diagnostic.message + diagnostic.value + diagnostic.hint


NAMES = ["x", "s", "l", "o", "env", "string", "constants"]
expressions = st.recursive(
    st.sampled_from(["0", "1", "1.5", "010", '"a"', '"5"', "true", "null", "[]", "{}", *NAMES]),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%", "==", "<", "&&", "||"]), inner).map(
            " ".join
        )
        | inner.map(lambda text: f"({text})")
        | inner.map(lambda text: f"!{text}")
        | inner.map(lambda text: f"[{text}]")
        | inner.map(lambda text: f"{{a = {text}}}")
        | inner.map(lambda text: f"({text}).a")
        | st.tuples(inner, inner).map(lambda pair: f"({pair[0]})[{pair[1]}]")
        | st.tuples(
            st.sampled_from(
                [
                    "string.to_upper",
                    "string.format",
                    "coalesce",
                    "concat",
                    "encoding.from_json",
                    "encoding.from_yaml",
                    "encoding.to_json",
                    "encoding.from_base64",
                    "encoding.url_decode",
                    "json_path",
                    "array.group_by",
                    "array.combine_maps",
                ]
            ),
            st.lists(inner, max_size=3).map(", ".join),
        ).map(lambda call: f"{call[0]}({call[1]})")
    ),
    max_leaves=8,
)


@given(expressions)
@settings(max_examples=150)
@briefly()
def test_evaluation_raises_nothing_but_its_own_errors(text: str) -> None:
    variables = {"x": 5, "s": Secret(CONTENT), "l": [1, "a", None], "o": {"a": [True]}}
    source = Source("x", text.encode())
    try:
        evaluate(parse_expression(source), source, Scope(variables, Stdlib({})))
    except DiagnosticsError as error:
        (diagnostic,) = error.diagnostics
        span = diagnostic.span
        assert span is None or (span.end is not None and 0 <= span.start <= span.end < len(source.data))
    except EvaluationError:
        pass


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
@briefly()
def test_json_is_read_as_written(value: Any) -> None:
    text = encode_json(value)
    assert decode_json(text) == value
    assert JSONReader(text.encode("utf-8", "surrogateescape"), float).document() == value
    assert not re.search("[<>&\u2028\u2029]", text)


@given(st.text('{}[],:"1ae.-+ \n\\u', max_size=12))
@settings(max_examples=150)
@briefly()
def test_both_ways_to_read_json_agree(text: str) -> None:
    try:
        fast = decode_json(text)
    except JSONError as error:
        fast = str(error)
    try:
        slow = JSONReader(text.encode(), float).document()
    except JSONError as error:
        slow = str(error)
    assert fast == slow


@given(st.text("$@.*[]?()'\"0123ab,:-!=<&|~/\\ ", max_size=16))
@settings(max_examples=150)
@briefly()
def test_paths_are_read_or_refused(text: str) -> None:
    try:
        assert isinstance(parse_path(text), tuple)
    except PathError as error:
        assert str(error)
