"""Modules: what loading would create from a configuration, and all faults it would find.

The root, every instance of a declare, and every item of a foreach is a module with its own values.
Their graphs are built as for running; their values are known as far as the files determine them.
Source: docs/spec/RUNTIME.md, sections 2.2, 2.3, 5.6, 5.7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from alloypy.check.blocks import BlockReader
from alloypy.check.contents import ContentCheck
from alloypy.check.expressions.shapes import ANYTHING, Shape, exactly, of_type
from alloypy.check.findings import Findings, no_pause
from alloypy.check.modules.faults import cycles, head, in_the_way, missing, not_found
from alloypy.check.modules.frames import UNREAD_TEMPLATE, VALUED, Frame, Names
from alloypy.check.modules.imports import ImportReader
from alloypy.check.ports import listener_of
from alloypy.check.scope import CheckedNode, CheckedScope
from alloypy.graph import codes, texts
from alloypy.graph.admission import Gates
from alloypy.graph.build import Surroundings, build
from alloypy.graph.definitions import MAX_MODULES, TOO_MANY_MODULES, Definitions
from alloypy.graph.nodes import Kind, split_custom_name
from alloypy.graph.sections import Sections, body_sections
from alloypy.lang.types import BoolType, StringType
from alloypy.lang.values import Kind as ValueKind
from alloypy.lang.values import Secret
from alloypy.rules.view import Undecided
from alloypy.schema import texts as body_texts
from alloypy.schema.check import check_body
from alloypy.schema.nearest import meant
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Attribute, Block

_MOST = 5_000
"""How many modules are checked with their actual arguments; further ones are checked with any values."""

_ITSELF = "contains itself"
"""Why a module cannot be created inside itself."""

_MOST_TEXT_CHARACTERS = 10_000
"""Up to this many characters, a module's arguments distinguish it from others."""

_FOLLOWS = frozenset({codes.UNKNOWN_COMPONENT, codes.OUT_OF_SCOPE})
"""Faults that may be consequences of others."""

_MAY_BE_SECRET = ("local.file", "remote.http", "remote.s3")
"""Components whose `content` is a secret if `is_secret` is true."""


class Tools(NamedTuple):
    """The tools that check modules."""

    blocks: BlockReader
    imports: ImportReader
    contents: ContentCheck
    findings: Findings
    gates: Gates
    pause: Callable[[], None] = no_pause


class _ModuleKey(NamedTuple):
    """What distinguishes modules: the scope, the module around it, and the arguments (None for any)."""

    scope: int
    home: int
    values: str | None


class _ModuleError(Exception):
    """A module cannot be created in its place; the text says why."""


class ModuleCheck:
    """Creates the modules that loading would create, equal ones only once, and notes their faults."""

    def __init__(self, tools: Tools) -> None:
        self._blocks, self._imports, self._contents, self._findings, self._gates, self._pause = tools
        self._frames: dict[_ModuleKey, Frame] = {}
        self._first: dict[int, Frame] = {}
        self._homes: dict[int, Frame] = {}
        self._loading: list[CheckedScope] = []
        self._own: set[int] = set()
        self._circular = False

    def root(self, scope: CheckedScope, sections: Sections, module_path: str) -> Frame:
        """Load the root with everything in it; then check the declares and templates that it does not use."""
        self._note_own(scope)
        names = Names({"module_path": exactly(module_path)})
        frame = self._new(scope, names, {}, Definitions(None, {}))
        self._load(frame, sections)
        self._findings.harmless = True
        self._check_unused(frame)
        return frame

    @property
    def frames(self) -> Iterable[Frame]:
        """The first module of each scope that has been checked; the root comes first."""
        return self._first.values()

    def _note_own(self, scope: CheckedScope) -> None:
        """Remember the scopes that Alloy's own check covers."""
        self._own.add(id(scope))
        for node in scope.nodes:
            if node.inner is not None:
                self._note_own(node.inner)

    def _check_unused(self, frame: Frame) -> None:
        """Check the unused declares and templates of a module."""
        for node in frame.scope.nodes:
            if node.inner is None:
                continue
            inner = self._first.get(id(node.inner))
            if inner is None:
                try:
                    inner = self._unused(node, node.inner, frame)
                except _ModuleError:
                    continue
            if inner is not None:
                self._check_unused(inner)

    def _unused(self, node: CheckedNode, scope: CheckedScope, frame: Frame) -> Frame | None:
        """The module of a declare or template for unknown arguments. Raises _ModuleError."""
        if node.kind is Kind.DECLARE:
            return self._instance(scope, frame, None)
        return self._item(node, scope, frame, ANYTHING)

    def _new(
        self,
        scope: CheckedScope,
        names: Names,
        given: Mapping[str, Shape] | None,
        definitions: Definitions,
    ) -> Frame:
        definitions.variables = dict.fromkeys(names.all())
        frame = Frame(scope, names, given, definitions, self._exports)
        frame.unused = self._findings.harmless
        self._homes[id(definitions)] = frame
        self._first.setdefault(id(scope), frame)
        return frame

    def _instance(self, scope: CheckedScope, home: Frame, given: Mapping[str, Shape] | None) -> Frame:
        """The module of a custom component whose declare is in `home`. Raises _ModuleError."""
        key = _key(given) if given is not None else None

        def new(known: bool) -> Frame:
            definitions = Definitions(home.definitions, {})
            return self._new(scope, home.names, given if known else None, definitions)

        return self._module(_ModuleKey(id(scope), id(home), key), scope, new)

    def _item(self, node: CheckedNode, scope: CheckedScope, around: Frame, item: Shape) -> Frame | None:
        """The module of an item of a foreach; None if its variable is not known. Raises _ModuleError."""
        variable = self._variable(node, around)
        if variable is None:
            return None

        def new(known: bool) -> Frame:
            names = Names({variable: item if known else ANYTHING}, around)
            return self._new(scope, names, {}, Definitions(around.definitions, {}))

        return self._module(_ModuleKey(id(scope), id(around), _key({variable: item})), scope, new)

    def _variable(self, node: CheckedNode, around: Frame) -> str | None:
        given = self._contents.given(node, around, "var")
        try:
            return None if given is None else str(given.check.decided(given.value, StringType()))
        except Undecided:
            return None

    def _module(self, key: _ModuleKey, scope: CheckedScope, new: Callable[[bool], Frame]) -> Frame:
        """The module for a key; `new` creates it, with known values or without. Raises _ModuleError."""
        if any(scope is each for each in self._loading):
            raise _ModuleError(_ITSELF)
        around = len(self._loading) - 1
        frame = self._frames.get(key)
        if around + (1 if frame is None else frame.height) > MAX_MODULES:
            raise _ModuleError(TOO_MANY_MODULES)
        if frame is not None:
            return frame
        if len(self._frames) >= _MOST and id(scope) in self._first:
            return self._first[id(scope)]
        frame = self._frames[key] = new(key.values is not None and len(self._frames) < _MOST)
        try:
            written = scope.written
            sections = Sections() if written is None else body_sections(written.body, written.source)
        except DiagnosticsError as error:
            self._findings.add(error.diagnostics)
            return frame
        self._load(frame, sections)
        return frame

    def _load(self, frame: Frame, sections: Sections) -> None:
        """Build the graph of a module and check its nodes in evaluation order."""
        scope = frame.scope
        own = id(scope) in self._own
        if not own:
            self._findings.add(self._unlike(scope))
        root = own and scope.outer is None
        built = build(sections, Surroundings(root, frame.definitions, tuple(frame.given or ())), self._gates)
        faulty = own and any(self._findings.is_faulty(node.block, node.source) for node in scope.nodes)
        errors = [each for each in built.diagnostics if each.severity is Severity.ERROR]
        # A faulty block keeps others out of the graph, and then references to those are reported, too.
        self._findings.add(each for each in errors if not (faulty and each.code in _FOLLOWS))
        found = list(cycles(built, scope))
        self._findings.add(found)
        self._circular = self._circular or bool(found)
        nodes = {id(node.block): node for node in scope.nodes}
        order = [nodes.pop(id(node.block)) for node in built.graph.order() if id(node.block) in nodes]
        self._loading.append(scope)
        for node in (*order, *nodes.values()):
            self._pause()
            self._node(node, frame)
        self._loading.pop()

    def _unlike(self, scope: CheckedScope) -> Iterator[Diagnostic]:
        """What Alloy's own check would find in the bodies of an imported module, if it read the module."""
        for node in scope.nodes:
            problem = None
            if node.kind is Kind.COMPONENT:
                problem = self._blocks.resolve(node, scope)
            if problem is not None:
                yield problem
            elif node.arguments is not None and node.kind is not Kind.CUSTOM:
                yield from check_body(node.block, node.body, node.source, node.arguments)

    def _node(self, node: CheckedNode, frame: Frame) -> None:
        if node.kind is not Kind.DECLARE:
            self._findings.add(self._contents.node(node, frame))
        match node.kind:
            case Kind.IMPORT if node.label in frame.definitions.imports:
                frame.definitions.imports[node.label] = self._imports.definitions(node, frame)
            case Kind.FOREACH:
                self._foreach(node, frame)
            case Kind.EXPORT:
                given = self._contents.given(node, frame, "value")
                exported = ANYTHING if given is None else given.check.passed(given.value, node.label)
                frame.exported[node.label] = exported
            case Kind.COMPONENT:
                check = self._contents.values(node.source, frame)
                listener = listener_of(node, check.decided)
                frame.add_listeners([] if listener is None else [listener])
        if node.kind in VALUED:
            self._exports(frame, node)
            if node.kind is not Kind.ARGUMENT:
                self._findings.add(in_the_way(node, frame))
            frame.published.add(node.id.partition(".")[0])

    def _foreach(self, node: CheckedNode, frame: Frame) -> None:
        if node.inner is None:
            self._findings.add([Diagnostic(head(node), texts.NO_TEMPLATE, codes.LOAD_RULE)])
            return
        given = self._contents.given(node, frame, "collection")
        variable = self._variable(node, frame) or ""
        shape = ANYTHING if given is None else given.check.passed(given.value, variable)
        count = shape.length if shape.kind == ValueKind.ARRAY else None
        if shape.kind == ValueKind.NULL:
            count = 0
        for item in [ANYTHING] if count is None else map(shape.part, range(count)):
            try:
                inner = self._item(node, node.inner, frame, item)
            except _ModuleError as reason:
                self._note_failed(node, reason, texts.UPDATING_ITEM)
                return
            if inner is not None:
                self._findings.add(missing(argument, argument) for argument in self._required(inner))
                frame.take_in(inner)

    def _exports(self, frame: Frame, node: CheckedNode) -> Shape:
        """What is known about the value that references to a node find."""
        known = frame.shapes.get(id(node))
        if known is None:
            frame.shapes[id(node)] = ANYTHING  # self-dependence is found as a cycle
            known = frame.shapes[id(node)] = self._find_exports(frame, node)
        return known

    def _find_exports(self, frame: Frame, node: CheckedNode) -> Shape:
        match node.kind:
            case Kind.ARGUMENT:
                return Shape(ValueKind.OBJECT, parts={"value": self._argument(frame, node)})
            case Kind.CUSTOM:
                return self._custom(frame, node)
            case Kind.FOREACH:
                return exactly({})
        if node.arguments is None:
            return ANYTHING
        parts = {a.name: of_type(a.type) for a in node.exports.attributes} if node.exports else {}
        if node.name in _MAY_BE_SECRET and self._is_true(node, frame, "is_secret", unknown=False):
            parts["content"] = Shape(ValueKind.CAPSULE, capsule=Secret.kind)
        return Shape(ValueKind.OBJECT, parts=parts)

    def _is_true(self, node: CheckedNode, frame: Frame, name: str, *, unknown: bool) -> bool:
        """Whether an attribute of a node is true; `unknown` if only running can tell."""
        given = self._contents.given(node, frame, name)
        try:
            return given is not None and bool(given.check.decided(given.value, BoolType()))
        except Undecided:
            return unknown

    def _argument(self, frame: Frame, node: CheckedNode) -> Shape:
        """What is known about an argument's value: the value given to the module, else the default."""
        if frame.given is None:
            return ANYTHING
        if node.label in frame.given:
            return frame.given[node.label]
        if not self._is_true(node, frame, "optional", unknown=True):
            return ANYTHING  # it is missing, which is reported where the module is used
        given = self._contents.given(node, frame, "default")
        return exactly(None) if given is None else given.check.passed(given.value, node.label)

    def _custom(self, frame: Frame, node: CheckedNode) -> Shape:
        """Create the module of a custom component; returns its exports."""
        self._findings.add(_blocks(node))
        namespace, name = split_custom_name(node.name)
        found = frame.definitions.find(namespace, name)
        if found is None:
            self._findings.add([not_found(node, frame.definitions)])
            return ANYTHING
        template, home = found
        if template is UNREAD_TEMPLATE:
            return ANYTHING
        inner = self._blocks.declare(template).inner
        if inner is None:
            return ANYTHING
        given = {
            each.name.name: self._contents.values(node.source, frame).passed(each.value, each.name.name)
            for each in node.body
            if isinstance(each, Attribute)
        }
        try:
            module = self._instance(inner, self._home(home), given)
        except _ModuleError as reason:
            self._note_failed(node, reason, texts.UPDATING)
            return ANYTHING
        self._findings.add(self._misused(node, module))
        frame.take_in(module)
        return Shape(ValueKind.OBJECT, parts=module.exported)

    def _note_failed(self, node: CheckedNode, reason: _ModuleError, prefix: str) -> None:
        text = str(reason)
        if text == _ITSELF:
            if self._circular:
                return  # the cycle has been reported
            text = texts.contains_itself(node.id)
        self._findings.add([Diagnostic(head(node), f"{prefix}: {text}", codes.SELF_REFERENCE)])

    def _home(self, definitions: Definitions) -> Frame:
        """The module that has these definitions."""
        return self._homes.get(id(definitions)) or self._imports.frames[id(definitions)]

    def _misused(self, node: CheckedNode, module: Frame) -> Iterator[Diagnostic]:
        """Arguments that a module does not have, and required ones that are missing."""
        known = [each.label for each in module.scope.nodes if each.kind is Kind.ARGUMENT]
        given = {each.name.name: each for each in node.body if isinstance(each, Attribute)}
        for name, attribute in given.items():
            if name not in known:
                span = Span(node.source, attribute.start, attribute.end)
                message = texts.argument_unknown(name)
                free = [each for each in known if each not in given]
                hint, fix = meant(name, free, attribute.name.start, attribute.name.end + 1)
                yield Diagnostic(span, message, codes.ARGUMENT_UNKNOWN, hint=hint, fix=fix)
        for argument in self._required(module):
            if argument.label not in given:
                yield missing(node, argument)

    def _required(self, module: Frame) -> Iterator[CheckedNode]:
        """The arguments that a module requires."""
        for node in module.scope.nodes:
            if node.kind is Kind.ARGUMENT and not self._is_true(node, module, "optional", unknown=True):
                yield node


def _blocks(node: CheckedNode) -> Iterator[Diagnostic]:
    """The blocks in the body of a custom component, which must not have any."""
    for statement in node.body:
        if isinstance(statement, Block):
            span = Span(node.source, statement.start, statement.end)
            yield Diagnostic(span, body_texts.NESTED_BLOCKS, body_texts.CODES["nested"])


def _key(values: Mapping[str, Shape]) -> str | None:
    """What distinguishes values from others; None if that would be too long."""
    text = repr(sorted(values.items()))
    return text if len(text) <= _MOST_TEXT_CHARACTERS else None
