"""Settings that Alloy still takes, but that are deprecated."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.catalog.history import Breaking, load_breaking, load_history
from alloypy.check.lint.rule import Rule, finding, removal
from alloypy.check.lint.view import Body, View
from alloypy.graph.nodes import Kind
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Attribute, Statement


def _deprecated(view: View) -> Iterator[Diagnostic]:
    """Arguments and blocks that the checked version of Alloy calls deprecated."""
    versions = load_history().timeline.versions
    checked = getattr(view.language, "version", None) or versions[-1]
    for body in view.bodies():
        entry = load_history().component(body.node.name) if body.node.kind is Kind.COMPONENT else None
        if entry is None:
            continue
        for statement in body.statements:
            path = _path(body, statement)
            history = entry.path(path)
            since = history.deprecated if history is not None else None
            if since is not None and since <= checked.index:
                name = versions[since].name
                title = f"the coming {name.partition('-')[0]}" if "-" in name else name
                message = f"{path} is deprecated since Alloy {title}"
                hint, useless = _remedy(body, path)
                end = statement.end if isinstance(statement, Attribute) else statement.lcurly
                span = Span(body.source, statement.start, end)
                yield removal(span, message, hint, statement) if useless else finding(span, message, hint)


def _path(body: Body, statement: Statement) -> str:
    """The place of a statement in its component, such as `sending_queue/blocking`."""
    name = statement.name.name if isinstance(statement, Attribute) else statement.full_name
    return f"{body.path}/{name}".partition("/")[2]


def _remedy(body: Body, path: str) -> tuple[str, bool]:
    """What to do about it, and whether the setting has no effect any more, so that it can be removed."""
    change = next((each for each in load_breaking() if _is_about(each, body.node.name, path)), None)
    if change is None:
        return "", False
    useless = "no effect" in change.what.lower() and change.remedy.startswith("Remove")
    hint = change.remedy.removesuffix(".")
    return f"{hint[0].lower()}{hint[1:]}", useless


def _is_about(change: Breaking, component: str, path: str) -> bool:
    if change.kind != "deprecated" or path not in change.arguments:
        return False
    if change.component.startswith("("):
        return component.startswith(change.component.strip("()").rstrip("*"))
    return change.component == component


_EBPF = """\
pyroscope.ebpf "a" {
%s  forward_to = [pyroscope.write.b.receiver]
}
pyroscope.write "b" {
  endpoint { url = "http://pyroscope:4040" }
}
"""

RULES = (
    Rule(
        "ALY0964",
        "deprecated setting",
        "Alloy still takes the argument or block, but its documentation calls it deprecated: it has no "
        "effect any more, or another one takes its place. With --alloy-version, only what that version calls "
        "deprecated is found.",
        wrong=_EBPF % "  cache_rounds = 3\n",
        right=_EBPF % "",
        check=_deprecated,
    ),
)
