"""Where secrets are in a configuration's text: literals given to secret settings, and parts of literals.

The specs in a vocabulary say which settings of components and blocks are secret;
`alloypy.lang.secrecy` judges names without a spec, and texts by their form.
"""

from __future__ import annotations

from collections.abc import Sequence

from alloypy.graph.references import inner_expressions
from alloypy.lang.secrecy import names_secret, names_url, secret_keys
from alloypy.redaction.texts import Located, joined, located, located_text, secret_spans, stand_in
from alloypy.schema.nearest import nearest
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec
from alloypy.schema.vocabulary import Vocabulary
from alloypy.syntax.nesting import allow_recursion
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import (
    Access,
    Array,
    Attribute,
    Binary,
    Block,
    Call,
    Expression,
    Field,
    File,
    Identifier,
    Index,
    Literal,
    Object,
    Paren,
    Statement,
)

_ENVIRONMENT = ("env", "sys.env")
_FORMATS = ("format", "string.format")
_JOINS = ("join", "string.join")


def secret_places(file: File, vocabulary: Vocabulary, *, comments: bool = True) -> list[Span]:
    """The places of all secrets in a file, optionally also in comments; without the quotes of literals."""
    allow_recursion()
    finder = _Finder(file.source, vocabulary)
    finder.top(file.body)
    for group in file.comments if comments else ():
        for comment in group:
            data = file.source.data[comment.start : comment.end + 1]
            finder.found += secret_spans(file.source, located_text(data, comment.start, raw=True), url=False)
    return finder.found


class _Finder:
    def __init__(self, source: Source, vocabulary: Vocabulary) -> None:
        self._source = source
        self._vocabulary = vocabulary
        self.found: list[Span] = []

    def top(self, statements: Sequence[Statement]) -> None:
        """Search components and config blocks, also inside declares and templates."""
        for statement in statements:
            if isinstance(statement, Attribute):
                self._attribute(statement, None)
            else:
                self._block(statement)

    def _block(self, block: Block) -> None:
        name = block.full_name
        if name in ("argument", "export"):
            for statement in block.body:
                if isinstance(statement, Attribute):
                    called = (
                        block.label if statement.name.name in ("default", "value") else statement.name.name
                    )
                    self._value(statement.value, called, names_secret(called))
            return
        if name == "foreach":
            self._foreach(block)
            return
        entry = self._vocabulary.component(name) or self._vocabulary.block(name)
        if entry is None or entry.arguments is None:
            self._paired(block.body)
            self.top(block.body)
        else:
            self._body(block.body, entry.arguments)

    def _foreach(self, block: Block) -> None:
        """Search a foreach; its collection is secret if the name of its variable is."""
        attributes = {each.name.name: each.value for each in block.body if isinstance(each, Attribute)}
        called = _text(attributes.get("var"))
        for statement in block.body:
            if isinstance(statement, Block):
                self.top(statement.body if statement.full_name == "template" else [statement])
            else:
                named = called if statement.name.name == "collection" else statement.name.name
                self._value(statement.value, named, names_secret(named))

    def _body(self, body: Sequence[Statement], spec: Spec) -> None:
        self._paired(body)
        for statement in body:
            if isinstance(statement, Attribute):
                self._attribute(statement, spec)
                continue
            name = statement.full_name
            inner = spec.groups.get(name) or spec.lookup.get(name)
            if isinstance(inner, BlockSpec):
                self._body(statement.body, inner.body)
            else:
                self._block(statement)

    def _paired(self, body: Sequence[Statement]) -> None:
        """Attributes that are secret because of a neighbour, as in `name = "TOKEN"`, `value = ...`."""
        given = {each.name.name: each.value for each in body if isinstance(each, Attribute)}
        for name in secret_keys("", {name: _text(value) for name, value in given.items()}):
            self._value(given[name], name, secret=True)

    def _attribute(self, attribute: Attribute, spec: Spec | None) -> None:
        name = attribute.name.name
        self._value(attribute.value, name, names_secret(name) or _declared_secret(name, spec))

    def _value(self, node: Expression, name: str, secret: bool) -> None:
        """What is secret in a value; all of it if `secret`."""
        match node:
            case Literal():
                self._literal(node, name, secret)
            case Object():
                self._object(node, name, secret)
            case Call():
                self._call(node, name, secret)
            case Index(index=Literal()):
                self._value(node.value, name, secret)
            case Binary(op="+"):
                self._texts(_summands(node), name)
                self._parts(node, name, secret)
            case _:
                self._parts(node, name, secret)

    def _parts(self, node: Expression, name: str, secret: bool) -> None:
        waiting = inner_expressions(node)
        if isinstance(node, Binary):  # operands of a long sum, without recursion
            waiting = _operands(node)
        for part in waiting:
            self._value(part, name, secret)

    def _literal(self, node: Literal, name: str, secret: bool) -> None:
        if node.kind == "STRING":
            if not secret:
                self.found += secret_spans(self._source, located(self._source, node), url=names_url(name))
            elif node.end - node.start > 1:
                self.found.append(Span(self._source, node.start + 1, node.end - 1))
        elif secret and node.kind in ("NUMBER", "FLOAT"):
            self.found.append(Span(self._source, node.start, node.end))

    def _object(self, node: Object, name: str, secret: bool) -> None:
        secret = secret and not name.endswith("auth")  # a block written as an attribute: its keys decide
        keys = secret_keys(name, {_key(field): _text(field.value) for field in node.fields})
        for field in node.fields:
            key = _key(field)
            self._value(field.value, key, secret or key in keys)

    def _call(self, node: Call, name: str, secret: bool) -> None:
        called = _called(node.value)
        if called in _ENVIRONMENT:
            return
        if called == "json_path":
            if node.args:
                self._value(node.args[0], name, secret)
            return
        if called in _FORMATS and node.args:
            self._texts(self._formatted(node.args), name)
        elif called in _JOINS and node.args:
            self._texts(self._spread(node.args), name)
        self._value(node.value, name, secret=False)
        for argument in node.args:
            self._value(argument, name, secret)

    def _formatted(self, args: Sequence[Expression]) -> list[Located]:
        """The parts of a format, with the arguments in place of the verbs."""
        form, rest = self._known(args[0]), iter(args[1:])
        parts: list[Located] = []
        at = 0
        while (verb := form.text.find("%", at)) >= 0 and verb + 1 < len(form.text):
            parts.append(Located(form.text[at:verb], form.places[at:verb]))
            value = next(rest, None) if form.text[verb + 1] != "%" else None
            parts += [] if value is None else [self._known(value)]
            at = verb + 2
        return [*parts, Located(form.text[at:], form.places[at:])]

    def _spread(self, args: Sequence[Expression]) -> list[Located]:
        """The elements of a list, with the separator between them."""
        elements = args[0].elements if isinstance(args[0], Array) else args[:1]
        separator = [self._known(args[1])] if len(args) > 1 else []
        return [part for each in elements for part in (*separator, self._known(each))][len(separator) :]

    def _known(self, node: Expression) -> Located:
        if isinstance(node, Binary) and node.op == "+":
            return joined([self._known(each) for each in _summands(node)])
        if isinstance(node, Literal) and node.kind == "STRING":
            return located(self._source, node)
        return stand_in()

    def _texts(self, parts: Sequence[Expression] | Sequence[Located], name: str) -> None:
        """What is secret in a text that is put together from several."""
        known = [part if isinstance(part, Located) else self._known(part) for part in parts]
        self.found += secret_spans(self._source, joined(known), url=names_url(name))


def _declared_secret(name: str, spec: Spec | None) -> bool:
    """Whether the attribute, or the one that was probably meant, is secret by its spec."""
    if spec is None:
        return False
    member = spec.lookup.get(name)
    if member is None and not name.endswith(("_file", "_url")):
        meant = nearest(name, [each.name for each in spec.attributes])
        member = spec.lookup.get(meant) if meant is not None else None
    return isinstance(member, AttributeSpec) and member.secret


def _summands(node: Binary) -> list[Expression]:
    """The operands of a sum, in order."""
    waiting: list[Expression] = [node]
    found: list[Expression] = []
    while waiting:
        part = waiting.pop()
        if isinstance(part, Binary) and part.op == "+":
            waiting += [part.right, part.left]
        elif isinstance(part, Paren):
            waiting.append(part.inner)
        else:
            found.append(part)
    return found


def _operands(node: Binary) -> list[Expression]:
    """The operands of a row of operators, in order."""
    waiting: list[Expression] = [node]
    found: list[Expression] = []
    while waiting:
        part = waiting.pop()
        if isinstance(part, Binary):
            waiting += [part.right, part.left]
        else:
            found.append(part)
    return found


def _called(node: Expression) -> str:
    """The name of a function, such as `sys.env`."""
    names: list[str] = []
    while isinstance(node, Access):
        names.append(node.name.name)
        node = node.value
    return ".".join([node.name, *reversed(names)]) if isinstance(node, Identifier) else ""


def _key(field: Field) -> str:
    return located_text(field.name.encode("utf-8", "surrogateescape"), 0, raw=False).text


def _text(node: Expression | None) -> str:
    if isinstance(node, Literal) and node.kind == "STRING":
        return located_text(
            node.text[1:-1].encode("utf-8", "surrogateescape"), 0, raw=node.text[0] == "`"
        ).text
    return ""
