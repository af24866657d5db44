"""Calls of the standard library that cannot do what they were written for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from alloypy.check.expressions.shapes import Shape
from alloypy.check.lint.rule import Rule, finding, replacing, text_of
from alloypy.check.lint.view import View, Written
from alloypy.graph.references import inner_expressions
from alloypy.lang.evaluation.literals import LiteralError, literal_value, string_value
from alloypy.lang.values import Kind, OptionalSecret, Secret
from alloypy.syntax.diagnostics import Diagnostic, Edit
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Array, Call, Expression, Literal, Object, Paren

_ENV = ("sys.env", "env")
_FORMAT = ("string.format", "format")
_ON_TEXTS = ("split", "replace", "trim", "trim_prefix", "trim_suffix")


def _text(node: Expression) -> str | None:
    """The content of a string literal; None for anything else."""
    if isinstance(node, Literal) and node.kind == "STRING":
        return string_value(node.text)
    return None


def _unreachable(view: View) -> Iterator[Diagnostic]:
    """Arguments of coalesce after one that is never empty."""
    for call in view.calls("coalesce"):
        args = call.expression.args
        at = next((at for at, arg in enumerate(args) if _is_filled(arg)), len(args))
        unused = args[at + 1 :]
        if not all(map(_is_constant, unused)):
            span = Span(call.source, unused[0].start, unused[-1].end)
            message = f"coalesce never gets here: its {_ordinal(at)} argument is never empty"
            yield finding(span, message, "move the argument that is always set to the end, as the default")


def _ordinal(at: int) -> str:
    return ("first", "second", "third")[at] if at < 3 else f"{at + 1}th"


def _is_filled(node: Expression) -> bool:
    """Whether an expression, as written, is never empty."""
    match node:
        case Literal():
            try:
                return bool(literal_value(node))
            except LiteralError:
                return False
        case Array():
            return bool(node.elements)
        case Object():
            return bool(node.fields)
        case Paren():
            return _is_filled(node.inner)
    return False


def _is_constant(node: Expression) -> bool:
    """Whether an expression consists of literals only."""
    inner = inner_expressions(node)
    return all(map(_is_constant, inner)) if inner else isinstance(node, Literal | Array | Object)


def _without_effect(view: View) -> Iterator[Diagnostic]:
    """Calls that return their argument as it is."""
    single = view.calls(*_SINGLE)
    calls = [each for each in single if len(each.expression.args) == 1 or _is_decided(each, view)]
    calls += (
        call for call in view.calls(*_names("trim", "trim_prefix", "trim_suffix")) if _cuts_nothing(call)
    )
    calls += (call for call in view.calls(*_names("replace")) if _replaces_nothing(call))
    calls += view.calls("convert.nonsensitive", "nonsensitive")
    for call in calls:
        args = call.expression.args
        name = view.function(call.expression)
        if args and (name in _SINGLE or view.shape(args[0]).kind == Kind.STRING):
            message = f"{name} returns its {'' if len(args) == 1 else 'first '}argument unchanged"
            hint = f"write only the {'' if len(args) == 1 else 'first '}argument"
            yield finding(call.span, message, hint, _unwrapped(call.expression, args[0], call.source))


_SINGLE = ("coalesce", "array.concat", "concat")


def _is_decided(call: Written[Call], view: View) -> bool:
    """Whether it is a coalesce of constants that returns the first of them."""
    args = call.expression.args
    filled = len(args) > 1 and _is_filled(args[0]) and all(map(_is_constant, args))
    return filled and view.function(call.expression) == "coalesce"


def _names(*names: str) -> tuple[str, ...]:
    """The functions of `string` by their names of today and of old."""
    return (*(f"string.{name}" for name in names), *names)


def _cuts_nothing(call: Written[Call]) -> bool:
    args = call.expression.args
    return len(args) == 2 and _text(args[1]) == ""


def _replaces_nothing(call: Written[Call]) -> bool:
    args = call.expression.args
    return len(args) == 3 and _text(args[1]) is not None and _text(args[1]) == _text(args[2])


def _unwrapped(call: Call, inner: Expression, source: Source) -> tuple[Edit, ...]:
    """The change that leaves only one argument of a call; none if a comment would be lost."""
    edits = (Edit(call.start, inner.start, ""), Edit(inner.end + 1, call.end + 1, ""))
    lost = [source.data[start:end] for start, end, _ in edits]
    return () if any(b"//" in text or b"/*" in text for text in lost) else edits


def _format(view: View) -> Iterator[Diagnostic]:
    """Verbs and values of string.format that do not fit together."""
    for call in view.calls(*_FORMAT):
        args = call.expression.args
        text = _text(args[0]) if args else None
        if text is None or "%!" in text or "*" in text:
            continue
        wrong = _miscounted(text, len(args) - 1)
        if wrong:
            yield finding(call.span, wrong, "write one verb for each value, and %% for a percent sign")
            continue
        for at, arg in enumerate(args[1:]):
            yield from _misfit(text, at, len(args) - 1, (arg, view.shape(arg), call.source))


def _misfit(text: str, at: int, count: int, value: tuple[Expression, Shape, Source]) -> Iterator[Diagnostic]:
    """A value whose verb cannot show it. at: its position among `count` values."""
    arg, shape, source = value
    results = [_mistake(text, [*[[]] * at, sample, *[[]] * (count - at - 1)]) for sample in _samples(shape)]
    if results and all(results):
        verb, mistake = results[0] or ("", "")
        message = f"%{verb} cannot show a {shape.kind}: the text will have {mistake} in it"
        yield finding(Span(source, arg.start, arg.end), message, _VERBS[shape.kind])


_MISTAKE = re.compile(r"%!(?:(.)\((\w+)[=)]|\((\w+))")
_VERBS = {
    Kind.STRING: "use %s for a text",
    Kind.NUMBER: "use %d for a whole number, %f for a fraction, or %v for any value",
    Kind.BOOL: "use %t for a boolean, or %v for any value",
}


def _mistake(text: str, values: Sequence[Any]) -> tuple[str, str] | None:
    """What Go writes into the text because of a mistake, with its verb; None if all is well."""
    from alloypy.lang.stdlib.sprintf.format import sprintf

    found = _MISTAKE.search(sprintf(text, values))
    if found is None:
        return None
    verb, kind, other = found.groups()
    return (verb, f"%!{verb}({kind})") if verb else ("", f"%!({other})")


def _samples(shape: Shape) -> list[Any]:
    """Values of every sort that the value may be; none if too little is known about it."""
    if shape.kind == Kind.STRING:
        return ["a"]
    if shape.kind == Kind.BOOL:
        return [True]
    if shape.kind == Kind.NUMBER:
        return [shape.value] if shape.is_exact else [1, 1.5]
    return []


def _miscounted(text: str, count: int) -> str:
    """What is wrong with the number of values; an empty list stands for each, because it fits any verb."""
    mistake = _mistake(text, [[]] * count)
    if mistake is None:
        return ""
    if "EXTRA" in mistake[1]:
        return "more values than verbs: the text will end with %!(EXTRA ...)"
    if "MISSING" in mistake[1]:
        return f"more verbs than values: the text will have {mistake[1]} in it"
    return f"not a verb: the text will have {mistake[1]} in it"


def _whole(view: View) -> Iterator[Diagnostic]:
    """Values of string.format that have no text."""
    for call in view.calls(*_FORMAT):
        for arg in call.expression.args[1:]:
            found = _without_text(arg, view.shape(arg), call.source)
            if found is not None:
                yield found


def _without_text(arg: Expression, shape: Shape, source: Source) -> Diagnostic | None:
    span, text = Span(source, arg.start, arg.end), text_of(arg, source)
    if shape.capsule == OptionalSecret.kind:
        message = "the content may be secret, so it is formatted with a mark, as in {false ...}"
        wrapped = f"convert.nonsensitive({text})"
        return finding(span, message, f"write {wrapped}", (replacing(arg, wrapped),))
    if shape.capsule in {Secret.kind, "discovery.Target"} or shape.kind not in _WITHOUT_TEXT:
        return None
    names = sorted(name for name in shape.names or () if name.isidentifier())
    hint = f"name the part that is meant, such as {text}.{names[0]}" if names else ""
    return finding(span, f"{_WITHOUT_TEXT[shape.kind]} is formatted, which gives no useful text", hint)


_WITHOUT_TEXT = {
    Kind.OBJECT: "an object with several fields",
    Kind.CAPSULE: "a receiver, or something else without a text,",
    Kind.FUNCTION: "a function",
}


def _swapped(view: View) -> Iterator[Diagnostic]:
    """A separator, or the path of a JSONPath query, in the place of the text to work on."""
    for call in view.calls(*_names(*_ON_TEXTS)):
        args = call.expression.args
        text = _text(args[0]) if len(args) > 1 else None
        if text and re.fullmatch(r"[^\w$]{1,3}", text) and not _is_constant(args[1]):
            yield _order(call, view, f"works on the text {_quoted(text)}", "the text to work on comes first")
    for call in view.calls("json_path"):
        args = call.expression.args
        text = _text(args[0]) if len(args) == 2 else None
        if text and text.startswith(("$", ".")) and not _is_constant(args[1]):
            yield _order(call, view, "fails: its first argument is not JSON", "the text in JSON comes first")


def _quoted(text: str) -> str:
    return f'"{text}"'.replace("\n", "\\n").replace("\t", "\\t")


def _order(call: Written[Call], view: View, what: str, hint: str) -> Diagnostic:
    return finding(call.span, f"{view.function(call.expression)} {what}", hint)


def _environment(view: View) -> Iterator[Diagnostic]:
    """Names that no environment variable has."""
    for call in view.calls(*_ENV):
        args = call.expression.args
        name = _text(args[0]) if len(args) == 1 else None
        if name is None or re.fullmatch(r"[A-Za-z_][\w.()-]*", name):
            continue
        fault = _name_fault(name)
        if fault:
            meant = re.fullmatch(r"\$\{?(\w+)\}?", name)
            hint = f'write "{meant[1]}"' if meant else "give the bare name of a variable"
            fix = (replacing(args[0], f'"{meant[1]}"'),) if meant else ()
            yield finding(Span(call.source, args[0].start, args[0].end), fault, hint, fix)


def _name_fault(name: str) -> str:
    if not name:
        return "the name of the variable is empty, so the result is, too"
    if "$" in name:
        return "sys.env takes the name of a variable without $, so this one is never set"
    if "=" in name or "\0" in name:
        return "the name of a variable cannot contain =, so this one is never set"
    if "://" in name or re.fullmatch(r"[\w.-]+:[0-9]+", name):
        return "this is an address, not the name of a variable, so it is never set"
    return ""


RULES = (
    Rule(
        "ALY0940",
        "argument of coalesce that is never used",
        "coalesce returns its first argument that is not empty. What comes after one that is always set is "
        "never used, so a variable after a default is never read. The default belongs at the end.",
        wrong='logging { level = coalesce("info", sys.env("LEVEL")) }',
        right='logging { level = coalesce(sys.env("LEVEL"), "info") }',
        default=True,
        check=_unreachable,
    ),
    Rule(
        "ALY0941",
        "call that changes nothing",
        "The call returns its argument as it is: coalesce and array.concat with a single argument, cutting "
        "the empty text off, replacing a text by itself, or making a text readable that is not secret.",
        wrong='logging { level = coalesce(sys.env("LEVEL")) }',
        right='logging { level = sys.env("LEVEL") }',
        check=_without_effect,
    ),
    Rule(
        "ALY0942",
        "verbs and values of a format that differ",
        "Each verb of the format takes one value of its kind: %s a text, %d a whole number, %t a boolean, "
        "%v any value. Otherwise Go writes the mistake into the text, as in %!d(string=8080), and Alloy goes "
        "on with it. sys.env always returns a text.",
        wrong='local.file "a" { filename = string.format("/etc/%d/%s", sys.env("ID"), "a") }',
        right='local.file "a" { filename = string.format("/etc/%s/%s", sys.env("ID"), "a") }',
        default=True,
        check=_format,
    ),
    Rule(
        "ALY0943",
        "object formatted as a string",
        "A component, a module's argument or an object as a whole has no useful text: string.format writes "
        "something like map[content:...]. Name the export or field that is meant. The content of local.file "
        "and of remote.http is formatted as {false ...} unless convert.nonsensitive makes it a plain text.",
        wrong='remote.http "a" { url = "http://localhost/level" }\n'
        'logging { level = string.format("%s", remote.http.a.content) }',
        right='remote.http "a" { url = "http://localhost/level" }\n'
        'logging { level = string.format("%s", convert.nonsensitive(remote.http.a.content)) }',
        default=True,
        check=_whole,
    ),
    Rule(
        "ALY0944",
        "arguments in the wrong order",
        "The functions of `string` take the text to work on first, then the separator or what to cut off; "
        "json_path takes the text in JSON first, then the query.",
        wrong='logging { level = string.split(",", sys.env("LEVELS"))[0] }',
        right='logging { level = string.split(sys.env("LEVELS"), ",")[0] }',
        default=True,
        check=_swapped,
    ),
    Rule(
        "ALY0945",
        "not the name of an environment variable",
        "sys.env takes the bare name of a variable: no $, no braces, and no value. A name that cannot exist "
        "gives the empty text each time.",
        wrong='logging { level = coalesce(sys.env("${LEVEL}"), "info") }',
        right='logging { level = coalesce(sys.env("LEVEL"), "info") }',
        default=True,
        check=_environment,
    ),
)
