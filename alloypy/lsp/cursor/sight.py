"""What can be named at a place: across the files of its configuration, and in the standard library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from alloypy.check.expressions.library import result_of
from alloypy.check.expressions.shapes import ANYTHING, STRING, Shape, mismatch, of_type
from alloypy.check.scope import arguments_of_module
from alloypy.lang.evaluation.functions import LibraryFunction
from alloypy.lang.types import (
    AnyType,
    BytesType,
    DurationType,
    ObjectType,
    OptionalSecretType,
    SecretType,
    StringType,
    TextType,
    Type,
)
from alloypy.lsp.cursor.library import library_names
from alloypy.lsp.cursor.values import PASSED_ON, element_of, is_list, is_made_by_components, names_of, plain
from alloypy.lsp.workspace.project import Home, Project
from alloypy.lsp.workspace.symbols import Declaration, Kind
from alloypy.lsp.workspace.unit import Declared, Module, Unit

if TYPE_CHECKING:
    from alloypy.lsp.documents.document import Document
    from alloypy.lsp.workspace.workspace import Workspace
    from alloypy.schema.spec import Spec

_FROM_BYTES = AnyType | BytesType | StringType | TextType | DurationType
"""What bytes may become, those that are a text included."""

_DEEPEST = 3
"""Levels of modules and aliases that are followed to find out the type of a custom component's export."""


class Source(Enum):
    """Where a name comes from."""

    COMPONENT = "component"
    ARGUMENT = "argument"
    VARIABLE = "variable"
    FUNCTION = "function"
    CONSTANT = "constant"


class Name(NamedTuple):
    """Something that an expression can name.

    chain: its names, which dots join. shape: what is known about its value; of a function, about its result.
    type: its declared type, if it has one. of: the component, for documentation. file: the path of the text
    that declares it, if one does.
    """

    chain: tuple[str, ...]
    source: Source
    shape: Shape = ANYTHING
    type: Type | None = None
    of: str = ""
    deprecated: bool = False
    experimental: bool = False
    function: LibraryFunction | None = None
    file: str = ""

    @property
    def text(self) -> str:
        """The name as it is written."""
        return ".".join(self.chain)

    def fits(self, type_: Type | None) -> bool:
        """Whether its value may be used where a type is wanted."""
        if type_ is None:
            return True
        if mismatch(self.shape, type_) is not None:
            return False
        if self.function is not None and not self._may_give(self.function, type_):
            return False
        own, other = (element_of(each) if is_list(each) else None for each in (self.type, type_))
        return own is None or other is None or mismatch(of_type(own), other) is None

    def is_of(self, type_: Type | None) -> bool:
        """Whether its value is of that type, without a conversion that may fail."""
        if type_ is None or not (kind := of_type(type_).kind):
            return True
        secret = isinstance(plain(type_), SecretType | OptionalSecretType)
        return self.shape.kind == kind or (secret and self.shape.kind == STRING.kind)

    def _may_give(self, function: LibraryFunction, type_: Type) -> bool:
        """Whether the result of a function may be of a type, where its shape does not tell."""
        if is_made_by_components(type_):
            return self.text in PASSED_ON
        return function.manual.gives != "bytes" or isinstance(plain(type_), _FROM_BYTES)


MODULE_PATH = Name(("module_path",), Source.VARIABLE, STRING)
"""The directory of the module."""


class Sight:
    """What can be named at one place of a text.

    beside: files that count as well, although they do not belong to the configuration of the text.
    """

    def __init__(
        self, workspace: Workspace, document: Document, offset: int, beside: tuple[str, ...] = ()
    ) -> None:
        self._workspace = workspace
        self._document = document
        self._offset = offset
        self._beside = beside
        self._language = workspace.language(document.path)
        self.project = Project(workspace)
        self.project.keep(document)

    @cached_property
    def unit(self) -> Unit:
        """The configuration that the text belongs to."""
        if self._beside:
            return self.project.unit((self._document.path, *self._beside))
        found = self.project.unit_of(self._document.path)
        if self._document in found.documents:
            return found
        return Unit([self._document])  # no file, or not one of those that form a configuration

    @cached_property
    def module(self) -> Module:
        """The module around the place."""
        found = self.unit.module_at(self._document.path, self._offset)
        return found or self.unit.roots[0]

    @cached_property
    def own(self) -> Declaration | None:
        """The block of the module that the place is in, which cannot name itself."""
        return self.module.scope.holder_at(self._offset - self.module.place.section.start)

    @cached_property
    def names(self) -> tuple[Name, ...]:
        """Everything that an expression at the place can name."""
        return (*self.declared, MODULE_PATH, *self.library)

    @cached_property
    def neighbours(self) -> Sight | None:
        """The same with the other files of the directory, while it would take a reference to join them."""
        beside = self._workspace.neighbours(self._document.path) if not self._beside else ()
        return Sight(self._workspace, self._document, self._offset, beside) if beside else None

    @cached_property
    def library(self) -> tuple[Name, ...]:
        """The functions and constants of the standard library."""
        return tuple(
            Name(
                each.chain,
                Source.CONSTANT if each.function is None else Source.FUNCTION,
                STRING if each.function is None else result_of(each.function),
                deprecated=each.deprecated,
                experimental=each.experimental,
                function=each.function,
            )
            for each in library_names(self._language)
        )

    @cached_property
    def declared(self) -> tuple[Name, ...]:
        """The names of components, arguments and variables, without the library."""
        return tuple(self._declared())

    def _declared(self) -> Iterator[Name]:
        for declared in self.unit.visible(self.module):
            each = declared.declaration
            if each is self.own:
                continue
            if each.kind is Kind.VARIABLE:
                yield Name((each.id,), Source.VARIABLE)
            elif each.kind is Kind.ARGUMENT:
                yield Name((*each.id.split("."), "value"), Source.ARGUMENT)
            elif each.kind is Kind.COMPONENT:
                file = declared.place.document.path
                yield from (name._replace(file=file) for name in self._exports(declared))

    def _exports(self, declared: Declared) -> Iterator[Name]:
        each = declared.declaration
        chain = tuple(each.id.split("."))
        component = self._language.component(each.name)
        if component is not None:
            for export in component.exports.attributes if component.exports is not None else ():
                yield from _nested((*chain, export.name), export.type, each.name)
            return
        home = self.project.home(self.unit, declared.module, each)
        for export_block in exports_of(home):
            type_ = self.type_of_export(export_block)
            name = (*chain, export_block.declaration.label)
            yield Name(
                name, Source.COMPONENT, ANYTHING if type_ is None else of_type(type_), type_, each.name
            )

    def type_of_export(self, declared: Declared, depth: int = 0) -> Type | None:
        """The type of the value of an `export` block, if it only passes on that of a component."""
        value = next(
            (each.value for each in declared.declaration.attributes if each.name.name == "value"), None
        )
        chain = names_of(value) if value is not None else None
        if chain is None or depth == _DEEPEST:
            return None
        unit = (
            self.unit if declared.place.document in self.unit.documents else Unit([declared.place.document])
        )
        return self._type_of_chain(chain, unit, declared.module, depth)

    def _type_of_chain(self, chain: Sequence[str], unit: Unit, module: Module, depth: int) -> Type | None:
        meaning = unit.meaning(chain, module)
        if meaning is None or len(chain) != meaning.used + 1:
            return None
        found = meaning.declared
        component = self._language.component(found.declaration.name)
        if component is not None and component.exports is not None:
            return next((each.type for each in component.exports.attributes if each.name == chain[-1]), None)
        export = (home := self.project.home(unit, found.module, found.declaration)) and home.exports(
            chain[-1]
        )
        return self.type_of_export(export, depth + 1) if export else None

    # Custom components

    @cached_property
    def customs(self) -> Mapping[str, Home]:
        """The custom components that a block at the place can be, by their names."""
        found: dict[str, Home] = {}
        for declared in self.unit.customs(self.module):
            label = declared.declaration.label
            if declared.declaration.kind is Kind.DECLARE:
                if label and declared.declaration is not self.own:
                    found.setdefault(label, Home(declared, declared))
                continue
            content = self.project.imported(declared)
            for each in content.declarations if content is not None else ():
                inner = each.declaration
                if inner.kind is Kind.DECLARE and inner.scope.outer is None and label and inner.label:
                    found.setdefault(f"{label}.{inner.label}", Home(declared, each))
        return found

    def home(self, name: str) -> Home | None:
        """Where the custom components of a name come from; without its declare if that is not known."""
        if name in self.customs:
            return self.customs[name]
        first = name.partition(".")[0]
        providers = (each for each in self.unit.customs(self.module) if each.declaration.label == first)
        return next((Home(each, None) for each in providers), None)

    def custom_arguments(self, name: str) -> Spec | None:
        """What the body of a custom component may contain; None if that is not known."""
        home = self.customs.get(name)
        return arguments_of(home) if home is not None else None


def arguments_of(home: Home) -> Spec | None:
    """What the body of a custom component may contain; None if its declare is not known."""
    if home.declare is None:
        return None
    return arguments_of_module([each.declaration.block for each in _ports(home, Kind.ARGUMENT)])


def exports_of(home: Home | None) -> list[Declared]:
    """The `export` blocks of a custom component."""
    return _ports(home, Kind.EXPORT) if home is not None else []


def _ports(home: Home, kind: Kind) -> list[Declared]:
    return [
        Declared(module.place, each)
        for module in (home.declare.inside if home.declare is not None else ())
        for each in module.scope.declarations
        if each.kind is kind and each.label
    ]


def _nested(chain: tuple[str, ...], type_: Type, component: str) -> Iterator[Name]:
    """An export, and the fields of an object that it is."""
    yield Name(chain, Source.COMPONENT, of_type(type_), type_, component)
    inner = plain(type_)
    if isinstance(inner, ObjectType):
        for field in inner.fields:
            yield Name((*chain, field.name), Source.COMPONENT, of_type(field.type), field.type, component)
