"""What is done about each listed change, by its id; other removed settings become comments.

A recipe returns no changes where a person has to decide, for instance because the new setting is given, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from alloypy.catalog.history import Breaking
from alloypy.catalog.versions import Version
from alloypy.check.versions.fixes.editing import Editor
from alloypy.check.versions.listed import STILL_ACCEPTED
from alloypy.check.versions.uses import Body, NodeUse
from alloypy.syntax.diagnostics import Edit
from alloypy.syntax.tree import Attribute, Block, Literal, Statement


class Place(NamedTuple):
    """What is to be changed. statement: what is written; the whole block for a component."""

    entry: Breaking
    statement: Statement
    body: Body
    end: Version
    edit: Editor

    @property
    def use(self) -> NodeUse:
        """The component around it."""
        return self.body.node

    @property
    def value(self) -> str:
        """The value of an attribute as written."""
        return self.edit.text(self.statement.value) if isinstance(self.statement, Attribute) else ""

    @property
    def why(self) -> str:
        """Why a setting is a comment now."""
        remedy = self.entry.remedy or "remove it."
        if self.entry.kind == "deprecated" or self.entry.id in STILL_ACCEPTED:
            return f"This has no effect from Alloy {self.entry.version} on: {remedy}"
        return f"Alloy {self.entry.version} does not have this any more: {remedy}"


Recipe = Callable[[Place], list[Edit]]


def renamed(name: str) -> Recipe:
    """Only the name changes."""

    def recipe(place: Place) -> list[Edit]:
        if place.body.gives(name) and not _repeatable(place, name):
            return []
        return [place.edit.rename(place.statement, name)]

    return recipe


def _repeatable(place: Place, name: str) -> bool:
    path = f"{place.body.path}/{name}".lstrip("/")
    known = place.use.entry.path(path)
    return known is not None and bool(known.repeated)


def listed_as(name: str) -> Recipe:
    """One value becomes a list of one."""

    def recipe(place: Place) -> list[Edit]:
        if place.body.gives(name) or not isinstance(place.statement, Attribute):
            return []
        edits = place.edit.surround(place.statement.value, "[", "]")
        return [place.edit.rename(place.statement, name), *edits]

    return recipe


def removed(place: Place) -> list[Edit]:
    """It had no effect; if there are comments about it, they and the statement become one."""
    if place.edit.is_commented(place.statement):
        return commented(place)
    return [place.edit.remove(place.statement)]


def commented(place: Place) -> list[Edit]:
    """Nothing takes its place."""
    return [place.edit.comment_out(place.statement, place.why)]


class _Line(NamedTuple):
    """An attribute as it stands elsewhere. whole: with its comments but those above it. bare: without."""

    whole: str
    bare: str


def _into(place: Place, line: _Line, blocks: Sequence[str], names: Sequence[str]) -> list[Edit]:
    """An attribute moves into blocks, but for those that give one of some names; its comments go once."""
    edits: list[Edit] = []
    bodies = {block: place.body.inner(block) for block in blocks}
    new = [block for block, inner in bodies.items() if not inner]
    old = [inner[0] for inner in bodies.values() if inner and not any(map(inner[0].gives, names))]
    if not new and not old:
        return removed(place)  # the blocks decide for themselves
    if new:
        lines = [place.edit.block(block, [line.bare if at else line.whole]) for at, block in enumerate(new)]
        edits.append(place.edit.replace(place.statement, chain.from_iterable(lines)))
    else:
        edits.append(place.edit.take(place.statement))
        edits += place.edit.append(old.pop(0).block, [*place.edit.above(place.statement), line.whole])
    for inner in old:
        edits += place.edit.append(inner.block, [line.bare])
    return edits


def into(*blocks: str, name: str = "") -> Recipe:
    """An attribute at the top of a component moves into blocks, under its name or another one."""

    def recipe(place: Place) -> list[Edit]:
        statement = place.statement
        if not isinstance(statement, Attribute):
            return []
        new = name or statement.name.name
        line = _Line(place.edit.renamed(statement, new), f"{new} = {place.edit.bare(statement.value)}")
        return _into(place, line, blocks, [new])

    return recipe


def to_top(name: str) -> Recipe:
    """An attribute in a block moves to the top of the component."""

    def recipe(place: Place) -> list[Edit]:
        top, statement = place.use.bodies[0], place.statement
        if top.gives(name) or not isinstance(statement, Attribute):
            return []
        lines = [*place.edit.above(statement), place.edit.renamed(statement, name)]
        return [place.edit.before(place.body.block, lines), place.edit.take(statement)]

    return recipe


def _parallelism(place: Place) -> list[Edit]:
    if not isinstance(place.statement, Attribute):
        return []
    line = place.edit.renamed(place.statement, "max_connections")
    return [place.edit.replace(place.statement, place.edit.block("parallelism", [line]))]


_PARTITIONS = {
    "minute": "year=%Y/month=%m/day=%d/hour=%H/minute=%M",
    "hour": "year=%Y/month=%m/day=%d/hour=%H",
}


def _partition(place: Place) -> list[Edit]:
    pattern = _PARTITIONS.get(_string(place.statement))
    if pattern is None or place.body.gives("s3_partition_format"):
        return []
    return _valued(place, "s3_partition_format", f'"{pattern}"')


def _valued(place: Place, name: str, value: str) -> list[Edit]:
    """Another name and another value."""
    if not isinstance(place.statement, Attribute):
        return []
    old = place.statement.value
    return [place.edit.rename(place.statement, name), Edit(old.start, old.end + 1, value)]


def _sized(name: str) -> Recipe:
    def recipe(place: Place) -> list[Edit]:
        if place.body.gives(name):
            return []
        edits = [place.edit.rename(place.statement, name)]
        other = {"max_size": "min_size_items", "min_size": ""}[name]
        if not place.body.gives("sizer") and not (other and place.body.gives(other)):
            edits.append(place.edit.next(place.statement, ['sizer = "items"']))
        return edits

    return recipe


_PROPAGATION = {"true": '"all"', "false": '"disabled"'}


def _propagation(place: Place) -> list[Edit]:
    value = _PROPAGATION.get(place.value)
    if value is None or place.body.gives("context_propagation"):
        return []
    return _valued(place, "context_propagation", value)


_SIGNALS = ("logs", "metrics", "traces")


def _kafka_topic(place: Place) -> list[Edit]:
    """One topic for all signals becomes a list for each signal that is used."""
    statement = place.statement
    if not isinstance(statement, Attribute):
        return []
    outputs = place.body.inner("output")
    signals = [signal for signal in _SIGNALS if any(each.gives(signal) for each in outputs)]
    listed = place.edit.surround(statement.value, "[", "]")
    whole = place.edit.renamed(statement, "topics", listed)
    line = _Line(whole, f"topics = [{place.edit.bare(statement.value)}]")
    return _into(place, line, signals or _SIGNALS, ["topics", "topic"])


_ITEMS = {"min_size_items": "min_size", "max_size_items": "max_size"}


def _batcher(place: Place) -> list[Edit]:
    """The settings of the batcher move to the batch of the sending queue."""
    edit, block = place.edit, place.statement
    queues = place.use.bodies[0].inner("sending_queue")
    if not isinstance(block, Block):
        return []
    if any(queue.gives("batch") for queue in queues):
        return commented(place)  # which of the two has to go is for people
    edits: list[Edit] = []
    given = set()
    for statement in block.body:
        name = statement.name.name if isinstance(statement, Attribute) else statement.full_name
        if name == "enabled" and isinstance(statement, Attribute):
            if edit.text(statement.value) != "true":
                return commented(place)
            with_comment = edit.is_commented(statement)
            why = "A batch is always enabled."
            edits.append(edit.comment_out(statement, why) if with_comment else edit.remove(statement))
        elif name in _ITEMS:
            edits.append(edit.rename(statement, _ITEMS[name]))
        given.add(name)
    batch = edit.block(edit.head(block, "batch"), [*edit.content(block, edits), *_further(given)])
    lines = [*edit.above(block), *batch[:-1], batch[-1] + edit.after(block)]
    if queues:
        return [edit.take(block), *edit.append(queues[0].block, lines)]
    return [edit.take(block), *edit.append(place.use.node.block, edit.block("sending_queue", lines))]


def _further(given: set[str]) -> Iterator[str]:
    """What a batch needs so that it does the same as the batcher that gives some settings."""
    if not given.isdisjoint(_ITEMS) and "sizer" not in given:
        yield 'sizer = "items"'
    if {"min_size", "min_size_items"} & given and not {"max_size", "max_size_items"} & given:
        yield "max_size = 0"  # the batcher had no limit, the batch has one


def _string(statement: Statement) -> str:
    value = statement.value if isinstance(statement, Attribute) else None
    if not isinstance(value, Literal) or value.kind != "STRING":
        return ""
    from alloypy.lang.evaluation.literals import string_value

    return string_value(value.text)


def _each(recipe: Recipe, *numbers: int) -> dict[str, Recipe]:
    return {f"B{number:03}": recipe for number in numbers}


RECIPES: Mapping[str, Recipe] = {
    "B011": renamed("vcenter.host.network.packet.rate"),
    "B012": renamed("vcenter.host.network.packet.error.rate"),
    "B013": renamed("vcenter.vm.network.packet.rate"),
    "B024": renamed("attributes"),
    **_each(removed, 6, 49, 50, 64, 65, 66, 70, 88, 90, 105, 106, 107, 108),
    "B067": _parallelism,
    "B075": _partition,
    "B078": _sized("max_size"),
    "B079": _sized("min_size"),
    "B086": renamed("block_on_overflow"),
    "B087": _propagation,
    "B089": listed_as("database_name_attributes"),
    "B095": renamed("full"),
    "B100": renamed("full"),
    "B119": into("query_details", "schema_details", "query_samples"),
    "B120": into("query_samples"),
    "B121": into("explain_plans", name="collect_interval"),
    "B122": into("explain_plans", name="initial_lookback"),
    "B123": into("explain_plans", name="per_collect_ratio"),
    "B124": into("locks", name="collect_interval"),
    "B125": into("locks", name="threshold"),
    "B126": into("setup_consumers", name="collect_interval"),
    "B127": into("query_samples", "query_details"),
    "B128": listed_as("database_name_attributes"),
    **_each(renamed("block_on_overflow"), *range(130, 134), *range(135, 141), 142),
    **_each(removed, *range(155, 164), 165),
    "B178": to_top("exclude_schemas"),
    "B179": to_top("exclude_databases"),
    "B204": listed_as("topics"),
    "B205": _kafka_topic,
    **_each(removed, 220, 229, 231, 234, 254, 264),
    "B230": to_top("exclude_current_user"),
    "B239": renamed("otel_exported_signals"),
    "B244": renamed("exporter_otlp_endpoint"),
    "B255": _batcher,
    "B279": renamed("trace_propagators"),
    "B280": renamed("trace_sampler"),
    "B297": listed_as("group_rebalance_strategies"),
    "B300": renamed("probe_links"),
}
"""The recipes for settings."""
