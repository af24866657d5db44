"""Random sequences of good and bad reloads: what runs is always what the last good one says.

A fresh start with that configuration gives the same graph, and nothing leaks.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from alloypy.runtime.contract.component import Stability
from alloypy.runtime.controller import Controller
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.nesting import allow_recursion
from tests.support.fakes import EVENTS, NODES, options, parsed

allow_recursion()  # hypothesis watches the recursion limit, so set it before hypothesis looks

LABELS = ("a", "b", "c", "d")


class Component(NamedTuple):
    """One component of a drawn configuration; it may refer to those before it."""

    value: str
    source: int
    receivers: tuple[int, ...]
    listens: bool
    fail: str
    module: bool


components = st.builds(
    Component,
    value=st.sampled_from(("x", "y", "z")),
    source=st.integers(-1, 3),
    receivers=st.lists(st.integers(0, 3), max_size=2).map(tuple),
    listens=st.booleans(),
    fail=st.just(""),
    module=st.booleans(),
)
configurations = st.lists(components, max_size=len(LABELS))

DECLARE = (
    'declare "part" {\n  argument "value" { }\n  argument "to" { }\n'
    '  test.node "inner" {\n    value = argument.value.value\n    forward_to = argument.to.value\n  }\n'
    '  export "value" { value = test.node.inner.value }\n'
    '  export "receiver" { value = test.node.inner.receiver }\n}\n'
)


def reference(chosen: list[Component], number: int, name: str) -> str:
    kind = "part" if chosen[number].module else "test.node"
    return f"{kind}.{LABELS[number]}.{name}"


def rendered(chosen: list[Component], extra: str = "") -> str:
    """The text of a configuration; references to what does not come before are left out."""
    text = DECLARE
    for number, component in enumerate(chosen):
        value = f'"{component.value}"'
        if 0 <= component.source < number:
            value = f"{reference(chosen, component.source, 'value')} + {value}"
        to = ", ".join(reference(chosen, each, "receiver") for each in component.receivers if each < number)
        label = LABELS[number]
        if component.module:
            text += f'part "{label}" {{\n  value = {value}\n  to = [{to}]\n}}\n'
            continue
        listen = "  listen { }\n" if component.listens else ""
        fail = f'  fail = ["{component.fail}"]\n' if component.fail else ""
        text += f'test.node "{label}" {{\n  value = {value}\n  forward_to = [{to}]\n{listen}{fail}}}\n'
    return text + extra


def picture(controller: Controller) -> list[Any]:
    """The graph with what its components were given, receivers by the id of their owners."""
    pictures: list[Any] = []
    for each in controller.controllers():
        for info in controller.components(each.id):
            values = info.arguments if isinstance(info.arguments, dict) else _fields(info.arguments)
            pictures.append((info.module, info.id, info.references, info.data_flow, sorted(values)))
            pictures.append(sorted(_plain(value) for value in values.values()))
    return pictures


def _fields(arguments: Any) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in type(arguments).__slots__}


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return str([getattr(getattr(each, "owner", None), "global_id", each) for each in value])
    return str(value)


class Reloads(RuleBasedStateMachine):
    """A controller that is reloaded, well and badly."""

    def __init__(self) -> None:
        super().__init__()
        NODES.clear()
        EVENTS.clear()
        self.loop = asyncio.new_event_loop()
        self.directory = tempfile.TemporaryDirectory()
        self.descriptors = _descriptors()
        self.controller = self.made()
        self.run(self.controller.__aenter__())
        self.good: list[Component] | None = None

    def made(self) -> Controller:
        return Controller(options(Path(self.directory.name), stability=Stability.EXPERIMENTAL))

    def run(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(awaitable)

    def load(self, controller: Controller, text: str) -> bool:
        async def load() -> bool:
            try:
                await controller.load(parsed(text), "/etc")
            except DiagnosticsError:
                return False
            finally:
                await _settled()
            return True

        return bool(self.run(load()))

    def teardown(self) -> None:
        self.run(self.controller.stop())
        left = [task for task in asyncio.all_tasks(self.loop) if not task.done()]
        descriptors = _descriptors()
        self.loop.close()
        self.directory.cleanup()
        assert left == []
        assert descriptors == self.descriptors

    @rule(chosen=configurations)
    def good_reload(self, chosen: list[Component]) -> None:
        assert self.load(self.controller, rendered(chosen))
        self.good = chosen

    @rule()
    @precondition(lambda self: self.good is not None)
    def the_same_again(self) -> None:
        assert self.good is not None
        before = list(EVENTS)
        assert self.load(self.controller, rendered(self.good))
        assert before == EVENTS

    @rule(
        chosen=configurations,
        extra=st.sampled_from(
            (
                "nope = 1\n",
                'unknown "x" { }\n',
                'test.node "n" { value = test.node.nowhere.value }\n',
                'test.node "n" { value = test.node.n.value }\n',
                'test.node "n" { value = [] }\n',
                'part "n" { }\n',
                'test.node "n" { fail = ["init"] }\n',
                'test.node "n" { fail = ["prepare"] }\n',
                'test.node "n" {\n  listen { address = "not an ip" }\n}\n',
                "logging { level = 1 }\n",
            )
        ),
    )
    def bad_reload(self, chosen: list[Component], extra: str) -> None:
        before = picture(self.controller)
        assert not self.load(self.controller, rendered(chosen, extra))
        assert picture(self.controller) == before

    @rule(fail=st.sampled_from(("prepare_update", "update")), value=st.sampled_from(("x", "y", "z")))
    @precondition(lambda self: self.good and not self.good[0].module)
    def reload_refused_by_a_component(self, fail: str, value: str) -> None:
        assert self.good
        before = picture(self.controller)
        chosen = [self.good[0]._replace(fail=fail, value=value), *self.good[1:]]
        assert not self.load(self.controller, rendered(chosen))
        assert picture(self.controller) == before

    @rule(value=st.sampled_from(("x", "y", "z")))
    @precondition(lambda self: self.good and not self.good[0].module)
    def export(self, value: str) -> None:
        """A component exports another value, then the configured one again."""
        node = next(each for each in reversed(NODES) if each.global_id == "test.node.a")
        for exported in (value, node.arguments.value):
            node.export(exported)
            self.run(_settled())

    @invariant()
    def runs_what_the_last_good_configuration_says(self) -> None:
        if self.good is None:
            assert self.controller.components() == []
            return
        for info in self.controller.components():
            assert info.health.state.text == "healthy", info
        fresh = self.made()
        self.run(fresh.__aenter__())
        try:
            assert self.load(fresh, rendered(self.good))
            assert picture(fresh) == picture(self.controller)
        finally:
            self.run(fresh.stop())


async def _settled() -> None:
    for _ in range(60):
        await asyncio.sleep(0)


def _descriptors() -> int:
    here = Path("/proc/self/fd")
    return len(list(here.iterdir())) if here.exists() else 0


TestReloads = Reloads.TestCase
TestReloads.settings = settings(max_examples=25, stateful_step_count=12)
