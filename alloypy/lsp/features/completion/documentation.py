"""The documentation of an offer, which is asked for only once it is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from alloypy.lsp.cursor.library import function_of
from alloypy.lsp.features.completion.offers import Topic
from alloypy.schema.describe import accepted_values, type_text
from alloypy.schema.spec import AttributeSpec, BlockSpec, Member, Missing, Spec

if TYPE_CHECKING:
    from alloypy.lsp.workspace.workspace import Workspace


def documentation(workspace: Workspace, path: str, topic: Topic) -> str:
    """The documentation in Markdown; empty if there is none. path: of the text. Never raises."""
    return "\n\n".join(_function(topic.function) if topic.function else _setting(workspace, path, topic))


def _function(name: str) -> Iterator[str]:
    function = function_of(name)
    if function is None:
        return
    manual = function.manual
    yield f"`{name}({', '.join(manual.takes)}) -> {manual.gives}`"
    yield manual.words
    for example in manual.examples[:2]:
        yield f"`{example.expression}` gives `{example.value}`"


def _setting(workspace: Workspace, path: str, topic: Topic) -> Iterator[str]:
    language = workspace.language(path)
    component, block = language.component(topic.component), language.block(topic.component)
    entry = component or block
    if entry is None:
        return
    spec = entry.arguments
    if not topic.path:
        level = "community" if component is not None and component.community else entry.stability
        yield f"**{topic.component}**: {'component' if component is not None else 'config block'}, {level}"
        yield from _needs(spec)
        return
    member, holder = _member(spec, topic.path)
    if member is None and component is not None:
        member, holder = _member(component.exports, topic.path)
    if member is not None and holder is not None:
        yield from _words(member, required=member in holder.required)


def _member(spec: Spec | None, path: tuple[str, ...]) -> tuple[Member | None, Spec | None]:
    """The member at a path, and the body that has it."""
    for number, name in enumerate(path):
        member = (spec.groups.get(name) or spec.lookup.get(name)) if spec is not None else None
        if number == len(path) - 1 or not isinstance(member, BlockSpec):
            return member, spec
        spec = member.body
    return None, None


def _words(member: Member, *, required: bool) -> Iterator[str]:
    need = "required" if required else "optional"
    if isinstance(member, BlockSpec):
        yield f"**{member.name}**: block, {need}{', any number of times' if member.repeated else ''}"
        yield from _needs(member.body)
    else:
        yield f"**{member.name}**: `{type_text(member.type)}`, {need}"
        if not required and not isinstance(member.default, Missing) and member.default not in (None, ""):
            yield f"Default: `{_default(member)}`"
        values = accepted_values(member.type)
        if values:
            yield "One of " + ", ".join(f"`{each}`" for each in values if each)
    if member.doc:
        yield member.doc


def _default(member: AttributeSpec) -> str:
    if isinstance(member.default, bool):
        return str(member.default).lower()
    return str(member.default)


def _needs(spec: Spec | None) -> Iterator[str]:
    if spec is not None and spec.required:
        yield "Required: " + ", ".join(f"`{each.name}`" for each in spec.required)
