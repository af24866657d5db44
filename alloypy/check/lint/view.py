"""What rules see: one module as written, and the values in it that the files alone determine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from alloypy.check.expressions.shapes import Shape
from alloypy.check.expressions.values import ValueCheck
from alloypy.check.modules.frames import Frame
from alloypy.check.scope import CheckedNode, CheckedScope, Language
from alloypy.graph.nodes import Kind
from alloypy.graph.references import Chain, chains, inner_expressions
from alloypy.lang import types as wanted
from alloypy.lang.types import Type
from alloypy.rules.body import Body as Values
from alloypy.rules.body import Reader
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec
from alloypy.syntax import tree
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Attribute, Block, Expression, File, Statement

E = TypeVar("E", bound=Expression)


class Body(Values):
    """The body of a top-level block or of a block inside it, with its place in the configuration.

    `text`, `get`, `filled`, `given`, `blocks` and `grouped` read its values, defaults included; they raise
    Undecided where only running can tell.

    path: names of component and inner blocks, such as `loki.process/stage.json`.
    node: the top-level block. syntax: the block itself in the tree.
    outer: the body around it, None for a top-level one.
    """

    __slots__ = ("node", "outer", "path", "syntax")

    def __init__(
        self, place: tuple[CheckedNode, Block, str], outer: Body | None, spec: Spec, read: Reader
    ) -> None:
        self.node, self.syntax, self.path = place
        self.outer = outer
        statements = self.node.body if outer is None else self.syntax.body
        super().__init__(spec, statements, read)

    @property
    def source(self) -> Source:
        """The text that contains it."""
        return self.node.source

    @property
    def head(self) -> Span:
        """The block's name and label, for findings about the block as a whole."""
        return Span(self.source, self.syntax.start, self.syntax.lcurly)

    def written(self, name: str) -> Attribute | None:
        """The attribute of that name, if it is written; of several, which is a fault, the last one."""
        found = None
        for statement in self.statements:
            if isinstance(statement, Attribute) and statement.name.name == name:
                found = statement
        return found

    def attributes(self) -> Iterator[tuple[Attribute, Type | None]]:
        """Its attributes, each with the type that it wants; None for an unknown attribute."""
        for statement in self.statements:
            if isinstance(statement, Attribute):
                yield statement, self.type_of(statement)

    def type_of(self, attribute: Attribute) -> Type | None:
        """The type that an attribute of this body wants, without its being optional; None if unknown."""
        if self.spec.free is not None:
            return self.spec.free
        member = self.spec.lookup.get(attribute.name.name)
        type_ = member.type if isinstance(member, AttributeSpec) else None
        return type_.inner if isinstance(type_, wanted.NullableType) else type_


class Written(Generic[E]):
    """An expression in its place.

    around: the expression that it is a direct part of; None for the whole value of an attribute.
    body: None in blocks whose content is not known.
    """

    __slots__ = ("around", "attribute", "body", "expression", "node")

    def __init__(
        self,
        expression: E,
        around: Expression | None,
        attribute: Attribute,
        place: tuple[Body | None, CheckedNode],
    ) -> None:
        self.expression = expression
        self.around = around
        self.attribute = attribute
        self.body, self.node = place

    @property
    def source(self) -> Source:
        """The text that contains it."""
        return self.node.source

    @property
    def span(self) -> Span:
        """The place of the expression."""
        return Span(self.node.source, self.expression.start, self.expression.end)


class View:
    """One module as written: the root, the body of a declare, or the template of a foreach.

    Values that depend on a module's arguments, on the item of a foreach or on anything outside the files
    are undecided.

    scope: its blocks. outer: the module around it, None for the root. own: whether it is written in the
    files that are checked, not in imported ones. all: every module of the configuration, the root first.
    templates: the templates of its foreach blocks. files: the files that are checked. language: what exists.
    """

    def __init__(
        self, scope: CheckedScope, frame: Frame, values: Callable[[Frame], ValueCheck], around: Around
    ) -> None:
        self.scope = scope
        self.frame = frame
        self.outer, self.all = around.outer, around.all
        self.files, self.language = around.files, around.language
        self.own = False
        self.templates: list[View] = []
        self._check = values(frame)
        self._bodies: list[Body] | None = None
        self._expressions: dict[type, list[Written[Any]]] = {}
        self._chains: list[tuple[CheckedNode, Chain]] | None = None
        self._origins: frozenset[int] | None = None

    @property
    def is_root(self) -> bool:
        """Whether it is the configuration itself, not a module in it."""
        return self.outer is None and self.scope.root

    @property
    def nodes(self) -> list[CheckedNode]:
        """Its top-level blocks, in Alloy's order: declares, config blocks, components, services."""
        return list(self.scope.nodes)

    def of_kind(self, kind: Kind) -> list[CheckedNode]:
        """Its top-level blocks of a kind."""
        return [node for node in self.scope.nodes if node.kind is kind]

    def used(self, node: CheckedNode) -> bool:
        """Whether any expression refers to the node."""
        return node.used

    def declared(self, node: CheckedNode) -> CheckedNode | None:
        """The declare or import that a custom component comes from, if it is in the checked files."""
        return self.scope.custom(node.block.name[0])

    def is_instantiated(self, node: CheckedNode) -> bool:
        """Whether a custom component anywhere comes from a declare or an import."""
        if self is not self.all[0]:
            return self.all[0].is_instantiated(node)
        if self._origins is None:
            made = ((view, each) for view in self.all for each in view.of_kind(Kind.CUSTOM))
            self._origins = frozenset(id(view.declared(each)) for view, each in made)
        return id(node) in self._origins

    def bodies(self) -> Sequence[Body]:
        """The bodies of all top-level blocks, and of the blocks inside them, depth first in source order.

        Blocks whose content is not known are left out.
        """
        if self._bodies is None:
            self._walk()
        return self._bodies or ()

    def expressions(self, kind: type[E]) -> Sequence[Written[E]]:
        """All expressions of a class of the tree, those inside of others included, in source order."""
        if self._bodies is None:
            self._walk()
        return self._expressions.get(kind, ())

    def calls(self, *names: str) -> Iterator[Written[tree.Call]]:
        """The calls of functions of the standard library, such as `coalesce` or `sys.env`."""
        for call in self.expressions(tree.Call):
            if self.function(call.expression) in names:
                yield call

    def function(self, call: tree.Call) -> str:
        """The function of the standard library that is called, as written; "" for anything else."""
        names: list[str] = []
        node = call.value
        while isinstance(node, tree.Access):
            names.append(node.name.name)
            node = node.value
        if not isinstance(node, tree.Identifier) or self.frame.hides(node.name):
            return ""
        known = node.name in self.language.identifiers or node.name in self.language.deprecated
        return ".".join([node.name, *reversed(names)]) if known else ""

    def chains(self) -> Sequence[tuple[CheckedNode, Chain]]:
        """All chains of names in expressions, each with the top-level block that contains it."""
        if self._chains is None:
            self._chains = [(node, chain) for node in self.nodes for chain in chains(node.body)]
        return self._chains

    def decided(self, expression: Expression, type_: Type | None = None) -> Any:
        """The value of an expression, decoded as a type, if the files alone determine it.

        Raises Undecided, also for faulty expressions.
        """
        return self._check.decided(expression, wanted.AnyType() if type_ is None else type_)

    def shape(self, expression: Expression) -> Shape:
        """What is known about the value of an expression: its kind, its parts, perhaps the value."""
        return self._check.shape(expression)

    @property
    def secrets(self) -> set[str]:
        """Texts found so far that messages must not contain."""
        return self._check.secrets

    def _walk(self) -> None:
        self._bodies = []
        for node in self.scope.nodes:
            body = None
            if node.arguments is not None:
                body = Body((node, node.block, node.name), None, node.arguments, self._check.decided)
            self._statements(node.body, node, body)

    def _statements(self, statements: Sequence[Statement], node: CheckedNode, body: Body | None) -> None:
        if body is not None and self._bodies is not None:
            self._bodies.append(body)
        for statement in statements:
            if isinstance(statement, Attribute):
                self._expression(statement.value, None, statement, (body, node))
            else:
                self._statements(statement.body, node, self._inside(statement, node, body))

    def _inside(self, block: Block, node: CheckedNode, body: Body | None) -> Body | None:
        """The body of an inner block; None if its content is not known."""
        if body is None:
            return None
        name = block.full_name
        member = body.spec.groups.get(name) or body.spec.lookup.get(name)
        if not isinstance(member, BlockSpec):
            return None
        return Body((node, block, f"{body.path}/{name}"), body, member.body, self._check.decided)

    def _expression(
        self,
        expression: Expression,
        around: Expression | None,
        attribute: Attribute,
        place: tuple[Body | None, CheckedNode],
    ) -> None:
        kind = type(expression)
        if kind is not tree.Literal:
            for inner in inner_expressions(expression):
                self._expression(inner, expression, attribute, place)
        self._expressions.setdefault(kind, []).append(Written(expression, around, attribute, place))


class Around:
    """What a view shares with others: the module around it, all views, the files and the language."""

    __slots__ = ("all", "files", "language", "outer")

    def __init__(
        self, outer: View | None, views: Sequence[View], files: Sequence[File], language: Language
    ) -> None:
        self.outer = outer
        self.all = views
        self.files = files
        self.language = language
