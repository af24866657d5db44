"""Where secrets probably are in a text that cannot be parsed as a configuration.

In case of doubt, a text counts as secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from alloypy.lang.secrecy import names_secret, names_url
from alloypy.redaction.texts import joined, located_text, secret_spans
from alloypy.syntax.source import Source, Span

_NAME = r"[A-Za-z_\x80-\xff][\w\x80-\xff]*"
_STRING = r'"(?:[^"\\\n]|\\[^\n])*"'
_TOKEN = re.compile(
    rf"""(?P<comment>//[^\n]*|/\*(?s:.*?)(?:\*/|\Z))
    | (?P<string>{_STRING} | "(?:[^"\\\n]|\\[^\n])*\\? | `[^`]*`?)
    | (?P<name>{_NAME})
    | (?P<mark>[^\s])
    """,
    re.VERBOSE | re.ASCII,
)
_GIVES = re.compile(r"[ \t]*(?::=|=>|=(?!=)|:)[ \t]*|[ \t]+(?=[\"'`0-9])")
_BLANKS = re.compile(r"[ \t]+(?=[^\s={.(\[,])")
_LABELLED = re.compile(rf"[ \t]*({_STRING})[ \t]*\{{", re.ASCII)
_REFERENCE = re.compile(
    rf"(?:(?:sys\.)?env\([ \t]*{_STRING}[ \t]*\)|(?:argument|local|remote)(?:\.{_NAME})+)[ \t\r]*(?:[,}}][ \t\r]*)*(?://.*)?",
    re.ASCII,
)
_WHOLE_STRING = re.compile(rf"{_STRING}|`[^`]*`")
_ENDS = re.compile(r"[ \t\r]*+(?:[\]})][ \t\r]*+)*+,?[ \t\r]*+(?://[^\n]*)?(?=\n|\Z)")
_GOES_ON = re.compile(rf"[ \t]*,[ \t]*(?:{_NAME}|{_STRING})[ \t]*[=:]", re.ASCII)

_DECLARED = frozenset(
    {"config", "data", "global_config", "http_headers", "proxy_connect_header", "query_config", "value"}
)
"""Secret settings of components that no name rule covers."""


def likely_places(source: Source) -> list[Span]:
    """Everything that may be secret in a text that cannot be parsed."""
    return list(_Guess(source).places())


class _Guess:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._text = source.data.decode("latin-1")  # so that an index is a byte offset
        self._default_is_secret = False
        self._url = False

    def places(self) -> Iterator[Span]:
        """All places, in order."""
        at = 0
        while found := _TOKEN.search(self._text, at):
            at = found.end()
            if found["comment"]:
                yield from self._recognised([found])
            elif found["string"] or found["name"]:
                gives = _GIVES.match(self._text, at) or self._without_equals(found)
                if gives is None and found["string"]:
                    strings = self._sum(found)
                    at = strings[-1].end()
                    yield from self._recognised(strings)
                elif gives is None or not self._is_secret(found):
                    self._remember(found)
                else:
                    yield from self._values(gives.end())
                    at = self._end
        yield from self._lines_with("\0", self._whole_line)
        if "@" in self._text:
            yield from self._lines_with("://", self._composed)

    def _lines_with(self, part: str, places: Callable[[int, int], Iterator[Span]]) -> Iterator[Span]:
        at = self._text.find(part)
        while at >= 0:
            end = self._text.find("\n", at)
            end = end if end >= 0 else len(self._text)
            yield from places(self._text.rfind("\n", 0, at) + 1, end)
            at = self._text.find(part, end)

    def _whole_line(self, start: int, end: int) -> Iterator[Span]:
        yield Span(self._source, start, end - 1)

    def _composed(self, start: int, end: int) -> Iterator[Span]:
        """All strings in a line in which a function seems to build a URL with credentials."""
        if self._text.find("@", start, end) < 0 or self._text.find("(", start, end) < 0:
            return
        strings = [found for found in _TOKEN.finditer(self._text, start, end) if found["string"]]
        for found in strings if len(strings) > 1 else ():
            yield Span(self._source, found.start() + 1, max(found.start() + 1, found.end() - 2))

    def _without_equals(self, found: re.Match[str]) -> re.Match[str] | None:
        """The blanks between a name at the beginning of a line and a value."""
        before = found.start() - 1
        while before >= 0 and self._text[before] in " \t":
            before -= 1
        begins = before < 0 or self._text[before] == "\n"
        if not begins or _LABELLED.match(self._text, found.end()):
            return None
        return _BLANKS.match(self._text, found.end())

    def _is_secret(self, found: re.Match[str]) -> bool:
        name = found.group().strip('"`')
        return (
            names_secret(name, query=found["string"] is not None)
            or name in _DECLARED
            or (self._default_is_secret and name == "default")
        )

    def _remember(self, found: re.Match[str]) -> None:
        """Remember what a name says about the values after it."""
        name = found.group().strip('"`')
        self._url = names_url(name)
        labelled = _LABELLED.match(self._text, found.end())
        if labelled is not None:
            self._default_is_secret = name == "argument" and names_secret(labelled[1].strip('"'))

    def _sum(self, first: re.Match[str]) -> list[re.Match[str]]:
        """The strings that are joined with `+`, beginning with this one."""
        strings = [first]
        while True:
            plus = re.compile(r"\s*\+\s*").match(self._text, strings[-1].end())
            found = _TOKEN.match(self._text, plus.end()) if plus else None
            if found is None or not found["string"]:
                return strings
            strings.append(found)

    def _recognised(self, tokens: list[re.Match[str]]) -> Iterator[Span]:
        texts = []
        for token in tokens:
            raw = not token.group().startswith('"')
            quoted = token["comment"] is None
            start, end = token.start() + quoted, token.end()
            if quoted and end - start > 0 and self._text[end - 1] == self._text[token.start()]:
                end -= 1
            texts.append(located_text(self._source.data[start:end], start, raw))
        yield from secret_spans(self._source, joined(texts), url=self._url)

    def _values(self, start: int) -> Iterator[Span]:
        """The places of a secret value: none in a reference, the content of a string, else all of it."""
        line = self._text.find("\n", start)
        self._end = line if line >= 0 else len(self._text)
        if _REFERENCE.fullmatch(self._text, start, self._end):
            return
        string = _WHOLE_STRING.match(self._text, start)
        if string is not None:
            ends = _ENDS.match(self._text, string.end()) or _GOES_ON.match(self._text, string.end())
            if ends is not None:
                self._end = string.end()
                if string.end() - string.start() > 2:
                    yield Span(self._source, string.start() + 1, string.end() - 2)
                return
        self._end = self._closing(start, self._end)
        if self._end > start:
            yield Span(self._source, start, self._end - 1)

    def _closing(self, start: int, end: int) -> int:
        """The end of the line in which the brackets opened in the value are closed."""
        depth = 0
        while True:
            open_string = self._text.count("`", start, end) % 2
            for bracket in re.finditer(r"[\[({]|[\])}]", self._text[start:end]):
                depth += 1 if bracket.group() in "[({" else -1
            if (depth <= 0 and not open_string) or end >= len(self._text):
                return end
            if self._text.startswith("\n}", end):
                return end
            if open_string:
                close = self._text.find("`", end)
                start, depth = (close + 1, depth) if close >= 0 else (len(self._text), 0)
            else:
                start = end + 1
            end = self._text.find("\n", start)
            end = len(self._text) if end < 0 else end
