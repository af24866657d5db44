"""Arguments, declares and imports that nothing uses, and names that hide others."""

from __future__ import annotations

from collections.abc import Container, Iterator

from alloypy.check.lint.rule import Rule, finding, removal
from alloypy.check.lint.view import View
from alloypy.check.scope import CheckedNode
from alloypy.graph.nodes import Kind, block_id
from alloypy.lang.types import StringType
from alloypy.rules.view import Undecided
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Attribute

_RENAME = "give it another name"


def _head(node: CheckedNode) -> Span:
    return Span(node.source, node.block.start, node.block.lcurly)


def _unused_arguments(view: View) -> Iterator[Diagnostic]:
    arguments = view.of_kind(Kind.ARGUMENT)
    if arguments and not _reads_all_arguments(view):
        for node in arguments:
            if not view.used(node):
                message = f"nothing in the module uses argument.{node.label}.value"
                yield finding(_head(node), message, "remove the argument, also where the module is used")


def _reads_all_arguments(view: View) -> bool:
    """Whether an expression of the module or of a template in it uses `argument` as a whole."""
    return any(len(chain) == 1 and chain[0].name == "argument" for _, chain in view.chains()) or any(
        map(_reads_all_arguments, view.templates)
    )


def _unused_declares(view: View) -> Iterator[Diagnostic]:
    yield from _unused(view, Kind.DECLARE)


def _unused_imports(view: View) -> Iterator[Diagnostic]:
    yield from _unused(view, Kind.IMPORT)


def _unused(view: View, kind: Kind) -> Iterator[Diagnostic]:
    made = view.of_kind(kind)
    if not made or (view.is_root and _is_library(view)):
        return
    for node in made:
        if not view.is_instantiated(node):
            message = f"nothing uses {block_id(node.block)}"
            yield removal(_head(node), message, "remove it", node.block)


def _is_library(view: View) -> bool:
    """Whether other configurations may import the files: Alloy imports only declares and imports."""
    return all(node.kind in {Kind.DECLARE, Kind.IMPORT} for node in view.nodes)


def _hiding(view: View) -> Iterator[Diagnostic]:
    declared = [node for kind in (Kind.DECLARE, Kind.IMPORT) for node in view.of_kind(kind)]
    if declared:
        library = view.is_root and _is_library(view)
        components = set() if library else {each.partition(".")[0] for each in view.language.component_names}
        for node in declared:
            found = _hidden_by_label(view, node, components)
            if found:
                yield finding(
                    _head(node), f"{block_id(node.block)} hides {found} here", "give it another name"
                )
    for node in view.of_kind(Kind.FOREACH):
        yield from _hiding_variable(view, node)


def _hidden_by_label(view: View, node: CheckedNode, components: Container[str]) -> str:
    """What the label of a declare or import hides; "" for nothing. components: first names of Alloy's."""
    label = node.label
    if label in components:
        return f"all components of Alloy whose names begin with {label}"
    outer = view.scope.outer
    around = outer.custom(label) if outer is not None else None
    return f"{block_id(around.block)} of the module around it" if around is not None else ""


def _hiding_variable(view: View, node: CheckedNode) -> Iterator[Diagnostic]:
    for statement in node.body:
        if not isinstance(statement, Attribute) or statement.name.name != "var":
            continue
        try:
            name = view.decided(statement.value, StringType())
        except Undecided:
            return
        hidden = _hidden_by_variable(view, name)
        if hidden:
            span = Span(node.source, statement.start, statement.end)
            yield finding(span, f"the variable {name} hides {hidden} in the template", _RENAME)


def _hidden_by_variable(view: View, name: str) -> str:
    if name in view.language.identifiers or name in view.language.deprecated:
        return f"{name} of the standard library"
    if view.scope.template and name in view.scope.variables - {"module_path"}:
        return "the variable of the foreach around it"
    return f"the blocks whose names begin with {name}" if view.scope.hides(name) else ""


def _module(inside: str = "", use: str = "", around: str = "") -> str:
    return (
        f"{around}"
        f'declare "hosts" {{\n{inside}  export "targets" {{ value = [{{"__address__" = "a"}}] }}\n}}\n'
        f'hosts "a" {{ {use}}}\n'
        'prometheus.scrape "a" {\n  targets    = hosts.a.targets\n  forward_to = []\n}\n'
    )


_PROBE = 'declare "{0}" {{ export "port" {{ value = 80 }} }}\n{0} "b" {{ }}\n'

RULES = (
    Rule(
        "ALY0911",
        "argument that nothing uses",
        "The module never reads the argument. Whoever sets it believes that it has an effect.",
        wrong=_module('  argument "port" { }\n', "port = 80 "),
        right=_module(),
        check=_unused_arguments,
    ),
    Rule(
        "ALY0912",
        "declare that nothing uses",
        "Nothing in the configuration is made from the declare. Files with only declares and imports, which "
        "others may import, are left alone.",
        wrong=_module(around='declare "old" { }\n'),
        right=_module(),
        check=_unused_declares,
    ),
    Rule(
        "ALY0913",
        "import that nothing uses",
        "Nothing in the configuration is made from the imported module, which is read and watched for "
        "nothing.",
        wrong=_module(around='import.string "old" { content = `declare "a" { }` }\n'),
        right=_module(),
        check=_unused_imports,
    ),
    Rule(
        "ALY0914",
        "name that hides another one",
        "The name of a declare, an import or the variable of a foreach already means something else, which "
        "cannot be reached where the new meaning applies.",
        wrong=_module(_PROBE.format("probe"), around=_PROBE.format("probe")),
        right=_module(_PROBE.format("inner"), around=_PROBE.format("probe")),
        check=_hiding,
    ),
)
