"""Imports: content that holds definitions, followed as it changes.

New content replaces the definitions only if all of it is valid; until then the old ones stay.
Source: docs/spec/RUNTIME.md, section 5.6.
"""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from alloypy.graph.definitions import Definitions, imported_definitions
from alloypy.graph.imported import Content, Tally
from alloypy.graph.nodes import Kind, Node
from alloypy.graph.sections import Placed
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.values import Variables
from alloypy.runtime.blocks.modules import (
    ImportFileArguments,
    ImportGitArguments,
    ImportStringArguments,
)
from alloypy.runtime.contract.faults import Body, NodeError, decode_arguments
from alloypy.runtime.contract.health import Health, healthy, unhealthy, unknown
from alloypy.runtime.contract.logs import FieldLogger
from alloypy.runtime.evaluating.evaluation import Evaluation
from alloypy.runtime.evaluating.import_sources import (
    FileSource,
    GitSource,
    HTTPSource,
    ImportSource,
    SourceError,
    StringSource,
)
from alloypy.runtime.pace import WORK_SECONDS, computed
from alloypy.runtime.running.context import Context
from alloypy.runtime.running.instances import Instance, Words
from alloypy.runtime.running.modules import Module
from alloypy.schema.vocabulary import Vocabulary
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Block, File

T = TypeVar("T")


class ContentError(Exception):
    """Content is not valid: the message to log, its fields, and the health message."""

    def __init__(self, message: str, fields: Mapping[str, str], health: str) -> None:
        self.fields = dict(fields)
        self.health = health
        super().__init__(message)


async def evaluate_import(evaluation: Evaluation, node: Node) -> None:
    """Evaluate an import block, and read its content if its arguments are new. Raises NodeError."""
    variables = evaluation.state.built.definitions.variables
    home = evaluation.context.options.storage / evaluation.module.global_id(node.id)
    place = await _place(evaluation.context, node, evaluation.scope, variables, evaluation.module, home)
    old = evaluation.living(node, ImportInstance)
    if old is not None and old.arguments == place.arguments:
        instance = old
    else:
        instance = ImportInstance(evaluation.context, node, evaluation.module, place)
        await instance.read()
    evaluation.settle(node, instance, new=instance is not old)
    if evaluation.whole:
        evaluation.state.built.definitions.imports[node.label] = instance.definitions


class _Place(NamedTuple):
    """Where an import block's content is: the decoded arguments, and the source that reads it.

    home: the directory for what the import keeps, and for the imports inside the content.
    """

    arguments: Any
    source: ImportSource
    home: Path


async def _place(
    context: Context, node: Node, scope: Scope, variables: Variables, module: Module, home: Path
) -> _Place:
    """Decode an import block. Raises NodeError."""

    async def decoded(cls: type[T]) -> T:
        body = Body(node.body, node.source, context.options.vocabulary)
        return await decode_arguments(cls, body, scope)

    deadline = context.options.evaluation_deadline
    match node.name:
        case "import.file":
            file = await decoded(ImportFileArguments)
            try:
                return _Place(file, await FileSource.at(file), home)
            except SourceError as error:
                raise NodeError(f"{FileSource.prefix}: {error}") from None
        case "import.string":
            text = await decoded(ImportStringArguments)
            return _Place(text, StringSource(text, str(variables.get("module_path", ""))), home)
        case "import.git":
            git = await decoded(ImportGitArguments)
            read = context.options.read_git
            if read is None:
                raise NodeError("import.git needs the program git, which this process does not use")
            return _Place(git, GitSource(git, read, home / "repo", deadline), home)
    reader = context.options.http_import
    if reader is None:
        raise NodeError("import.http needs an HTTP client, which this process does not have")
    remote = await decoded(reader.arguments)
    return _Place(remote, HTTPSource(module.global_id(node.id), remote, reader, deadline), home)


class ImportInstance(Instance):
    """An import block with what it has imported.

    definitions: those of the last valid content; replaced, never changed, when the content changes.
    home: the directory for what it keeps.
    """

    words = Words(
        created="import created",
        started="started import",
        stopped="import shut down cleanly",
        stopped_with="import shut down with error",
        evaluated="source evaluated",
        failed="source evaluation failed",
    )

    def __init__(
        self,
        context: Context,
        node: Node,
        module: Module,
        place: _Place,
        outer: ImportInstance | None = None,
    ) -> None:
        super().__init__(node, module)
        self.arguments = place.arguments
        self._context = context
        self._outer = outer
        self._source = place.source
        self.home = place.home
        self._content: dict[str, bytes] = {}
        self._nested: dict[str, ImportInstance] = {}
        self._source_health: Health | None = None
        self._content_health = unknown("nothing imported yet")
        self._restart = asyncio.Event()
        self.tally: Tally = outer.tally if outer is not None else Tally()
        self.definitions: Definitions = imported_definitions(self._source.module_path, {}, {})
        path, name = posixpath.split(self.global_id)
        self._log = FieldLogger(config_path=path or ".", config_id=name)
        self._source_log = FieldLogger(config_path=f"/{path}", config_id=name)

    def _own_health(self) -> Iterator[Health]:
        if self._source_health is not None:
            yield self._source_health
        yield self._content_health
        for nested in self._nested.values():
            yield nested.health

    async def read(self) -> None:
        """Read the content for the first time. Raises NodeError when it cannot be read.

        Content that is not valid is logged and shows in the health; its valid part can be used.
        """
        try:
            content = await self._source.read()
        except SourceError as error:
            self._source_failed(error)
            prefix = self._source.prefix
            raise NodeError(f"{prefix}: {error}" if prefix else str(error)) from None
        self._source_answered()
        await self._take(content, first=True)

    def _source_answered(self) -> None:
        if self._source.trouble is not None:
            self._source_failed(self._source.trouble)
        else:
            self._source_health = healthy(self._source.good)

    def _source_failed(self, error: SourceError) -> None:
        self._source_health = unhealthy(error.health)
        self._source_log.error(error.summary, extra={"fields": {**error.fields, "err": str(error)}})

    async def _take(self, content: dict[str, bytes], *, first: bool) -> bool:
        """Import the content; whether it is new and valid. On the first read its valid part is used."""
        if content == self._content:
            return False
        self._content = content
        if not first:
            self.tally = Tally()
        reading = _Reading(self._context, self, self._source)
        try:
            await reading.read(content)
        except ContentError as fault:
            self._log.error(str(fault), extra={"fields": fault.fields})
            self._content_health = unhealthy(fault.health)
            if first:
                self._adopt(reading)
            return False
        self._content_health = healthy("content updated")
        self._adopt(reading)
        return True

    def _adopt(self, reading: _Reading) -> None:
        self._nested = reading.nested
        imports: dict[str, Definitions | None] = dict.fromkeys(reading.content.imports)
        imports.update((label, each.definitions) for label, each in reading.nested.items())
        self.definitions = imported_definitions(self._source.module_path, reading.content.templates, imports)
        self._restart.set()

    async def run(self) -> None:
        """Follow the source and the imports inside the content."""
        while True:
            self._restart.clear()
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(each.run()) for each in self._nested.values()]
                tasks.append(group.create_task(self._follow()))
                await self._restart.wait()
                for task in tasks:
                    task.cancel()

    async def _follow(self) -> None:
        """Import new content until the imports inside it have to be followed again."""
        while not self._restart.is_set():
            await self._source.changed()
            if self._source.notice:
                self._source_log.info(self._source.notice)
            try:
                content = await self._source.read()
            except SourceError as error:
                self._source_failed(error)
                continue
            self._source_answered()
            if await self._take(content, first=False):
                self._announce()

    def _announce(self) -> None:
        """Have everything that uses the definitions evaluated again."""
        if self._outer is not None:
            self._outer.nested_changed(self)
        else:
            self._context.changes.add(self.module, self.id)

    def nested_changed(self, nested: ImportInstance) -> None:
        """Adopt the new definitions of an import inside the content."""
        old = self.definitions
        imports = {**old.imports, nested.label: nested.definitions}
        self.definitions = imported_definitions(self._source.module_path, old.declares, imports)
        self._announce()

    def report(self, message: str, fields: Mapping[str, str]) -> None:
        """Log a problem with the content that does not make it invalid."""
        self._log.error(message, extra={"fields": dict(fields)})

    def identities(self) -> Iterator[str]:
        """The places that this content, and the content around it, come from."""
        yield self._source.identity
        if self._outer is not None:
            yield from self._outer.identities()


class _ParseError(Exception):
    """Content cannot be parsed; the text says why, without secrets."""


def _parsed(source: Source, vocabulary: Vocabulary) -> File:
    """The syntax tree of imported content. Raises _ParseError."""
    try:
        return parse_file(source)
    except DiagnosticsError as error:
        from alloypy.redaction.masking import Mask

        first, *more = error.diagnostics
        raise _ParseError(str(DiagnosticsError([Mask(vocabulary).worded(first), *more]))) from None


class _Reading:
    """One pass through content: what has been found in it so far.

    content: its declares and imports. nested: the imports that have been read.
    """

    def __init__(self, context: Context, owner: ImportInstance, source: ImportSource) -> None:
        self.content = Content(owner.id, owner.name, self._redefined)
        self.nested: dict[str, ImportInstance] = {}
        self._context = context
        self._owner = owner
        self._source = source

    async def read(self, content: Mapping[str, bytes]) -> None:
        """Read every file. Raises ContentError for the first problem."""
        for name in sorted(content):
            try:
                await self._file(name, content[name])
            except ValueError as error:
                raise ContentError(
                    "failed to process imported content",
                    {"file": name, "err": str(error)},
                    f'imported content from "{name}" is invalid: {error}',
                ) from None
        for block, source in self.content.imports.values():
            try:
                await self._import(block, source)
            except NodeError as error:
                text = f"imported node {block.label} failed to evaluate, {error}"
                raise ContentError(
                    "failed to evaluate nested import",
                    {"err": text},
                    f"nested import block failed to evaluate: {text}",
                ) from None

    async def _file(self, name: str, data: bytes) -> None:
        """Add the blocks of one file. Raises ContentError, and ValueError."""
        source = Source(self._owner.label, data)
        vocabulary = self._context.options.vocabulary
        try:
            file = await computed(lambda: _parsed(source, vocabulary), len(data))
        except TimeoutError:
            raise ValueError(f"it takes more than {WORK_SECONDS:g} seconds to parse") from None
        except _ParseError as error:
            raise ContentError(
                "failed to parse file on update",
                {"file": name, "err": str(error)},
                f'imported content from "{name}" cannot be parsed: {error}',
            ) from None
        for statement in file.body:
            await self._context.pace.breathe()
            self.content.add(statement, source)

    def _redefined(self, placed: Placed) -> None:
        self._owner.report("declare block redefined", {"name": placed.block.label})

    async def _import(self, block: Block, source: Source) -> None:
        """Read an import inside the content; its only variable is `module_path`."""
        node = Node(Kind.IMPORT, block.full_name, block, source)
        variables = {"module_path": self._source.module_path}
        scope = self._context.stdlib.child(variables)
        home = self._owner.home / node.id
        place = await _place(self._context, node, scope, variables, self._owner.module, home)
        nested = ImportInstance(self._context, node, self._owner.module, place, self._owner)
        first, *around = nested.identities()
        refused = self._owner.tally.refused(first, around)
        if refused:
            raise NodeError(refused)
        await nested.read()
        nested.evaluated()
        nested.started()
        self.nested[block.label] = nested
