"""Declared classes: what they say, how they decode, and what the API shows of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import pytest

from alloypy.lang import types as wanted
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.go.duration import Duration
from alloypy.lang.values import Capsule, OptionalSecret, Secret, UInt
from alloypy.schema.building import DecodeError
from alloypy.schema.check import check_body
from alloypy.schema.choices import choice
from alloypy.schema.decode import decode
from alloypy.schema.derive import spec_of
from alloypy.schema.describe import describe, type_text
from alloypy.schema.encode import encode_body, encode_value, to_values
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, block, enum, export, exports, label, squash
from alloypy.schema.json_schema import SchemaWriter
from alloypy.schema.spec import AttributeSpec, Spec
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Block


class Sink(Capsule):
    __slots__ = ()
    kind = "test.Sink"


MODE = choice("test.Mode", "fast", "slow", error="unknown mode %q")


@arguments
class Rule:
    name: str = label()
    regex: str = attribute(default="(.*)", doc="What to match.")


@arguments
class TLS:
    ca: str = attribute(default="")
    key: Secret = attribute(default=Secret(""))


@arguments
class Client:
    token: Secret | None = attribute(default=None)
    tls: TLS | None = block(default=None)

    def check(self) -> Iterator[Fault]:
        if self.token == Secret("bad"):
            yield Fault("token", "the token is bad")


@arguments
class Json:
    path: str = attribute()


@arguments
class Drop:
    what: str = attribute(default="all")


@arguments
class Arguments:
    """Arguments of the test."""

    url: str = attribute(doc="Where to send.")
    timeout: Duration = attribute(default=Duration(10_000_000_000))
    port: Annotated[int, wanted.IntType(16, signed=False)] = attribute(default=80)
    big: UInt = attribute(default=UInt(0))
    ratio: float = attribute(default=0.5)
    mode: Annotated[str, MODE] = attribute(default="fast")
    to: tuple[Sink, ...] = attribute(default=())
    headers: Mapping[str, tuple[str, ...]] = attribute(default_factory=dict)
    from_: str = attribute(default="")
    client: Client = squash(default=Client(token=Secret("preset")))
    limits: TLS = block(default=TLS(), shown=True)
    rules: tuple[Rule, ...] = block(name="rule", default=())
    pair: tuple[Drop, Drop] = block(default=(Drop(), Drop()))
    free: Mapping[str, int] = block(default_factory=dict)
    stages: tuple[Json | Drop, ...] = enum({"json": Json, "drop": Drop}, name="stage", default=())

    def check(self) -> Iterator[Fault]:
        if self.timeout <= 0:
            yield Fault("timeout", "timeout must be greater than 0")


@exports
class Exports:
    receiver: Sink = export(doc="Takes things.")
    content: OptionalSecret = export()


def decoded(text: str, cls: type[Any] = Arguments) -> Any:
    source = Source("c", f"b {{\n{text}\n}}\n".encode())
    body = parse_file(source).body[0]
    assert isinstance(body, Block)
    return decode(cls, body.body, source, Scope({"sink": Sink()}))


def test_declared_classes_are_frozen_values() -> None:
    one = Arguments(url="a")
    assert one == Arguments(url="a")
    assert one != Arguments(url="b")
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.url = "b"  # type: ignore[misc]
    with pytest.raises(TypeError):
        Arguments()  # type: ignore[call-arg]


def test_a_spec_is_made_once_and_knows_all_fields() -> None:
    spec = spec_of(Arguments)
    assert spec_of(Arguments) is spec
    assert [m.name for m in spec.required] == ["url"]
    assert "from" in spec.lookup
    assert "token" in spec.lookup
    assert sorted(spec.groups) == ["stage.drop", "stage.json"]
    assert spec.lookup["port"].type == wanted.IntType(16, signed=False)  # type: ignore[union-attr]
    assert spec.lookup["token"].secret  # type: ignore[union-attr]
    assert spec.attributes[0].doc == "Where to send."


def test_decoding_gives_the_declared_types() -> None:
    value = decoded(
        'url = "u"\ntimeout = "1m"\nto = [sink]\nheaders = {a = ["x", 1]}\nbig = 5\nfrom = "f"\n'
        'rule "a" { regex = "r" }\nrule "b" { }\nfree { x = 1 }\n'
        'stage.json { path = "p" }\nstage.drop { }\nstage.json { path = "q" }\ntls { ca = "c" }'
    )
    assert value.timeout == Duration(60_000_000_000)
    assert type(value.to) is tuple
    assert value.headers == {"a": ("x", "1")}
    assert type(value.big) is int or isinstance(value.big, UInt)
    assert value.from_ == "f"
    assert value.rules == (Rule(name="a", regex="r"), Rule(name="b"))
    assert value.free == {"x": 1}
    assert value.stages == (Json(path="p"), Drop(), Json(path="q"))
    assert value.client == Client(token=Secret("preset"), tls=TLS(ca="c"))


def test_squashed_defaults_hold_where_nothing_is_given() -> None:
    assert decoded('url = "u"').client == Client(token=Secret("preset"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('url = "u"\ntimeout = "0s"', "timeout must be greater than 0"),
        ('url = "u"\ntoken = "bad"', "the token is bad"),
        ("", 'missing required attribute "url"'),
    ],
)
def test_faults_without_a_place(text: str, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        decoded(text)


def test_a_broken_rule_names_its_field() -> None:
    with pytest.raises(DecodeError) as caught:
        decoded('url = "u"\ntoken = "bad"')
    assert caught.value.fault == Fault("token", "the token is bad")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('url = "u"\nrule { }', 'block "rule" requires non-empty label'),
        ('url = "u"\nlimits "x" { }', 'block "limits" does not support specifying labels'),
        ('url = "u"\nfree "x" { }', 'block "free" requires empty label'),
        ('url = "u"\nfree {\nx { }\n}', "nested blocks not supported here"),
        ('url = "u"\npair { }', 'block "pair" must be specified exactly 2 times, but was specified 1 times'),
        ('url = "u"\nmode = "warp"', '"warp" unknown mode "warp"'),
        ('url = "u"\nstage = 1', 'unrecognized attribute name "stage"'),
        ('url = "u"\nto = ["x"]', '"x" should be capsule, got string'),
    ],
)
def test_faults_with_a_place(text: str, message: str) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        decoded(text)
    assert [d.message for d in caught.value.diagnostics] == [message]
    assert caught.value.diagnostics[0].span is not None


def test_the_static_check_collects_everything() -> None:
    source = Source("c", b'b {\nurl = true\nnope = 1\nmode = "slwo"\nrule { zz = 1 }\npair { }\n}\n')
    body = parse_file(source).body[0]
    assert isinstance(body, Block)
    found = check_body(body, body.body, source, spec_of(Arguments))
    assert [d.message for d in found] == [
        "expected string, got bool",
        'unrecognized attribute name "nope"',
        'unknown mode "slwo"',
        'unrecognized attribute name "zz"',
        'block "pair" must be specified exactly 2 times, but was specified 1 times',
    ]
    assert found[2].hint == "did you mean `slow`?"
    assert found[3].hint == "allowed: regex"


@pytest.mark.parametrize(
    ("text", "type_", "messages"),
    [
        ("1e999", wanted.FloatType(), ['strconv.ParseFloat: parsing "1e999": value out of range']),
        ("[1, true]", wanted.ListType(wanted.StringType()), ["expected string, got bool"]),
        ("{a = true}", wanted.MapType(wanted.IntType()), ["expected number, got bool"]),
        ('!"x"', wanted.BoolType(), ["expected bool, got string"]),
        ("1 / 0", wanted.IntType(), ["divide by zero error"]),
        ('1 < "a"', wanted.BoolType(), ["expected number, got string"]),
        ("f(1)", wanted.BoolType(), []),
        ("(true)", wanted.IntType(), []),
        ("null", wanted.IntType(), []),
        ("[]", wanted.NullableType(wanted.ListType(wanted.AnyType())), []),
        ("[1]", wanted.BytesType(), []),
    ],
)
def test_literals_against_types(text: str, type_: wanted.Type, messages: list[str]) -> None:
    source = Source("c", f"b {{\na = {text}\n}}\n".encode())
    body = parse_file(source).body[0]
    assert isinstance(body, Block)
    found = check_body(body, body.body, source, Spec("b", (AttributeSpec("a", type_, required=True),)))
    assert [d.message for d in found] == messages


def names(body: list[Any]) -> list[str]:
    return [statement["name"] for statement in body]


def test_the_api_shows_what_differs_from_the_default() -> None:
    body = encode_body(Arguments(url="u", port=81, rules=(Rule(name="a"),), stages=(Drop(what="x"),)))
    assert names(body) == ["url", "port", "limits", "rule", "stage.drop"]
    assert body[1] == {"name": "port", "type": "attr", "value": {"type": "number", "value": 81}}
    assert body[2] == {"name": "limits", "type": "block", "body": []}
    assert body[3] == {"name": "rule", "type": "block", "label": "a", "body": []}


def test_blocks_that_show_their_defaults() -> None:
    @arguments(shows_defaults=True)
    class Server:
        port: int = attribute(default=8080)
        address: str = attribute(default="")
        limits: TLS = block(default=TLS())

    assert names(encode_body(Server())) == ["port", "limits"]
    assert names(encode_body(Server(port=0))) == ["limits"]


def test_the_api_never_shows_a_secret() -> None:
    value = Arguments(
        url="u", client=Client(token=Secret("hush-hush"), tls=TLS(key=Secret("hush-hush"))), limits=TLS()
    )
    assert "hush-hush" not in repr(encode_body(value))
    assert "hush-hush" not in repr(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, {"type": "null", "value": None}),
        (True, {"type": "bool", "value": True}),
        (2.0, {"type": "number", "value": 2}),
        (2.5, {"type": "number", "value": 2.5}),
        (Duration(120_000_000_000), {"type": "string", "value": "2m0s"}),
        ((1, 2), {"type": "array", "value": [{"type": "number", "value": n} for n in (1, 2)]}),
        ({"b": 1, "a": 2}, {
            "type": "object",
            "value": [
                {"key": "a", "value": {"type": "number", "value": 2}},
                {"key": "b", "value": {"type": "number", "value": 1}},
            ],
        }),
        (Secret("x"), {"type": "capsule", "value": "(secret)"}),
        (OptionalSecret("x", False), {"type": "capsule", "value": '"x"'}),
        (Sink(), {"type": "capsule", "value": 'capsule("test.Sink")'}),
    ],
)  # fmt: skip
def test_values_as_the_api_writes_them(value: object, expected: object) -> None:
    assert encode_value(value) == expected


def test_exports_become_values() -> None:
    sink, content = Sink(), OptionalSecret("c", False)
    assert to_values(Exports(receiver=sink, content=content)) == {"receiver": sink, "content": content}
    assert names(encode_body(Exports(receiver=sink, content=content))) == ["receiver", "content"]


def test_a_description_says_all() -> None:
    described = describe(spec_of(Arguments))
    url, timeout = described["attributes"][:2]
    assert url == {
        "name": "url",
        "type": "string",
        "required": True,
        "secret": False,
        "doc": "Where to send.",
    }
    assert timeout["default"] == "10s"
    mode = next(a for a in described["attributes"] if a["name"] == "mode")
    assert mode["values"] == ["fast", "slow"]
    rule = next(b for b in described["blocks"] if b["name"] == "rule")
    assert rule["repeated"]
    assert rule["body"]["label"]


def test_types_have_a_notation() -> None:
    assert type_text(wanted.MapType(wanted.ListType(wanted.SecretType()))) == "map(list(secret))"
    assert type_text(wanted.NullableType(wanted.IntType(16, signed=False))) == "uint16"
    assert type_text(wanted.CapsuleType(Sink)) == "capsule(test.Sink)"


def test_json_schema_of_a_class() -> None:
    writer = SchemaWriter()
    reference = writer.reference(spec_of(Arguments))
    schema = writer.definitions["Arguments"]
    assert reference == {"$ref": "#/$defs/Arguments"}
    assert schema["required"] == ["url"]
    assert schema["properties"]["port"] == {"type": "integer", "minimum": 0, "maximum": 65535, "default": 80}
    assert schema["properties"]["mode"]["enum"] == ["fast", "slow"]
    assert schema["properties"]["token"] == {"type": "string", "writeOnly": True, "default": "(secret)"}
    assert schema["properties"]["pair"]["minItems"] == 2
    assert writer.definitions["Rule"]["required"] == ["$label"]


def test_declarations_without_meaning_are_refused() -> None:
    @arguments
    class Odd:
        what: complex = attribute(default=1j)

    @arguments
    class Twice:
        a: str = attribute(default="")
        b: str = attribute(name="a", default="")

    @dataclasses.dataclass
    class Plain:
        a: str = ""

    for cls in (Odd, Twice, Plain, int):
        with pytest.raises(TypeError):
            spec_of(cls)
