"""Custom components: arguments, exports, scopes, nesting, and reloads of what is inside."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.graph.definitions import MAX_MODULES, TOO_MANY_MODULES
from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.fakes import World, world
from tests.support.pipeline import pipeline

pytestmark = pytest.mark.anyio

SINK = (
    'declare "sink" {\n  argument "v" { }\n  argument "o" {\n    optional = true\n    default = "dflt"\n  }\n'
    '  test.node "w" { value = argument.v.value + argument.o.value }\n'
    '  export "receiver" { value = test.node.w.receiver }\n'
    '  export "value" { value = test.node.w.value }\n}\n'
)


async def started(w: World, text: str) -> None:
    await w.load(text)
    await w.settled()
    w.taken_events()


async def test_arguments_go_in_and_exports_come_out(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await started(
            w,
            SINK + 'sink "a" { v = "x" }\ntest.node "b" {\n value = sink.a.value\n'
            " forward_to = [sink.a.receiver]\n}",
        )
        inner, outer = w.node("sink.a/test.node.w"), w.node("test.node.b")
        assert inner.arguments.value == "xdflt"
        assert outer.arguments.value == "xdflt"
        assert outer.arguments.forward_to == (inner.receiver,)
        info = w.controller.component("", "sink.a")
        assert (info.name, info.label, info.modules) == ("sink", "a", ("sink.a",))
        assert info.arguments == {"v": "x"}
        assert info.exports == {"receiver": inner.receiver, "value": "xdflt"}
        assert info.referenced_by == ("test.node.b",)
        assert w.health("sink.a") == ("healthy", "started custom component")
        [inside] = w.controller.components("sink.a")
        assert (inside.id, inside.module) == ("test.node.w", "sink.a")
        assert [(each.id, each.path) for each in w.controller.controllers()] == [("", "/"), ("sink.a", "/")]


async def test_exports_inside_move_what_depends_on_the_instance(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await started(w, SINK + 'sink "a" { v = "x" }\ntest.node "b" { value = sink.a.value }')
        w.node("sink.a/test.node.w").export("new")
        await w.settled()
        assert w.node("test.node.b").arguments.value == "new"
        assert w.controller.component("", "sink.a").exports["value"] == "new"
        assert w.taken_events() == ["prepare_update test.node.b", "update test.node.b"]


async def test_arguments_follow_what_they_refer_to(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await started(
            w,
            SINK + 'test.node "s" { value = "1" }\nsink "a" { v = test.node.s.value }\n'
            'test.node "b" { value = sink.a.value }',
        )
        w.node("test.node.s").export("2")
        await w.settled()
        assert w.node("sink.a/test.node.w").arguments.value == "2dflt"
        assert w.node("test.node.b").arguments.value == "2dflt"


async def test_a_bad_argument_later_keeps_the_module_as_it_is(tmp_path: Path) -> None:
    text = (
        'declare "d" {\n argument "n" { }\n test.node "w" { number = argument.n.value }\n}\n'
        'test.node "s" { value = "1" }\nd "a" { n = test.node.s.value }\n'
    )
    async with world(tmp_path) as w:
        await started(w, text)
        w.node("test.node.s").export("none")
        await w.settled()
        assert w.node("d.a/test.node.w").arguments.number == 1
        assert w.health("d.a")[0] == "unhealthy"
        assert w.health("test.node.w", "d.a")[0] == "healthy"
        assert w.controller.component("", "d.a").arguments == {"n": "1"}
        w.node("test.node.s").export("2")
        await w.settled()
        assert w.node("d.a/test.node.w").arguments.number == 2
        assert w.health("d.a") == ("healthy", "component evaluated")


async def test_an_unchanged_module_is_left_alone(tmp_path: Path) -> None:
    text = SINK + 'sink "a" { v = "x" }\nsink "b" { v = "y" }\n'
    async with world(tmp_path) as w:
        await started(w, text)
        result = await w.load(text)
        assert set(result.unchanged) == {"sink.a/test.node.w", "sink.b/test.node.w"}
        assert w.taken_events() == []
        result = await w.load(text.replace('"y"', '"z"'))
        assert (result.updated, result.unchanged) == (("sink.b/test.node.w",), ("sink.a/test.node.w",))


async def test_a_changed_template_changes_its_instances(tmp_path: Path) -> None:
    text = SINK + 'sink "a" { v = "x" }\n'
    async with world(tmp_path) as w:
        await started(w, text)
        changed = text.replace('test.node "w" {', 'test.node "new" { }\n  test.node "w" {\n')
        assert (await w.load(changed)).created == ("sink.a/test.node.new",)
        assert (await w.load(text)).removed == ("sink.a/test.node.new",)
        assert (await w.load("")).removed == ("sink.a/test.node.w",)
        with pytest.raises(KeyError):
            w.controller.components("sink.a")


async def test_a_fault_inside_refuses_the_reload_whole(tmp_path: Path) -> None:
    text = SINK + 'sink "a" { v = "x" }\ntest.node "b" { value = "1" }\n'
    async with world(tmp_path) as w:
        await started(w, text)
        bad = text.replace('value = "1"', 'value = "2"').replace("argument.v.value +", "[] +")
        with pytest.raises(DiagnosticsError):
            await w.load(bad)
        assert w.node("test.node.b").arguments.value == "1"
        assert w.node("sink.a/test.node.w").arguments.value == "xdflt"


async def test_nested_modules(tmp_path: Path) -> None:
    text = (
        'declare "outer" {\n argument "v" { }\n declare "inner" {\n  argument "v" { }\n'
        '  test.node "n" { value = argument.v.value }\n  export "e" { value = test.node.n.value }\n }\n'
        ' inner "i" { v = argument.v.value + "!" }\n export "e" { value = inner.i.e }\n}\n'
        'outer "o" { v = "x" }\ntest.node "z" { value = outer.o.e }\n'
    )
    async with world(tmp_path) as w:
        await started(w, text)
        assert w.node("test.node.z").arguments.value == "x!"
        assert [each.id for each in w.controller.controllers()] == ["", "outer.o", "outer.o/inner.i"]
        assert [each.path for each in w.controller.controllers()] == ["/", "/", "/outer.o"]
        assert [each.name for each in w.controller.controllers()] == ["", "outer.o", "inner.i"]
        node = w.node("outer.o/inner.i/test.node.n")
        assert (node.options.path, node.options.id) == ("/outer.o/inner.i", "test.node.n")
        node.export("deep")
        await w.settled()
        assert w.node("test.node.z").arguments.value == "deep"
        await w.controller.stop()
        events = w.taken_events()
        assert events[-2:] == ["stop test.node.z", "stop outer.o/inner.i/test.node.n"]


async def test_a_declare_uses_declares_around_it(tmp_path: Path) -> None:
    text = (
        'declare "leaf" { test.node "n" { value = "found" } }\n'
        'declare "outer" { declare "mid" { leaf "l" { } }\n mid "m" { } }\nouter "o" { }'
    )
    async with world(tmp_path) as w:
        await started(w, text)
        assert w.node("outer.o/mid.m/leaf.l/test.node.n").arguments.value == "found"


async def test_producers_inside_a_module_stop_before_consumers_outside(tmp_path: Path) -> None:
    text = (
        'declare "source" {\n argument "to" { }\n test.node "s" { forward_to = argument.to.value }\n}\n'
        'test.node "sink" { }\nsource "x" { to = [test.node.sink.receiver] }\n'
    )
    async with world(tmp_path) as w:
        await started(w, text)
        await w.load("")
        assert w.taken_events() == ["stop source.x/test.node.s", "stop test.node.sink"]


async def test_a_declare_has_the_module_path_of_its_file(tmp_path: Path) -> None:
    text = 'declare "d" { test.node "n" { value = module_path } }\nd "a" { }\n'
    text += 'test.node "r" { value = module_path }'
    async with world(tmp_path) as w:
        await started(w, text)
        assert w.node("d.a/test.node.n").arguments.value == "/etc/alloypy"
        assert w.node("test.node.r").arguments.value == "/etc/alloypy"


async def test_an_unlabelled_instance(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await started(w, 'declare "d" { test.node "n" { value = "alone" } }\nd { }')
        assert w.node("d/test.node.n").arguments.value == "alone"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            SINK + 'sink "a" { }',
            [
                (
                    "config.alloy:2:3: Failed to evaluate node for config block: "
                    'missing required argument "v" to module'
                ),
                'config.alloy:7:36: field "v" does not exist',
            ],
        ),
        (
            'declare "d" {\n argument "v" { }\n test.node "n" { value = argument.v.value }\n}\nd "a" { }',
            [
                (
                    "config.alloy:2:2: Failed to evaluate node for config block: "
                    'missing required argument "v" to module'
                ),
                'config.alloy:3:26: identifier "argument" does not exist',
            ],
        ),
        (
            SINK + 'sink "a" {\n v = "1"\n zzz = 2\n}',
            ['-: Provided argument "zzz" is not defined in the module'],
        ),
        (
            SINK + 'sink "a" {\n v = "1"\n inner { }\n}',
            ["config.alloy:13:2: nested blocks not supported here"],
        ),
        (
            'declare "d" { }\nd "a" { }',
            [
                (
                    "config.alloy:2:1: Failed to build component: loading custom component controller: "
                    'custom component config not found in the registry, namespace: "", componentName: "d"'
                )
            ],
        ),
        (
            'declare "d" {\n a = 1\n}\nd "i" { }',
            ["config.alloy:2:2: unrecognized attribute a"],
        ),
        (
            'declare "d" {\n foo.bar "x" { }\n}\nd "i" { }',
            ['config.alloy:2:2: cannot find the definition of component name "foo.bar"'],
        ),
        (
            'test.node "t" { }\ndeclare "d" {\n test.node "x" { value = test.node.t.value }\n}\nd "i" { }',
            ['config.alloy:3:26: component "test.node.t.value" does not exist or is out of scope'],
        ),
        (
            'declare "d" {\n export "e" { }\n}\nd "i" { }',
            [
                (
                    "config.alloy:2:2: Failed to evaluate node for config block: decoding configuration: "
                    'missing required attribute "value"'
                )
            ],
        ),
        (
            'declare "d" {\n logging { }\n}\nd "i" { }',
            ["config.alloy:2:2: logging block not allowed inside a module"],
        ),
        (
            SINK + 'sink "a" { v = "1" }\ntest.node "b" { value = sink.a.nope }',
            ['config.alloy:12:32: field "nope" does not exist'],
        ),
        (
            'declare "outer" { declare "inner" { test.node "n" { } } }\ninner "i" { }',
            ['config.alloy:2:1: cannot find the definition of component name "inner"'],
        ),
        (
            'import.string "m" { content = "declare \\"a\\" { a \\"x\\" { } }" }\nm.a "i" { }',
            [
                (
                    "m:1:15: Failed to build component: updating custom component: "
                    'custom component "a.x" contains itself'
                )
            ],
        ),
    ],
)
async def test_faults(tmp_path: Path, text: str, expected: list[str]) -> None:
    async with world(tmp_path) as w:
        assert await w.refused(text) == expected


async def test_an_unused_declare_may_be_broken(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await started(w, 'declare "d" {\n foo.bar "x" { }\n a = 1\n}')
        assert w.controller.unhealthy() == []


async def test_modules_nested_too_deep_are_refused(tmp_path: Path) -> None:
    levels = 'declare "l1" {\n  test.node "n" { }\n}\n'
    for level in range(1, MAX_MODULES + 1):
        levels += f'declare "l{level + 1}" {{\n  l{level} "x" {{ }}\n}}\n'
    async with world(tmp_path) as w:
        await w.load(levels + f'l{MAX_MODULES} "x" {{ }}\n')
        with pytest.raises(DiagnosticsError, match=TOO_MANY_MODULES):
            await w.load(levels + f'l{MAX_MODULES + 1} "x" {{ }}\n')
        assert len(w.controller.modules()) == MAX_MODULES + 1


async def test_a_component_called_like_the_library_is_evaluated_before_it_hides_it(tmp_path: Path) -> None:
    text = 'declare "string" {\n argument "v" { }\n test.node "n" { value = argument.v.value }\n}\n'
    async with world(tmp_path) as w:
        await w.load(text + 'string "s" { v = string.to_upper("a") }\n')
        assert w.node("string.s/test.node.n").arguments.value == "A"


async def test_a_refused_value_from_an_argument_is_reported_without_its_secret(tmp_path: Path) -> None:
    text = (
        'declare "m" {\n argument "password" { }\n local.file "f" {\n  filename = "f"\n'
        '  poll_frequency = argument.password.value\n }\n}\nm "x" { password = "hunter2" }\n'
    )
    with pytest.raises(DiagnosticsError) as caught:
        async with pipeline(text, tmp_path):
            pass
    assert "invalid duration" in str(caught.value)
    assert "hunter2" not in str(caught.value)
