"""Holds OTTL texts against what their context offers, as Alloy does on loading.

What depends on the data is not judged: types of paths and results, keys, patterns that are not constants.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches

from alloypy.embedded.ottl.arguments import bind_arguments
from alloypy.embedded.ottl.contexts import CACHE, Context
from alloypy.embedded.ottl.demands import check_demands
from alloypy.embedded.ottl.tree import Argument, Call, Enum, Node, Path, Segment, Statement, inside
from alloypy.lang.text_error import TextError

_LISTED = 24


def check_statement(statement: Statement, context: Context) -> None:
    """Raises TextError for what the context does not offer."""
    check_node(statement.editor, context)
    if statement.where is not None:
        check_node(statement.where, context)


def check_node(node: Node, context: Context) -> None:
    """The same for a condition or a value."""
    names = set[int]()
    for each in _inside_used(node, context):
        if id(each) in names:
            continue  # the name of a function, which looks like a constant
        if isinstance(each, Path):
            _check_path(each, context)
        elif isinstance(each, Enum):
            _check_enum(each, context)
        elif isinstance(each, Call):
            names.update(id(argument.value) for argument in _check_call(each, context))


def _inside_used(node: Node, context: Context) -> Iterator[Node]:
    """The nodes in `node`, without the arguments of functions that ignore theirs."""
    ignored: set[int] = set()
    for each in inside(node):
        if isinstance(each, Call):
            function = context.functions.get(each.name)
            if function is not None and function.parameters is None:
                for argument in each.arguments:
                    if not isinstance(argument.value, str):
                        ignored.update(map(id, inside(argument.value)))
        if id(each) not in ignored:
            yield each


def _check_call(call: Call, context: Context) -> list[Argument]:
    """Check the arguments; returns those that name functions."""
    function = context.functions.get(call.name)
    if function is None:
        raise _unknown_function(call.name, call.start, call.name_end, context)
    if function.parameters is None:
        return []
    bound = bind_arguments(call, function.parameters)
    functions = [argument for argument, parameter in bound if parameter.kind == "FunctionGetter"]
    for argument in functions:
        _check_function_name(argument, context)
    check_demands(call.name, {parameter.field: argument.value for argument, parameter in bound})
    return functions


def _check_function_name(argument: Argument, context: Context) -> None:
    value = argument.value
    if isinstance(value, Enum):
        value = value.name
    if not isinstance(value, str):
        message = "this must be the name of a converter, without parentheses, such as `SHA256`"
        raise TextError(message, argument.start, argument.end)
    if value not in context.functions:
        raise _unknown_function(value, argument.end - len(value), argument.end, context)


def _unknown_function(name: str, start: int, end: int, context: Context) -> TextError:
    kind = "editor" if name[0].islower() else "converter"
    same_kind = [each for each in context.functions if each[0].islower() == name[0].islower()]
    message = f"there is no {kind} `{name}` in the {context.name} context{_meant(name, same_kind)}"
    return TextError(message, start, end)


def _check_enum(enum: Enum, context: Context) -> None:
    if enum.name not in context.enums:
        if not context.enums:
            hint = ", which has none: is it a string?"
        else:
            hint = _meant(enum.name, context.enums) or ": is it a string?"
        message = f"there is no constant `{enum.name}` in the {context.name} context{hint}"
        raise TextError(message, enum.start, enum.end)


def _check_path(path: Path, context: Context) -> None:
    segments = path.segments
    begins = len(segments) > 1 and not segments[0].keys and segments[0].name in context.names
    if not begins:
        if context.prefix == "needed":
            raise _no_prefix(path, context)
        taken = context.paths.get(f"{context.name}.{path.text}")
    else:
        taken = context.paths.get(path.text)
    if taken is None:
        raise _unknown_path(path, begins, context)
    for segment in segments[:-1]:
        if segment.keys:
            raise _no_keys(path, segment)
    last = segments[-1]
    if last.keys and not taken:
        raise _no_keys(path, last)
    if taken == 1 and len(last.keys) > 1:
        raise TextError(f"`{path.text}` takes one key", last.keys[1].start, last.keys[-1].end)


def _no_keys(path: Path, segment: Segment) -> TextError:
    message = f"`{segment.name}` of the path `{path.text}` cannot be indexed"
    return TextError(message, segment.keys[0].start, segment.keys[-1].end)


def _no_prefix(path: Path, context: Context) -> TextError:
    first = path.segments[0]
    written = path.text
    with_prefix = sorted(
        f"`{name}.{written}`" for name in context.names if f"{name}.{written}" in context.paths
    )
    choice = f": write {' or '.join(with_prefix)}"
    hint = choice if with_prefix else f", which is one of {_listed(context.names)}"
    if len(path.segments) > 1 and not first.keys:
        message = f"the {context.name} context cannot use `{first.name}`"
        return TextError(f"{message}: paths begin with {_listed(context.names)}", first.start, first.end)
    return TextError(
        f"the path `{written}` must begin with the name of a context{hint}", path.start, path.end
    )


def _unknown_path(path: Path, begins: bool, context: Context) -> TextError:
    segments = path.segments
    owner = segments[0].name if begins else context.name
    rest = [segment.name for segment in (segments[1:] if begins else segments)]
    if rest[0] == CACHE:
        message = f"`{CACHE}` belongs to the {context.name} context only, and has no parts"
        return TextError(message, path.start, path.end)
    offered = [known.partition(".")[2] for known in context.paths if known.startswith(f"{owner}.")]
    heads = {known.partition(".")[0] for known in offered}
    if rest[0] in heads:
        parts = sorted(known.partition(".")[2] for known in offered if known.startswith(f"{rest[0]}."))
        at = segments[2 if begins else 1] if len(rest) > 1 else segments[-1]
        hint = f"it has {_listed(parts)}" if parts else "it has no parts"
        if rest[0] in {"attributes", "body", "metadata"} or not parts:
            hint += ": a key is written in brackets" if rest[0] in {"attributes", "body", "metadata"} else ""
        return TextError(
            f"there is no path `{path.text}`: `{rest[0]}` {hint.removeprefix('it ')}", at.start, at.end
        )
    at = segments[1] if begins else segments[0]
    message = f"there is no path `{'.'.join(rest)}` in the {owner} context{_meant(rest[0], heads)}"
    if not begins and len(rest) > 1:
        message += f"; paths can begin with {_listed(context.names)}"
    return TextError(message, at.start, at.end)


def _meant(name: str, candidates: Collection[str]) -> str:
    lower = {each.lower().replace("_", ""): each for each in candidates}
    close = get_close_matches(name.lower().replace("_", ""), lower, 1, 0.7)
    if close:
        return f": did you mean `{lower[close[0]]}`?"
    if 0 < len(candidates) <= _LISTED:
        return f": it has {_listed(candidates)}"
    return ""


def _listed(names: Collection[str]) -> str:
    *others, last = [f"`{name}`" for name in sorted(names)]
    return f"{', '.join(others)} and {last}" if others else last
