"""What is done about each listed change, by its id; other removed settings become comments.

A recipe returns no changes where a person has to decide, for instance because the new setting is given, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from alloypy.catalog.history import Breaking
from alloypy.catalog.versions import Version
from alloypy.check.versions.fixes.editing import Editor
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
        return f"Alloy {self.entry.version} does not have this any more: {self.entry.remedy or 'remove it.'}"


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
        if place.body.gives(name):
            return []
        return [place.edit.replace(place.statement, [f"{name} = [{place.value}]"])]

    return recipe


def removed(place: Place) -> list[Edit]:
    """It had no effect."""
    return [place.edit.remove(place.statement)]


def commented(place: Place) -> list[Edit]:
    """Nothing takes its place."""
    return [place.edit.comment_out(place.statement, place.why)]


def into(*blocks: str, name: str = "") -> Recipe:
    """An attribute at the top of a component moves into blocks, under its name or another one."""

    def recipe(place: Place) -> list[Edit]:
        if not isinstance(place.statement, Attribute):
            return []
        line = f"{name or place.statement.name.name} = {place.value}"
        edits: list[Edit] = []
        new: list[str] = []
        for block in blocks:
            inner = place.body.inner(block)
            if not inner:
                new += place.edit.block(block, [line])
            elif inner[0].gives(line.partition(" ")[0]):
                continue  # the block decides for itself
            else:
                edits += place.edit.append(inner[0].block, [line])
        if new:
            return [*edits, place.edit.replace(place.statement, new)]
        return [*edits, place.edit.remove(place.statement)]

    return recipe


def to_top(name: str) -> Recipe:
    """An attribute in a block moves to the top of the component."""

    def recipe(place: Place) -> list[Edit]:
        top = place.use.bodies[0]
        if top.gives(name):
            return []
        line = f"{name} = {place.value}"
        return [place.edit.before(place.body.block, [line]), place.edit.remove(place.statement)]

    return recipe


def _parallelism(place: Place) -> list[Edit]:
    block = place.edit.block("parallelism", [f"max_connections = {place.value}"])
    return [place.edit.replace(place.statement, block)]


_PARTITIONS = {
    "minute": "year=%Y/month=%m/day=%d/hour=%H/minute=%M",
    "hour": "year=%Y/month=%m/day=%d/hour=%H",
}


def _partition(place: Place) -> list[Edit]:
    pattern = _PARTITIONS.get(_string(place.statement))
    if pattern is None or place.body.gives("s3_partition_format"):
        return []
    return [place.edit.replace(place.statement, [f's3_partition_format = "{pattern}"'])]


def _sized(name: str) -> Recipe:
    def recipe(place: Place) -> list[Edit]:
        if place.body.gives(name):
            return []
        lines = [f"{name} = {place.value}"]
        other = {"max_size": "min_size_items", "min_size": ""}[name]
        if not place.body.gives("sizer") and not (other and place.body.gives(other)):
            lines.append('sizer = "items"')
        return [place.edit.replace(place.statement, lines)]

    return recipe


_PROPAGATION = {"true": '"all"', "false": '"disabled"'}


def _propagation(place: Place) -> list[Edit]:
    value = _PROPAGATION.get(place.value)
    if value is None or place.body.gives("context_propagation"):
        return []
    return [place.edit.replace(place.statement, [f"context_propagation = {value}"])]


def _kafka_topic(place: Place) -> list[Edit]:
    """One topic for all signals becomes a list for each signal that is used."""
    outputs = place.body.inner("output")
    signals = [s for s in ("logs", "metrics", "traces") if any(each.gives(s) for each in outputs)]
    edits: list[Edit] = []
    lines: list[str] = []
    for signal in signals or ["logs", "metrics", "traces"]:
        inner = place.body.inner(signal)
        line = f"topics = [{place.value}]"
        if not inner:
            lines += place.edit.block(signal, [line])
        elif not inner[0].gives("topics") and not inner[0].gives("topic"):
            edits += place.edit.append(inner[0].block, [line])
    last = place.edit.replace(place.statement, lines) if lines else place.edit.remove(place.statement)
    return [*edits, last]


_BATCH = ("flush_timeout", "min_size", "max_size", "sizer")


def _batcher(place: Place) -> list[Edit]:
    """The settings of the batcher move to the batch of the sending queue."""
    top = place.use.bodies[0]
    queues = top.inner("sending_queue")
    block = place.statement
    if not isinstance(block, Block) or any(queue.gives("batch") for queue in queues):
        return []
    lines: list[str] = []
    for statement in block.body:
        name = statement.name.name if isinstance(statement, Attribute) else statement.full_name
        text = place.edit.text(statement)
        if name == "enabled" and isinstance(statement, Attribute):
            if place.edit.text(statement.value) == "false":
                return commented(place)
            if place.edit.text(statement.value) != "true":
                return []
        elif name in _BATCH:
            lines.append(text)
        elif name in ("min_size_items", "max_size_items") and isinstance(statement, Attribute):
            lines.append(f"{name.removesuffix('_items')} = {place.edit.text(statement.value)}")
    if "_items" in place.edit.text(block) and not any(line.startswith("sizer") for line in lines):
        lines.append('sizer = "items"')
    given = {line.partition(" ")[0] for line in lines}
    if "min_size" in given and "max_size" not in given:
        lines.append("max_size = 0")  # the batcher had no limit, the batch has one
    batch = place.edit.block("batch", lines)
    removal = place.edit.remove(block)
    if queues:
        return [removal, *place.edit.append(queues[0].block, batch)]
    return [removal, *place.edit.append(place.use.node.block, place.edit.block("sending_queue", batch))]


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
