"""discovery.relabel: its output follows its targets and rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.components.discovery import relabel
from alloypy.components.discovery.relabel import Arguments, relabelled
from alloypy.components.relabel_rule import RuleArguments
from alloypy.lang.targets import Target
from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.pipeline import Pipeline, pipeline
from tests.support.watchdog import watching

pytestmark = pytest.mark.anyio


def of(targets: str, *rules: str) -> str:
    blocks = "".join(f"  rule {{\n{rule}\n  }}\n" for rule in rules)
    return f'discovery.relabel "r" {{\n  targets = {targets}\n{blocks}}}\n'


def output(running: Pipeline, name: str = "r") -> list[dict[str, str]]:
    exported = running.controller.component("", f"discovery.relabel.{name}").exports
    assert isinstance(exported, relabel.Exports)
    return [dict(target.labels) for target in exported.output]


async def refused(text: str, storage: Path) -> str:
    with pytest.raises(DiagnosticsError) as caught:
        async with pipeline(text, storage):
            pass
    return caught.value.diagnostics[0].message


async def test_another_component_sees_the_output_within_the_same_load(tmp_path: Path) -> None:
    text = of('[{ "a" = "1" }, { "a" = "" }]', ' source_labels = ["a"]\n target_label = "größe"')
    text += 'discovery.relabel "s" {\n targets = discovery.relabel.r.output\n}\n'
    async with pipeline(text, tmp_path) as running:
        assert output(running, "s") == [{"a": "1", "größe": "1"}, {}]
        await running.load(text.replace('"1"', '"2"'))
        assert output(running, "s") == [{"a": "2", "größe": "2"}, {}]


async def test_keys_of_objects_are_read_like_strings(tmp_path: Path) -> None:
    async with pipeline(of(r'[{ "gr\u00f6\u00dfe" = 1, "a\"b" = 2 }]'), tmp_path) as running:
        assert output(running) == [{"größe": "1", 'a"b': "2"}]


@pytest.mark.parametrize(
    ("value", "kind"), [("[1]", "an array"), ("{ a = 1 }", "an object"), ("coalesce", "a function")]
)
async def test_values_without_a_text_are_refused(value: str, kind: str, tmp_path: Path) -> None:
    message = await refused(of(f'[{{ "x" = 1, "y" = {value} }}]'), tmp_path)
    assert f'label "y" of a target is {kind}, expected a string, a number or a bool' in message


async def test_an_expression_that_breaks_out_of_its_group_is_refused(tmp_path: Path) -> None:
    message = await refused(of("[]", ' regex = "a)|(b"\n action = "labeldrop"'), tmp_path)
    assert "error parsing regexp: unexpected ): `a)|(b`" in message
    async with pipeline(of("[]", r' regex = "\\)[)]()"' + '\n action = "labeldrop"'), tmp_path):
        pass


async def test_a_label_that_grows_without_end_is_refused_and_the_old_output_stays(tmp_path: Path) -> None:
    double = ' source_labels = ["a", "a"]\n target_label = "a"'
    async with pipeline(of('[{ "a" = "1" }]'), tmp_path) as running:
        with pytest.raises(DiagnosticsError, match="more than 1048576 bytes"):
            await running.load(of('[{ "a" = "1" }]', *[double] * 25))
        assert output(running) == [{"a": "1"}]


def targets(first: int, last: int) -> tuple[Target, ...]:
    return tuple(Target({"__address__": f"10.0.0.1:{port}"}, {"job": "x"}) for port in range(first, last))


RULE = RuleArguments(source_labels=("__address__",), regex=None, target_label="instance")


async def test_what_is_known_is_not_made_again() -> None:
    before = await relabelled(Arguments(targets=targets(0, 3), rules=(RULE,)))
    after = await relabelled(Arguments(targets=targets(1, 4), rules=(RULE,)), before)
    assert [one is other for one, other in zip(after.exports.output, before.exports.output[1:], strict=False)]
    assert len(after.results) == 3
    other = await relabelled(Arguments(targets=targets(0, 3)), before)
    assert dict(other.exports.output[0].labels) == {"__address__": "10.0.0.1:0", "job": "x"}


async def test_many_targets_do_not_hold_the_loop() -> None:
    given = Arguments(targets=targets(0, 3_000), rules=(RULE,) * 3)
    with watching():
        found = await relabelled(given)
    assert len(found.exports.output) == 3_000
