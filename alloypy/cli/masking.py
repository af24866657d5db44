"""Excerpts without secrets, for output that may be kept: everything but a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alloypy.graph.check_secrets import likely_secrets
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Source, Span


class Mask:
    """Replaces what is secret in sources by asterisks; every place stays where it was."""

    def __init__(self, secrets: Iterable[Span]) -> None:
        self._secrets: dict[Source, list[Span]] = {}
        for span in secrets:
            self._secrets.setdefault(span.source, []).append(span)
        self._masked: dict[Source, Source] = {}

    def __call__(self, diagnostic: Diagnostic) -> Diagnostic:
        """The diagnostic, about a source that can be shown."""
        span = diagnostic.span
        if span is None:
            return diagnostic
        return diagnostic._replace(span=span._replace(source=self._source(span.source)))

    def _source(self, source: Source) -> Source:
        known = self._masked.get(source)
        if known is None:
            data = bytearray(source.data)
            for span in (*self._secrets.get(source, ()), *likely_secrets(source)):
                for at in _inside(data, span):
                    data[at] = ord("*")
            known = self._masked[source] = Source(source.name, bytes(data))
        return known


def _inside(data: bytearray, span: Span) -> Iterator[int]:
    """The places between the quotes, line ends left out."""
    end = span.start if span.end is None else span.end
    return (at for at in range(span.start + 1, end) if data[at] not in b"\r\n")
