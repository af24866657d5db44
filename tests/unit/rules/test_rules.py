"""Load-time rules: each is about something that exists; and some cases that the recordings lack."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.check.configuration import check_files
from alloypy.components.registry import REGISTRY
from alloypy.graph.admission import Gate
from alloypy.lang.types import Type
from alloypy.own_language import own_language
from alloypy.rules import rules_for
from alloypy.rules.body import Body
from alloypy.rules.forms import accepted_by
from alloypy.rules.pyroscope import receiver_port
from alloypy.rules.view import Rule, Undecided
from alloypy.schema.derive import spec_of
from alloypy.schema.fields import RULES
from alloypy.schema.spec import MISSING, AttributeSpec, BlockSpec, Spec
from alloypy.schema.stability import Stability
from alloypy.syntax.config_files import parse_config
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Expression

MODULES = [import_module(f"alloypy.rules.{name}") for name in (
    "clients", "relabel", "discovery", "prometheus", "loki", "otelcol",
    "pyroscope", "remote", "imports", "services",
)]  # fmt: skip
PATHS = sorted({path for module in MODULES for path in getattr(module, "BY_PATH", {})})
TYPES = sorted({name for module in MODULES for name in getattr(module, "BY_TYPE", {})})


def body_at(path: str) -> Spec:
    catalog = load_catalog()
    first, *inner = path.split("/")
    entry = catalog.component(first) or catalog.block(first) or own_language().component(first)
    assert entry is not None, path
    assert entry.arguments is not None
    spec = entry.arguments
    for name in inner:
        member = spec.groups.get(name) or spec.lookup.get(name)
        assert isinstance(member, BlockSpec), path
        spec = member.body
    return spec


def all_types() -> dict[str, list[Spec]]:
    """All bodies by the name of their Go type; packages of one name may have types of one name."""
    catalog, found, seen = load_catalog(), dict[str, list[Spec]](), set[int]()
    waiting = [e.arguments for n in catalog.component_names if (e := catalog.component(n)) is not None]
    blocks = map(catalog.block, catalog.block_names)
    waiting += [e.arguments for e in blocks if e is not None and e.arguments is not None]
    while waiting:
        spec = waiting.pop()
        if id(spec) not in seen:
            seen.add(id(spec))
            found.setdefault(spec.name, []).append(spec)
            waiting += [block.body for block in spec.blocks]
    return found


def read_nothing(expression: Expression, type_: Type) -> object:
    raise Undecided


def run_on_defaults(spec: Spec, path: str) -> None:
    for rule in rules_for(path, spec.rules):
        list(rule(Body(spec, (), read_nothing)))
        for name, accepted in accepted_by(rule).items():
            *inner, last = name.split("/")
            body = spec
            for each in inner:
                block = body.lookup[each]
                assert isinstance(block, BlockSpec)
                body = block.body
            attribute = body.lookup[last]
            assert isinstance(attribute, AttributeSpec)
            default = attribute.default if isinstance(attribute.default, list) else [attribute.default]
            assert attribute.required or inner or {MISSING, *accepted}.issuperset(default), (path, name)


@pytest.mark.parametrize("path", PATHS)
def test_a_rule_knows_the_settings_of_its_place(path: str) -> None:
    spec = body_at(path)
    assert rules_for(path, "")
    run_on_defaults(spec, path)


def test_a_rule_knows_the_settings_of_its_type() -> None:
    types = all_types()
    for name in TYPES:
        assert name in types, name
        assert rules_for("", name)
        for spec in types[name]:
            run_on_defaults(spec, "")


FOUND_OTHERWISE = {receiver_port: "claiming the socket refuses the port, in the same words"}


def declared_bodies(path: str, spec: Spec) -> Iterator[tuple[str, Spec]]:
    yield path, spec
    for block in spec.blocks:
        yield from declared_bodies(f"{path}/{block.name}", block.body)


def applied_by_class(spec: Spec) -> set[Rule]:
    """The rules that the classes of a body have checked when it is decoded."""
    squashed = (RULES.get(cls, "") for cls, _ in spec.squashed.values())
    return {rule for name in (spec.rules, *squashed) for rule in rules_for(name, name)}


DECLARED = dict(
    body for each in REGISTRY.values() for body in declared_bodies(each.name, spec_of(each.arguments))
)


@pytest.mark.parametrize("path", DECLARED)
def test_a_rule_of_what_alloypy_runs_is_known_to_its_class(path: str) -> None:
    checked = rules_for(path, body_at(path).rules)
    assert {*checked} <= {*applied_by_class(DECLARED[path]), *FOUND_OTHERWISE}


KEEPEQUAL = """loki.relabel "x" {
 forward_to = []
 rule {
 action = "keepequal"
 target_label = "a"
 regex = "b"
 }
}
"""


def faults(text: str) -> list[str]:
    checked = check_files(
        parse_config([Source("c", text.encode())]), load_catalog(), Gate(Stability.EXPERIMENTAL, True)
    )
    assert checked.as_alloy == []
    return [f"{d.span}: {d.message}" for d in checked.further if d.code == "ALY0501"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'remote.http "x" {\n url = "http://h"\n poll_frequency = "5s"\n}\n',
            ["c:3:2: poll_timeout must be less than poll_frequency"],
        ),
        (
            'remote.vault "x" {\n server = "http://h"\n path = "p"\n}\n',
            ["c:1:1: exactly one auth.* block must be specified; found none"],
        ),
        (
            'discovery.dns "x" {\n names = ["a"]\n type = "A"\n}\n',
            ["c:3:2: a port is required in DNS-SD configs for all record types except SRV"],
        ),
        ('discovery.dns "x" {\n names = ["a"]\n type = "mx"\n port = 25\n}\n', []),
        (
            'pyroscope.write "x" {\n endpoint {\n  url = "http://h"\n  http_headers = {"host" = []}\n }\n}\n',
            ['c:4:3: setting header "Host" is not allowed'],
        ),
        (
            'pyroscope.receive_http "x" {\n forward_to = []\n http {\n  listen_port = 70000\n }\n}\n',
            ["c:4:3: listen tcp: address 70000: invalid port"],
        ),
        (
            KEEPEQUAL,
            ["c:6:2: keepequal action requires only 'source_labels' and 'target_label', and no other fields"],
        ),
        (
            'otelcol.receiver.jaeger "x" {\n protocols { }\n output { }\n}\n',
            ["c:2:2: at least one protocol must be enabled"],
        ),
        (
            'loki.source.gcplog "x" {\n forward_to = []\n}\n',
            ["c:1:1: exactly one of 'push' or 'pull' must be provided"],
        ),
        (
            'prometheus.relabel "x" {\n forward_to = []\n cache_ttl = "5s"\n max_cache_size = 0\n}\n',
            ["c:3:2: cache_ttl must be at least 1m0s when set; got 5s"],
        ),
        (
            'import.git "x" {\n repository = "r"\n path = "p"\n revision = "HEAD"\n}\n',
            [
                (
                    "c:4:2: revision cannot be a special git reference such as HEAD, FETCH_HEAD, ORIG_HEAD, "
                    "MERGE_HEAD, or CHERRY_PICK_HEAD"
                )
            ],
        ),
    ],
)
def test_rules_that_the_recordings_do_not_have(text: str, expected: list[str]) -> None:
    assert faults(text) == expected


IN_MODULE = (
    'declare "m" {\n argument "token" { }\n pyroscope.write "w" {\n  endpoint {\n   url = "http://h"\n'
    '   basic_auth {\n    password = VALUE\n    password_file = "p"\n   }\n  }\n }\n}\n'
    'm "x" {\n token = GIVEN\n}\n'
)
IN_ROOT = (
    'local.file "f" {\n filename = "f"\n}\npyroscope.write "w" {\n endpoint {\n  url = "http://h"\n'
    '  basic_auth {\n   password = local.file.f.content\n   password_file = "p"\n  }\n }\n}\n'
)


@pytest.mark.parametrize(
    "text",
    [
        IN_ROOT,
        IN_MODULE.replace("VALUE", 'sys.env("TOKEN")').replace("GIVEN", '"a"'),
        IN_MODULE.replace("VALUE", "argument.token.value").replace("GIVEN", 'sys.env("TOKEN")'),
    ],
    ids=["local.file", "sys.env", "argument"],
)
def test_what_is_known_only_at_run_time_is_not_guessed(text: str) -> None:
    assert faults(text) == []


@pytest.mark.parametrize("value", ["argument.token.value", "module_path"])
def test_what_an_instance_is_given_is_known(value: str) -> None:
    text = IN_MODULE.replace("VALUE", value).replace("GIVEN", '"a"')
    assert faults(text) == ["c:8:5: at most one of basic_auth password & password_file must be configured"]
