"""The documentation of an offer, which is asked for only once it is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from alloypy.lsp.features.completion.offers import Topic
from alloypy.lsp.features.describing import Describing
from alloypy.schema.spec import AttributeSpec, BlockSpec, Member, Spec

if TYPE_CHECKING:
    from alloypy.lsp.workspace.workspace import Workspace


def documentation(workspace: Workspace, path: str, topic: Topic) -> str:
    """The documentation in Markdown; empty if there is none. path: of the text. Never raises."""
    return "\n\n".join(part for part in _paragraphs(workspace, path, topic) if part)


def _paragraphs(workspace: Workspace, path: str, topic: Topic) -> Iterator[str]:
    language = workspace.language(path)
    describing = Describing(language)
    if topic.function:
        yield from describing.library(topic.function)
        return
    name, (*inner, last) = topic.component, topic.path or ("",)
    component = language.component(name)
    if not last:
        yield from describing.node(name, component=component is not None)
        return
    entry = component or language.block(name)
    member, holder = _member(entry.arguments if entry is not None else None, topic.path)
    if member is not None:
        yield from describing.member(name, tuple(inner), member, holder)
        return
    exports = component.exports if component is not None else None
    export = exports.lookup.get(topic.path[0]) if exports is not None else None
    if isinstance(export, AttributeSpec):
        yield from describing.export(name, export)


def _member(spec: Spec | None, path: tuple[str, ...]) -> tuple[Member | None, Spec | None]:
    """The member at a path, and the body that has it."""
    for number, name in enumerate(path):
        member = (spec.groups.get(name) or spec.lookup.get(name)) if spec is not None else None
        if number == len(path) - 1 or not isinstance(member, BlockSpec):
            return member, spec
        spec = member.body
    return None, None
