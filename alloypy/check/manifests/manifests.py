"""Checks the configurations in a YAML text, and places what it finds in that text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from alloypy.check.manifests.configurations import WORD, Holder, Written, holders
from alloypy.check.manifests.placing import Placed
from alloypy.check.units.belonging import belong_together
from alloypy.check.units.units import DISK, CheckOptions, Outcome, check_texts
from alloypy.embedded.yaml.documents import Document, NotYAMLError, documents
from alloypy.graph.admission import Gate
from alloypy.schema.stability import Stability
from alloypy.syntax.codes import BAD_MANIFEST, NO_FILES, NOT_RENDERED, SYNTAX
from alloypy.syntax.config_files import ConfigReadError, parse_config
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.source import Source, Span
from alloypy.syntax.text_files import refuse_binary

_TEMPLATE = b"{{"
_RENDER = "this looks like a Helm template; render it: helm template CHART | alloypy validate --from-yaml -"
NOTHING = (
    "no ConfigMap or Secret with a key that ends in .alloy, and no Helm values with alloy.configMap.content"
)
"""What a text without a configuration has."""

_STABILITY = re.compile(
    rb"""(?:--stability\.level(?:=|["']?\s*[-,]?\s*)|\bstabilityLevel["']?\s*:\s*)["']?([a-z]+-?[a-z]+)"""
)
_COMMUNITY = re.compile(rb"--feature\.community-components\.enabled(?!=false)")
IN_CONTAINER = DISK._replace(module=lambda _: None, beside=lambda _: ())
"""The files that a configuration names are in its container, not here."""


def check_manifest(source: Source, options: CheckOptions, *, named: bool = True) -> Iterator[Outcome]:
    """Check every configuration in a YAML text; never raises for a faulty one.

    named: whether the user has named this file, so that a configuration is expected in it.
    """
    options = options._replace(gate=permitted(source.data, options.gate))
    for each in configurations_in(source, named=named):
        yield each if isinstance(each, Outcome) else _checked(each, options)


def configurations_in(source: Source, *, named: bool) -> Iterator[Configuration | Outcome]:
    """The configurations in a YAML text; the outcome of what is none, or cannot be read."""
    try:
        refuse_binary(source)
    except DiagnosticsError as error:
        yield Outcome(source.name, error.diagnostics, 1)
        return
    found = broken = False
    for document, root in documents(source, WORD):
        if isinstance(root, NotYAMLError):
            if not broken:  # one fault says all about a template with several documents
                yield Outcome(source.name, (_not_yaml(source, document.offset(root.at), root, named),), 1)
            found = broken = True
            continue
        for holder in holders(root):
            found = True
            yield from _Reading(source, document, holder).configurations()
    if named and not found:
        yield _nothing(source)


def _nothing(source: Source) -> Outcome:
    """The outcome of a file that the user has named, but in which no configuration is found."""
    for document, root in documents(source, b""):
        if isinstance(root, NotYAMLError) and not document.text.startswith("%"):  # directives
            return Outcome(source.name, (_not_yaml(source, document.offset(root.at), root, True),), 1)
    message = f"nothing to check: {source.name} has {NOTHING}"
    hint = _RENDER if _TEMPLATE in source.data else ""
    return Outcome(source.name, (Diagnostic(None, message, NO_FILES, Severity.WARNING, hint=hint),), 0)


def permitted(data: bytes, gate: Gate) -> Gate:
    """What is permitted, also by flags for Alloy in the file itself, as in the args of a container."""
    levels = {found[1].decode() for found in _STABILITY.finditer(data)}
    stability = min([gate.stability, *(level for level in Stability if level.text in levels)])
    return Gate(stability, gate.community or _COMMUNITY.search(data) is not None)


def _not_yaml(source: Source, at: int, error: NotYAMLError, named: bool) -> Diagnostic:
    shown = Source(source.name, re.sub(rb"[^\n]", b" ", source.data))  # it may contain secrets
    span = Span(shown, min(at, len(source.data)))
    if _TEMPLATE not in source.data:
        return Diagnostic(span, f"this is not YAML: {error}", BAD_MANIFEST)
    if named:
        return Diagnostic(span, f"this is not YAML: {error}", BAD_MANIFEST, hint=_RENDER)
    return Diagnostic(span, "not checked: this is not YAML", NOT_RENDERED, Severity.WARNING, hint=_RENDER)


class _NotCheckedError(Exception):
    """A text cannot be checked; carries the diagnostic that says why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic)


class Configuration:
    """A configuration in a YAML text. file: its name. title: for people. texts: what it is made of."""

    def __init__(self, file: str, title: str, texts: Sequence[Placed]) -> None:
        self.file = file
        self.title = title
        self.sources = _sources(texts)
        self._texts = {text.name: text for text in texts}

    def words(self, message: str) -> str:
        """A message with its places in the YAML."""
        for text in self._texts.values():
            message = text.in_yaml(message)
        return message

    def span(self, span: Span) -> Span:
        """A place in the YAML; as it is if it is not in this configuration."""
        own = self._texts.get(span.source.name)
        return own.span_of(span.start, span.end, span.source) if own is not None else span

    def diagnostic(self, diagnostic: Diagnostic) -> Diagnostic:
        """A diagnostic with its places in the YAML, without its fix, which would have to be quoted there."""
        message, hint = self.words(diagnostic.message), self.words(diagnostic.hint)
        span = diagnostic.span
        own = self._texts.get(span.source.name) if span is not None else None
        if span is None or own is None:
            return diagnostic._replace(message=message, hint=hint)
        if own.written.base64:
            message = f"line {span.start_position.line} of the decoded {own.written.key}: {message}"
        if diagnostic.code in SYNTAX and _TEMPLATE in _line(span):
            hint = _RENDER
        return diagnostic._replace(span=self.span(span), message=message, hint=hint, fix=())


class _Reading:
    """Reads what one ConfigMap, or the values of a chart, hold."""

    def __init__(self, source: Source, document: Document, holder: Holder) -> None:
        self._source = source
        self._document = document
        self._holder = holder

    def configurations(self) -> Iterator[Configuration | Outcome]:
        """Each text, or all together if they refer to each other; the outcome of one that is unreadable."""
        texts: list[Placed] = []
        for written in self._holder.texts:
            try:
                texts.append(self._text(written))
            except _NotCheckedError as error:
                yield Outcome(self._title([written]), (error.diagnostic,), 1)
        for unit in [texts] if _together(texts) else [[text] for text in texts]:
            title = self._title([text.written for text in unit])
            yield Configuration(self._source.name, title, unit)

    def _title(self, texts: Iterable[Written]) -> str:
        keys = ", ".join(text.key for text in texts)
        return f"{self._source.name} ({self._holder.title}: {keys})"

    def _text(self, written: Written) -> Placed:
        value = written.node.value
        placed = Placed(self._source, self._document, written)
        if written.template and "{{" in value:
            message = f"not checked: Helm renders {written.key} as a template before Alloy reads it"
            at = placed.span_of(len(value.partition("{{")[0].encode()), None)
            hint = "check the output of helm template with --from-yaml"
            raise _NotCheckedError(Diagnostic(at, message, NOT_RENDERED, Severity.WARNING, hint=hint))
        if placed.inner is None:
            raise _NotCheckedError(Diagnostic(placed.start, f"{written.key} is not base64", BAD_MANIFEST))
        return placed


def _checked(found: Configuration, options: CheckOptions) -> Outcome:
    outcome = check_texts(found.file, found.sources, options, IN_CONTAINER)
    diagnostics = tuple(map(found.diagnostic, outcome.diagnostics))
    return outcome._replace(path=found.title, diagnostics=diagnostics)


def _together(texts: Sequence[Placed]) -> bool:
    """Whether the texts are one configuration, as far as can be known if one of them cannot be parsed."""
    if len(texts) < 2:
        return False
    try:
        return belong_together(parse_config(_sources(texts)))
    except DiagnosticsError:
        return True
    except ConfigReadError:
        return False


def _sources(texts: Iterable[Placed]) -> list[Source]:
    return [text.inner for text in texts if text.inner is not None]


def _line(span: Span) -> bytes:
    """The line in which a span begins."""
    source = span.source
    line = source.line(span.start)
    ends = [*source.line_starts, len(source.data)]
    return source.data[ends[line - 1] : ends[line]]
