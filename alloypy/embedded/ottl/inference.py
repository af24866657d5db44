"""Finds the context of texts that come without one.

It is the most specific context that a path begins with. If that one lacks a function or a constant that the
texts use, it is the first of the contexts below it that has all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alloypy.embedded.ottl.contexts import Context
from alloypy.embedded.ottl.tree import Call, Enum, Node, Path, Statement, inside
from alloypy.lang.text_error import TextError

_ORDER = (
    "log",
    "exemplar",
    "datapoint",
    "metric",
    "spanevent",
    "span",
    "profile",
    "scope",
    "instrumentation_scope",
    "resource",
)
"""From the most specific context to the least."""


def infer(texts: Iterable[Statement | Node], contexts: Mapping[str, Context]) -> Context:
    """The context in which Alloy reads the texts together. Raises TextError, whose place is of no use.

    contexts: those to choose from, by name.
    """
    found, functions, enums = "", set[str](), set[str]()
    end = 0
    for text in texts:
        for node in _nodes(text):
            end = max(end, node.end)
            if isinstance(node, Call):
                functions.add(node.name)
            elif isinstance(node, Enum):
                enums.add(node.name)
            elif isinstance(node, Path):
                begins = _context_name(node)
                if not found or _rank(begins) < _rank(found):
                    found = begins
    choice = ", ".join(f"`{name}.`" for name in sorted(contexts, key=_rank))
    if not found:
        raise TextError(f"no path begins with the name of a context, such as {choice}", 0, end)
    if not functions and not enums:
        if found not in contexts:
            raise TextError(f"`{found}` is not a context here: paths begin with {choice}", 0, end)
        return contexts[found]
    if found not in contexts:
        raise TextError(f"`{found}` is not a context here: paths begin with {choice}", 0, end)
    first = contexts[found]
    below = [each for each in contexts.values() if found in each.names and each.name != found]
    for context in (first, *sorted(below, key=lambda each: _rank(each.name))):
        if functions <= context.functions.keys() and enums <= context.enums:
            return context
    for enum in sorted(enums - first.enums):
        if enum in first.functions and functions <= first.functions.keys():
            message = f"Alloy takes `{enum}` for a constant while it looks for the context: name the context"
            raise TextError(message, 0, end)
    return first  # checking in it finds what is missing


def _nodes(text: Statement | Node) -> Iterable[Node]:
    if isinstance(text, Statement):
        yield from inside(text.editor)
        if text.where is not None:
            yield from inside(text.where)
    else:
        yield from inside(text)


def _context_name(path: Path) -> str:
    first = path.segments[0]
    return first.name if len(path.segments) > 1 and not first.keys else ""


def _rank(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)
