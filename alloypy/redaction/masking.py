"""Hides the secrets in configurations and diagnostics, so that they can be shown."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import lru_cache

from alloypy.lang.go.text import quote
from alloypy.lang.secrecy import HIDDEN, HIDDEN_PART, hide_urls
from alloypy.redaction.guesses import likely_places
from alloypy.redaction.places import secret_places
from alloypy.redaction.texts import located_text
from alloypy.schema.vocabulary import NO_VOCABULARY, Vocabulary
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import File

_SURE = 4
"""A secret with at least this many letters is hidden anywhere in a message, not only in quotes."""

_KEPT = 8
"""How many sources are cached with their secrets: a failing load needs the same ones many times."""


class Mask:
    """Hides what is secret by its name, by its form, or by the vocabulary's spec of a block."""

    def __init__(self, vocabulary: Vocabulary = NO_VOCABULARY) -> None:
        self._vocabulary = vocabulary

    def masked(self, diagnostic: Diagnostic) -> Diagnostic:
        """The diagnostic without secrets, both in its message and in the lines it shows; its place stays."""
        span = diagnostic.span
        if span is None:
            return _worded(diagnostic, ())
        shown = span._replace(source=_starred(span.source, self._vocabulary))
        return _worded(diagnostic, self._texts(span))._replace(span=shown)

    def worded(self, diagnostic: Diagnostic) -> Diagnostic:
        """The diagnostic without secrets in its message; it keeps its source."""
        span = diagnostic.span
        return _worded(diagnostic, () if span is None else self._texts(span))

    def worded_error(self, error: DiagnosticsError) -> DiagnosticsError:
        """The same diagnostics without secrets in their messages."""
        return DiagnosticsError(map(self.worded, error.diagnostics))

    def message_about(self, message: str, span: Span) -> str:
        """A message about the text at `span`, without the secrets there."""
        return hide_urls(_without(message, self._texts(span)))

    def without_secrets_of(self, source: Source, text: str) -> str:
        """A text without the secrets that are in `source`."""
        spans = _secrets(source, self._vocabulary)
        return _without(text, _forms(source.data[span.start : _end(span) + 1] for span in spans))

    def shareable(self, file: File) -> bytes:
        """The text of a file without secrets and comments, for sharing with others.

        Lines keep their numbers.
        """
        places = _merged(secret_places(file, self._vocabulary, comments=False))
        cuts = [(span.start, _end(span) + 1, _replacement(file.source, span)) for span in places]
        text = file.source.data
        for comment in (each for group in file.comments for each in group):
            lines = text.count(b"\n", comment.start, comment.end + 1)
            cuts.append((comment.start, comment.end + 1, b"\n" * lines))
        result, at = [], 0
        for start, end, replacement in sorted(cuts):
            result += [text[at:start], replacement]
            at = end
        return b"".join([*result, text[at:]])

    def _texts(self, span: Span) -> frozenset[str]:
        """The secrets in the lines that `span` covers, in all forms in which messages quote them."""
        if not _secrets(span.source, self._vocabulary):
            return frozenset()
        source, starts = span.source, span.source.line_starts
        after = source.line(_end(span))
        last = starts[after] - 1 if after < len(starts) else len(source.data)
        return _texts_between(source, starts[source.line(span.start) - 1], last, self._vocabulary)


def without_texts(message: str, secrets: Iterable[str]) -> str:
    """A message with the given secrets hidden, whether it has them as they are or quoted."""
    return _without(message, {form for each in secrets for form in (each, quote(each)[1:-1]) if form})


def _replacement(source: Source, span: Span) -> bytes:
    quotes = b'"`'
    before, after = source.data[span.start - 1 : span.start], source.data[_end(span) + 1 : _end(span) + 2]
    whole = before in (b'"', b"`") and after == before and before in quotes
    return (HIDDEN if whole else HIDDEN_PART).encode()


@lru_cache(_KEPT)
def _secrets(source: Source, vocabulary: Vocabulary) -> list[Span]:
    """The places of the secrets in a source, in order and without overlap."""
    try:
        places = secret_places(parse_file(source), vocabulary)
    except DiagnosticsError:
        places = likely_places(source)
    return _merged(places)


def _merged(places: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(places, key=lambda each: each.start):
        if merged and span.start <= _end(merged[-1]) + 1:
            merged[-1] = merged[-1]._replace(end=max(_end(merged[-1]), _end(span)))
        else:
            merged.append(span)
    return merged


def _end(span: Span) -> int:
    return span.start if span.end is None else span.end


@lru_cache(_KEPT)
def _starred(source: Source, vocabulary: Vocabulary) -> Source:
    """The source with an asterisk for every byte of a secret, except line ends."""
    places = _secrets(source, vocabulary)
    if not places:
        return source
    data = bytearray(source.data)
    for span in places:
        for at in range(span.start, _end(span) + 1):
            if data[at] not in b"\r\n":
                data[at] = ord("*")
    return Source(source.name, bytes(data))


@lru_cache(_KEPT)
def _texts_between(source: Source, first: int, last: int, vocabulary: Vocabulary) -> frozenset[str]:
    """The secrets between two offsets; cached, because one line can have thousands of diagnostics."""
    places = _secrets(source, vocabulary)
    begin = bisect_left(places, first, key=_end)
    end = bisect_right(places, last, key=lambda each: each.start)
    return frozenset(_forms(source.data[each.start : _end(each) + 1] for each in places[begin:end]))


def _forms(texts: Iterable[bytes]) -> set[str]:
    """Each secret as written, unescaped and quoted, and its single words."""
    found: set[str] = set()
    for text in texts:
        written = text.decode("utf-8", "surrogateescape")
        value = located_text(text, 0, raw=False).text
        found |= {written, value, quote(value)[1:-1], quote(written)[1:-1]}
        found |= set(re.findall(r"[^\s\"`]{4,}", written))
    return found


def _worded(diagnostic: Diagnostic, secrets: Iterable[str]) -> Diagnostic:
    known = sorted(secrets, key=len, reverse=True)
    shown = all(edit.text == hide_urls(_without(edit.text, known)) for edit in diagnostic.fix)
    return diagnostic._replace(
        message=hide_urls(_without(diagnostic.message, known)),
        hint=hide_urls(_without(diagnostic.hint, known)),
        fix=diagnostic.fix if shown else (),
        value="" if known else hide_urls(diagnostic.value),
    )


def _without(message: str, secrets: Iterable[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        for mark in '"`':
            message = message.replace(f"{mark}{secret}{mark}", f"{mark}{HIDDEN}{mark}")
        if len(secret) >= _SURE:
            message = message.replace(secret, HIDDEN_PART)
    return message
