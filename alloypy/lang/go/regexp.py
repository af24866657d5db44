"""Regular expressions as in Go: RE2 syntax, Go's error texts, linear time, `$1` expansion.

RE2 is a C++ library that a platform may lack (Windows); there, expressions can be checked but not used.
Source: docs/spec/PYROSCOPE.md, section 6.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from types import ModuleType
from typing import Any, NamedTuple

_MEMORY_BYTES = 32 << 20
_TOO_LARGE = "pattern too large - compile failed"
_VARIABLE = re.compile(r"\$(?:\$|(?P<plain>\w+)|\{(?P<braced>\w+)\})")
_LABEL_TEMPLATE = r"(?a)(?:[a-zA-Z_]|\$(?:\{\w+\}|\w))(?:\w|\$(?:\{\w+\}|\w))*"


def names_label(template: str) -> bool:
    """Whether a text, perhaps with `$1` and `${name}` in it, can become a label name.

    Prometheus' rule, in a form that is fast for every text: unlike RE2, Python's expressions backtrack.
    """
    return re.fullmatch(_LABEL_TEMPLATE, template) is not None


class Regexp:
    """An expression that must match a whole text; a dot also matches a line feed.

    text: as written; equality compares it.
    """

    __slots__ = ("_names", "_pattern", "text")

    def __init__(self, text: str, pattern: Any) -> None:
        """pattern: RE2's; None to compile the text when it is first used."""
        self.text = text
        self._pattern = pattern
        self._names: dict[str, int] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Regexp) and other.text == self.text

    def __hash__(self) -> int:
        return hash((Regexp, self.text))

    def __repr__(self) -> str:
        return f"Regexp({self.text!r})"

    @property
    def usable(self) -> bool:
        """Whether it can be used: without RE2, expressions can only be checked."""
        return self._compiled() is not None

    def has_group(self, name: str) -> bool:
        """Whether a template's variable, a number or a name, means a group. Needs RE2."""
        if name.isascii() and name.isdecimal():
            return (name == "0" or not name.startswith("0")) and int(name[:9]) <= self._compiled().groups
        return name in self._numbers()

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` matches."""
        return self._search(text) is not None

    def groups(self, text: str) -> Groups | None:
        """The groups captured in `text`, or None if it does not match."""
        match = self._search(text)
        if match is None:
            return None
        caught = tuple(_text(group) for group in (match.group(), *match.groups()))
        return Groups(caught, self._numbers())

    def _search(self, text: str) -> Any:
        pattern = self._pattern or self._compiled()
        if pattern is None:
            raise RuntimeError("regular expressions cannot be used: this platform has no RE2")
        return pattern.search(text.encode(errors="surrogateescape"))

    def _compiled(self) -> Any:
        """RE2's pattern; None without RE2."""
        if self._pattern is None:
            self._pattern = _compile(_anchored(self.text))
        return self._pattern

    def _numbers(self) -> dict[str, int]:
        """The numbers of the named groups."""
        if self._names is None:
            self._names = {_text(name): number for name, number in self._compiled().groupindex.items()}
        return self._names


class Groups(NamedTuple):
    """Captured groups by number, the whole match first; `names` maps group names to numbers."""

    caught: tuple[str, ...]
    names: dict[str, int]

    def get(self, name: str) -> str:
        """The group that a template's variable names; "" if it does not exist."""
        if name.isascii() and name.isdecimal():
            if len(name) > 1 and name.startswith("0"):
                return ""
            number = int(name[:9])
            return self.caught[number] if number < len(self.caught) else ""
        return self.caught[self.names[name]] if name in self.names else ""


def expand(template: str, groups: Groups) -> str:
    """`template` with `$1`, `${1}`, `${name}` and `$$` replaced as in Go.

    A name is the longest run of letters, digits and underscores: `$1_x` is the group `1_x`.
    """
    if "$" not in template:
        return template
    return _VARIABLE.sub(
        lambda variable: "$" if variable.lastgroup is None else groups.get(variable[variable.lastgroup]),
        template,
    )


def variables(template: str) -> Iterator[tuple[str, str]]:
    """Each variable of a template: as written, such as `${1}`, and its name. `$$` is none."""
    for found in _VARIABLE.finditer(template):
        if found.lastgroup is not None:
            yield found.group(), found[found.lastgroup]


@lru_cache(maxsize=1024)
def parse_regexp(text: str) -> Regexp:
    """Compile `text`. Raises ValueError with Go's text: "error parsing regexp: ..."."""
    return Regexp(text, _compile(_anchored(text)))


@lru_cache(maxsize=1024)
def read_regexp(text: str) -> Regexp:
    """An expression that is compiled when it is first used, if at all. Raises ValueError as `parse_regexp`.

    What Go accepts and RE2 does not is only refused when it is used.
    """
    from alloypy.lang.go.regexp_syntax import check_wrapped

    check_wrapped("^(?s:", text, ")$")
    return Regexp(text, None)


@lru_cache(maxsize=128)
def parse_search_regexp(text: str) -> Regexp:
    """Compile `text` to match anywhere in a text; a dot does not match a line feed. Raises ValueError."""
    return Regexp(text, _compile(text))


def _anchored(text: str) -> str:
    return f"^(?s:{text})$"


def _compile(text: str) -> Any:
    """RE2's pattern; None if there is no RE2. Raises ValueError."""
    re2 = _re2()
    classes = "\\p" in text or "\\P" in text
    if re2 is None or classes or "\\C" in text:  # RE2 knows `\C`, Go does not; both have classes of their own
        from alloypy.lang.go.regexp_syntax import check_syntax

        check_syntax(text)
    if re2 is None:
        return None
    if classes:
        from alloypy.lang.go.character_classes import for_re2

        text = for_re2(text)
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    try:
        return re2.compile(text.encode(errors="surrogateescape"), options)
    except re2.error as error:
        from alloypy.lang.go.regexp_syntax import check_syntax  # most expressions have no fault

        check_syntax(text)
        reason, _, part = _text(error.args[0]).partition(": ")  # what only RE2 refuses
        reason = "expression too large" if reason == _TOO_LARGE else reason
        raise ValueError(f"error parsing regexp: {reason}: `{part}`") from None


@lru_cache(maxsize=1)
def _re2() -> ModuleType | None:
    try:
        import re2
    except ImportError:
        return None
    module: ModuleType = re2
    return module


def _text(raw: bytes | None) -> str:
    return "" if raw is None else raw.decode(errors="surrogateescape")
