"""From blocks to a graph: nodes, edges, and Alloy's words for what is wrong."""

from __future__ import annotations

import pytest

from alloypy.catalog.on_demand import ON_DEMAND
from alloypy.graph.admission import Gate, Gates
from alloypy.graph.build import Built, Surroundings, build
from alloypy.graph.dataflow import data_flow
from alloypy.graph.definitions import Definitions
from alloypy.graph.nodes import SERVICE_NAMES, Kind
from alloypy.graph.sections import root_sections
from alloypy.graph.texts import NOT_RUN_HINT
from alloypy.schema.stability import Stability
from alloypy.schema.vocabulary import NO_VOCABULARY, Vocabulary
from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.fakes import REGISTRY, parsed


def built(
    *texts: str,
    stability: Stability = Stability.GENERALLY_AVAILABLE,
    community: bool = False,
    root: bool = True,
    arguments: tuple[str, ...] = (),
    vocabulary: Vocabulary = NO_VOCABULARY,
) -> Built:
    surroundings = Surroundings(root, Definitions(None, {"module_path": "."}), arguments)
    gates = Gates(REGISTRY, Gate(stability, community), vocabulary)
    return build(root_sections(parsed(*texts)), surroundings, gates)


def faults(*texts: str, **changes: object) -> list[str]:
    return [str(each) for each in built(*texts, **changes).diagnostics]  # type: ignore[arg-type]


def test_a_component_that_only_alloy_has() -> None:
    text = 'loki.write "w" { }\nhttp "x" { }'
    assert [(each.message, each.hint) for each in built(text, vocabulary=ON_DEMAND).diagnostics] == [
        ('alloypy does not run the component "loki.write"', NOT_RUN_HINT),
        ('cannot find the definition of component name "http"', ""),
    ]
    assert built(text).diagnostics[0].message == 'cannot find the definition of component name "loki.write"'


def test_what_exists_without_a_block() -> None:
    graph = built("").graph
    assert {node.id for node in graph} == {*SERVICE_NAMES, "logging", "tracing"}
    assert all(node.span is None and node.body == () for node in graph)


def test_a_module_has_only_its_own_blocks() -> None:
    graph = built('test.node "a" { }', root=False).graph
    assert [node.id for node in graph] == ["test.node.a"]


def test_kinds_and_ids() -> None:
    graph = built(
        'declare "d" { }\nlogging { }\nimport.string "m" { content = "" }\ntest.node "a" { }\n'
        'd "i" { }\nm.x "j" { }\nd { }\nhttp { }\n'
    ).graph
    kinds = {node.id: node.kind for node in graph if node.block is not None}
    assert kinds == {
        "http": Kind.SERVICE,
        "declare.d": Kind.DECLARE,
        "logging": Kind.LOGGING,
        "import.string.m": Kind.IMPORT,
        "test.node.a": Kind.COMPONENT,
        "d.i": Kind.CUSTOM,
        "m.x.j": Kind.CUSTOM,
        "d": Kind.CUSTOM,
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('foo.bar "x" { }', ['config.alloy:1:1: cannot find the definition of component name "foo.bar"']),
        ('http "x" { }', ['config.alloy:1:1: cannot find the definition of component name "http"']),
        ("test.node { }", ['config.alloy:1:1: component "test.node" must have a label']),
        (
            'test.node "a" { }\ntest.node "a" { }\n test.node "a" { }',
            [
                "config.alloy:2:1: block test.node.a already declared at config.alloy:1:1",
                "config.alloy:3:2: block test.node.a already declared at config.alloy:1:1",
            ],
        ),
        (
            "http { }\nhttp { }",
            ['config.alloy:2:1: duplicate definition of "http"'],
        ),
        (
            'test.preview "a" { }',
            [
                (
                    'config.alloy:1:1: component "test.preview" is at stability level "public-preview", '
                    "which is below the minimum allowed stability level "
                    '"generally-available". Use --stability.level '
                    'command-line flag to enable "public-preview" features'
                )
            ],
        ),
        (
            'foreach "f" { }',
            [
                (
                    'config.alloy:1:1: config block "foreach" is at stability level "experimental", which is '
                    'below the minimum allowed stability level "generally-available". Use --stability.level '
                    'command-line flag to enable "experimental" features'
                )
            ],
        ),
        (
            'test.community "a" { }',
            [
                (
                    'config.alloy:1:1: the component "test.community" is a community component. Use the '
                    "--feature.community-components.enabled command-line flag to enable community components"
                )
            ],
        ),
        (
            'test.node "a" { value = test.node.b.value }',
            ['config.alloy:1:25: component "test.node.b.value" does not exist or is out of scope'],
        ),
        (
            'test.node "a" { value = nope("x") }',
            ['config.alloy:1:25: component "nope" does not exist or is out of scope'],
        ),
        (
            'test.node "a" { value = array.combine_maps([], [], []) }',
            [
                (
                    'config.alloy:1:25: array.combine_maps is at stability level "experimental", which is '
                    'below the minimum allowed stability level "generally-available". Use --stability.level '
                    'command-line flag to enable "experimental" features'
                )
            ],
        ),
        ('test.node "a" { value = test.node.a.value }', ["-: self reference: test.node.a"]),
        (
            'test.node "a" { value = test.node.b.value }\ntest.node "b" { value = test.node.a.value }',
            ["-: cycle: test.node.a, test.node.b"],
        ),
        ('argument "a" { }', ["config.alloy:1:1: argument blocks only allowed inside a module"]),
        ('export "a" { }', ["config.alloy:1:1: export blocks only allowed inside a module"]),
        ('declare "declare" { }', ["config.alloy:1:1: 'declare' is not a valid label for a declare block"]),
        ('declare "d" { d "x" { } }', ["-: self reference: declare.d"]),
        (
            'declare "a" { b "x" { } }\ndeclare "b" { a "x" { } }',
            ["-: cycle: declare.a, declare.b"],
        ),
        (
            'declare "a" { }\ndeclare "a" { }',
            ["config.alloy:2:1: block declare.a already declared at config.alloy:1:1"],
        ),
        (
            "logging { }\nlogging { }",
            ["config.alloy:2:1: block logging already declared at config.alloy:1:1"],
        ),
    ],
)
def test_faults(text: str, expected: list[str]) -> None:
    assert faults(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("logging { }", ["config.alloy:1:1: logging block not allowed inside a module"]),
        ("tracing { }", ["config.alloy:1:1: tracing block not allowed inside a module"]),
        ("http { }", ['config.alloy:1:1: service blocks not allowed inside a module: "http"']),
    ],
)
def test_faults_inside_a_module(text: str, expected: list[str]) -> None:
    assert faults(text, root=False) == expected


def test_arguments_the_module_does_not_have() -> None:
    text = 'argument "b" { }'
    assert faults(text, root=False, arguments=("a", "b")) == [
        '-: Provided argument "a" is not defined in the module'
    ]


def test_all_phases_are_reported_in_their_order() -> None:
    text = (
        'test.node "r" { value = test.node.r.value\n forward_to = [test.node.zz.receiver] }\n'
        'foo.bar "x" { }\ndeclare "d" { }\ndeclare "d" { }\nargument "a" { }\n'
    )
    assert [each.split(": ", 1)[1][:12] for each in faults(text)] == [
        "block declar",
        "argument blo",
        "cannot find ",
        'component "t',
        "self referen",
    ]


def test_a_fault_keeps_later_config_blocks_out() -> None:
    text = 'logging { }\nlogging { }\nimport.string "m" { content = "" }\nm.x "a" { }'
    assert faults(text) == [
        "config.alloy:2:1: block logging already declared at config.alloy:1:1",
        'config.alloy:4:1: cannot find the definition of component name "m.x"',
    ]


def test_files_make_one_namespace() -> None:
    assert faults('test.node "a" { }', 'test.node "a" { }') == [
        "b.alloy:1:1: block test.node.a already declared at config.alloy:1:1"
    ]


def test_the_first_attribute_of_every_file_is_a_fault() -> None:
    with pytest.raises(DiagnosticsError) as caught:
        built("a = 1\nb = 2\n", "c = 3\n")
    assert [str(each) for each in caught.value.diagnostics] == [
        "config.alloy:1:1: unrecognized attribute a",
        "b.alloy:1:1: unrecognized attribute c",
    ]


def test_spans_end_as_in_alloy() -> None:
    found = built('test.node "abc" { }\n\ntest.node "abc" {\n}\nfoo "y" { }').diagnostics
    ends = [each.span and each.span.end_position for each in found]
    assert ends == [(3, 13), (5, 3)]


def test_a_custom_component_may_not_take_the_id_of_another_block() -> None:
    text = 'import.string "foreach" { content = "" }\nforeach "a" { }\nforeach.a { }'
    assert faults(text, stability=Stability.EXPERIMENTAL) == [
        "config.alloy:3:1: block foreach.a already declared at config.alloy:2:1"
    ]


def test_gates_admit() -> None:
    assert faults('test.preview "a" { }', stability=Stability.PUBLIC_PREVIEW) == []
    assert faults('test.community "a" { }', community=True) == []
    assert faults('foreach "f" { }', stability=Stability.EXPERIMENTAL) == []


def test_custom_components_depend_on_what_their_declare_uses() -> None:
    graph = built(
        'import.string "m" { content = "" }\ndeclare "inner" { }\n'
        'declare "outer" { inner "x" { }\n declare "deep" { m.y "z" { } } }\nouter "o" { }\nm.y "p" { }'
    ).graph

    def needs(node_id: str) -> list[str]:
        return [node.id for node in graph.dependencies(node_id)]

    assert needs("declare.outer") == ["declare.inner", "import.string.m"]
    assert needs("outer.o") == ["declare.inner", "import.string.m"]
    assert needs("m.y.p") == ["import.string.m"]


def test_a_foreach_depends_on_what_its_template_names_and_reports_nothing_of_it() -> None:
    result = built(
        'test.node "a" { }\nforeach "f" {\n collection = [1]\n var = "it"\n template {\n'
        ' test.node "x" { value = it + test.node.a.value + nowhere.at.all }\n }\n}',
        stability=Stability.EXPERIMENTAL,
    )
    assert result.diagnostics == ()
    assert [node.id for node in result.graph.dependencies("foreach.f")] == ["test.node.a"]


def test_notices() -> None:
    result = built('test.node "a" { value = env("X") }\ndeclare "env" { test.node "a" { } }\nenv "b" { }')
    assert [(each.message[:30], each.fields) for each in result.notices] == [
        ("this stdlib function is deprec", {"function": "env"})
    ]
    shadowed = built('declare "env" { }\nenv { }\ntest.node "a" { value = env.x }')
    assert [(each.message, each.fields) for each in shadowed.notices] == [
        ("a component is shadowing an existing stdlib name", {"component": "env", "stdlib_name": "env"})
    ]


def test_an_empty_declare_cannot_be_instantiated() -> None:
    definitions = built('declare "empty" { }\ndeclare "full" { test.node "a" { } }').definitions
    assert definitions.is_custom("empty")
    assert definitions.find("", "empty") is None
    assert definitions.find("", "full") is not None
    assert definitions.find("ns", "full") is None


def test_data_flows_towards_the_owner_of_a_receiver_and_away_from_other_exports() -> None:
    graph = built(
        'test.node "sink" { }\ntest.node "relay" { forward_to = [test.node.sink.receiver, '
        "test.node.sink.receiver]\n value = test.node.source.value }\n"
        'test.node "source" { }\ntest.node "odd" { number = test.node.source.value.inner }'
    ).graph
    assert data_flow(graph, REGISTRY) == {
        "test.node.sink": [],
        "test.node.relay": ["test.node.sink", "test.node.sink"],
        "test.node.source": ["test.node.relay"],
        "test.node.odd": [],
    }
