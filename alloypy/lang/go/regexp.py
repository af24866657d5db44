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
_TEXTS = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "bad repetition operator": "invalid nested repetition operator",
    "no argument for repetition operator": "missing argument to repetition operator",
    "invalid repetition size": "invalid repeat count",
    "trailing \\": "trailing backslash at end of expression",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
    "pattern too large - compile failed": "expression too large",
}
_ONE_BYTE = r"(?s)(?:\\\\|\\Q.*?(?:\\E|\Z)|\\[^C])|(?P<byte>\\C)"
_VARIABLE = re.compile(r"\$(?:\$|(?P<plain>\w+)|\{(?P<braced>\w+)\})")
_LABEL_TEMPLATE = r"(?a)(?:[a-zA-Z_]|\$(?:\{\w+\}|\w))(?:\w|\$(?:\{\w+\}|\w))*"
_BACKTRACKING = r"\(\?(?:[=!]|<[=!]|P=)|\\[1-9]"


def names_label(template: str) -> bool:
    """Whether a text, perhaps with `$1` and `${name}` in it, can become a label name.

    Prometheus' rule, in a form that is fast for every text: unlike RE2, Python's expressions backtrack.
    """
    return re.fullmatch(_LABEL_TEMPLATE, template) is not None


class Regexp:
    """A compiled expression that must match a whole text; a dot also matches a line feed.

    text: as written; equality compares it.
    """

    __slots__ = ("_names", "_pattern", "text")

    def __init__(self, text: str, pattern: Any) -> None:
        self.text = text
        self._pattern = pattern
        self._names = {} if pattern is None else {_text(n): i for n, i in pattern.groupindex.items()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Regexp) and other.text == self.text

    def __hash__(self) -> int:
        return hash((Regexp, self.text))

    def __repr__(self) -> str:
        return f"Regexp({self.text!r})"

    @property
    def usable(self) -> bool:
        """Whether it can be used: without RE2, expressions can only be checked."""
        return self._pattern is not None

    def has_group(self, name: str) -> bool:
        """Whether a template's variable, a number or a name, means a group. Needs RE2."""
        if name.isascii() and name.isdecimal():
            return (name == "0" or not name.startswith("0")) and int(name[:9]) <= self._pattern.groups
        return name in self._names

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` matches."""
        return self._search(text) is not None

    def groups(self, text: str) -> Groups | None:
        """The groups captured in `text`, or None if it does not match."""
        match = self._search(text)
        if match is None:
            return None
        caught = tuple(_text(group) for group in (match.group(), *match.groups()))
        return Groups(caught, self._names)

    def _search(self, text: str) -> Any:
        if self._pattern is None:
            raise RuntimeError("regular expressions cannot be used: this platform has no RE2")
        return self._pattern.search(text.encode(errors="surrogateescape"))


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
    return _compile(text, f"^(?s:{text})$")


@lru_cache(maxsize=128)
def parse_search_regexp(text: str) -> Regexp:
    """Compile `text` to match anywhere in a text; a dot does not match a line feed. Raises ValueError."""
    return _compile(text, text)


def _compile(text: str, anchored: str) -> Regexp:
    re2 = _re2()
    if re2 is None:
        _check_without_re2(text)
        return Regexp(text, None)
    for match in re.finditer(_ONE_BYTE, text):
        if match["byte"]:
            raise _parse_error("invalid escape sequence", "\\C")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    try:
        return Regexp(text, re2.compile(anchored.encode(errors="surrogateescape"), options))
    except re2.error as error:
        raise _translate(_text(error.args[0]), anchored) from None


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


def _parse_error(reason: str, part: str) -> ValueError:
    return ValueError(f"error parsing regexp: {reason}: `{part}`")


def _translate(message: str, anchored: str) -> ValueError:
    """RE2's error message as Go words it."""
    reason, _, part = message.partition(": ")
    if part in ("(?<=", "(?<!"):  # Go takes them for the start of a named group
        rest = anchored[anchored.index(part) :]
        name, bracket, _ = rest.partition(">")
        return _parse_error("invalid named capture", name + bracket)
    return _parse_error(_TEXTS.get(reason, reason), part)


def _check_without_re2(text: str) -> None:
    backtracking = re.search(_BACKTRACKING, text)
    if backtracking:
        raise _parse_error("invalid or unsupported Perl syntax", backtracking.group())
    try:
        re.compile(text, re.DOTALL)
    except re.error as error:
        raise _parse_error(str(error.msg), text) from None
