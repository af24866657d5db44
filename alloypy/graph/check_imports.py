"""Imported modules whose content is at hand: what they define, and what is wrong with their use.

A module that cannot be read here may be there where the configuration runs, so that nothing is said.
Source: RUNTIME spec section 5.6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from alloypy.graph import codes
from alloypy.graph.check_blocks import UNKNOWN_COMPONENT, BlockReader
from alloypy.graph.check_scope import CheckedNode, CheckedScope, arguments_of_module, warning
from alloypy.graph.nodes import IMPORT_NAMES, Kind, split_custom_name
from alloypy.graph.references import inner_expressions
from alloypy.graph.sections import body_sections
from alloypy.lang.evaluator import EvaluationError, evaluate_as
from alloypy.lang.scope import Scope
from alloypy.lang.types import OptionalSecretType, StringType, Type
from alloypy.schema.nearest import did_you_mean
from alloypy.syntax import tree
from alloypy.syntax.config_files import ConfigReadError, parse_config
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.source import Source, Span

_UNDECIDED = frozenset({"constants", "sys", "env"})


class Files(NamedTuple):
    """Access to modules in files.

    read: the sources at a path, None when there is nothing to read.
    module_path: the directory of the configuration.
    """

    read: Callable[[str], Sequence[Source] | None]
    module_path: str


class ImportReader:
    """Reads the content of imports and ties custom components to it."""

    def __init__(self, blocks: BlockReader, environ: Mapping[str, str], files: Files) -> None:
        self._blocks = blocks
        self._environ = environ
        self._files = files
        self._depth = 0

    def attach(self, scope: CheckedScope) -> Iterator[Diagnostic]:
        """Read what the imports of a scope bring, and say what is wrong with the content."""
        for node in list(scope.nodes):
            if node.kind is Kind.IMPORT and node.inner is None and self._depth < 16:
                yield from self._import(node)

    def _import(self, node: CheckedNode) -> Iterator[Diagnostic]:
        sources = self._sources(node)
        if sources is None:
            return
        inner = CheckedScope(None, root=False, template=False)
        try:
            files = parse_config(sources)
        except DiagnosticsError as error:
            yield from (self._in_module(node, diagnostic) for diagnostic in error.diagnostics)
            node.inner = inner
            return
        except ConfigReadError as error:
            yield warning(_header(node), f"{node.id}: {error}", codes.MODULE_CONTENT)
            node.inner = inner
            return
        for file in files:
            blocks, refused = _allowed(file.body)
            if refused is not None:
                message = f"only declare and import blocks are allowed in a module, got {_name_of(refused)}"
                span = Span(file.source, refused.start, refused.end)
                yield self._in_module(node, Diagnostic(span, message, codes.MODULE_CONTENT))
            self._blocks.fill(inner, body_sections(blocks, file.source))
        node.inner = inner
        self._depth += 1
        yield from self.attach(inner)
        self._depth -= 1

    def _in_module(self, node: CheckedNode, diagnostic: Diagnostic) -> Diagnostic:
        """A fault of the content; of content written in a string, at the import, since it has no file."""
        warned = diagnostic._replace(severity=Severity.WARNING)
        if node.name != "import.string":
            return warned
        span = Span(node.source, node.block.start, node.block.lcurly)
        return warned._replace(span=span, message=str(diagnostic), code=codes.MODULE_CONTENT)

    def _sources(self, node: CheckedNode) -> Sequence[Source] | None:
        if node.name == "import.string":
            content = self._value(node, "content", OptionalSecretType())
            return None if content is None else [Source(node.label, content.reveal().encode())]
        if node.name == "import.file":
            path = self._value(node, "filename", StringType())
            return self._files.read(path) if path else None
        return None

    def _value(self, node: CheckedNode, name: str, type_: Type) -> Any:
        for statement in node.body:
            if isinstance(statement, tree.Attribute) and statement.name.name == name:
                return self._decided(statement.value, node.source, type_)
        return None

    def _decided(self, value: tree.Expression, source: Source, type_: Type) -> Any:
        """The value of an expression that needs nothing but the file and where it lies, else None."""
        if any(name in _UNDECIDED for name in _identifiers(value)):
            return None
        from alloypy.lang.stdlib import Stdlib
        from alloypy.lang.stdlib.constants import Platform

        scope = Scope({"module_path": self._files.module_path}, Stdlib(self._environ, Platform()))
        try:
            return evaluate_as(value, type_, source, scope)
        except (DiagnosticsError, EvaluationError):
            return None


def tie_instances(scope: CheckedScope) -> Iterator[Diagnostic]:
    """Tie the custom components of a scope to the declares they are made from; say where there is none."""
    for node in scope.nodes:
        origin = node.made_from
        if node.kind is not Kind.CUSTOM or origin is None:
            continue
        namespace, name = split_custom_name(node.name)
        declare: CheckedNode | None = origin
        if origin.kind is Kind.IMPORT and namespace:
            if origin.inner is None:
                continue
            declare = origin.inner.customs.get(name)
            if declare is not None and declare.kind is Kind.DECLARE and declare.inner is not None:
                node.made_from = declare
                yield from _arguments(node, declare.inner)
        elif bool(namespace) or origin.kind is Kind.IMPORT:
            declare = None
        if declare is None or declare.kind is not Kind.DECLARE or not declare.block.body:
            yield _not_found(node, namespace, name, origin)


def _arguments(node: CheckedNode, module: CheckedScope) -> Iterator[Diagnostic]:
    """Arguments that an imported module does not have, and those it misses."""
    spec = arguments_of_module(module.arguments)
    node.arguments = spec
    given = set()
    for statement in node.body:
        if isinstance(statement, tree.Attribute):
            name = statement.name.name
            given.add(name)
            if name not in spec.lookup:
                span = Span(node.source, statement.start, statement.end)
                message = f'Provided argument "{name}" is not defined in the module'
                yield Diagnostic(span, message, "ALY0406", hint=did_you_mean(name, spec.lookup))
    for member in spec.required:
        if member.name not in given:
            message = f'missing required argument "{member.name}" to module'
            yield Diagnostic(_header(node), message, "ALY0305")


def _not_found(node: CheckedNode, namespace: str, name: str, origin: CheckedNode) -> Diagnostic:
    message = (
        "loading custom component controller: custom component config not found in the registry, "
        f'namespace: "{namespace}", componentName: "{name}"'
    )
    hint = ""
    if origin.kind is Kind.DECLARE and not namespace:
        hint = "a declare without any block cannot be used"
    elif origin.inner is not None and origin.kind is Kind.IMPORT:
        hint = did_you_mean(name, origin.inner.customs)
    return Diagnostic(_header(node), message, UNKNOWN_COMPONENT, hint=hint)


def _header(node: CheckedNode) -> Span:
    return Span(node.source, node.block.start, node.block.lcurly)


def _allowed(body: Sequence[tree.Statement]) -> tuple[list[tree.Block], tree.Statement | None]:
    """The blocks of a module up to the first that may not be there, and that one."""
    blocks: list[tree.Block] = []
    for statement in body:
        if not isinstance(statement, tree.Block) or statement.full_name not in {"declare", *IMPORT_NAMES}:
            return blocks, statement
        blocks.append(statement)
    return blocks, None


def _name_of(statement: tree.Statement) -> str:
    return statement.full_name if isinstance(statement, tree.Block) else statement.name.name


def _identifiers(node: tree.Expression) -> Iterator[str]:
    """The names at the beginning of every chain in an expression."""
    waiting: list[tree.Expression] = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tree.Identifier):
            yield part.name
        waiting += inner_expressions(part)
