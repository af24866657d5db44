r"""Patterns of paths as Go's package doublestar reads them.

    *, ?, [a-z], [^a], [!a]   within one directory
    {a,b{c,d}}                alternatives, which may contain slashes and other patterns
    **                        any number of directories, where it stands alone between slashes
    \                         takes away the meaning of the next character

Source: the behaviour recorded in tests/golden/components/local.file_match.jsonl.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator

from alloypy.components.paths.glob import BadPatternError
from alloypy.files import fingerprint, is_directory

_META = frozenset("*?[{")
_ESCAPED_META = re.compile(r"\\([*?\[\]{}])")
_DIRECTORIES = "(?:[^/]*/)*?"
_MOST_ALTERNATIVES = 1_000


def expand(pattern: str) -> list[str]:
    """The existing paths that match, in the order in which they are found. Raises BadPatternError.

    Names are sorted within a directory; links are followed, but not into a directory that contains them. What
    cannot be read matches nothing. Call it in a thread.
    """
    if not pattern:
        return []
    clean = _clean(pattern)
    base, rest = _split(clean)
    if rest in {"", ".", ".."}:
        _validate(clean)
        path = _unescaped(clean)
        return [path] if os.path.lexists(path) else []
    _validate(rest)
    walk = _Walk(base, lasting=_has_inner_double_star(rest))
    return [_clean(f"{base}/{found}") for found in walk.matches(rest, files=True)]


def excludes(pattern: str) -> re.Pattern[str]:
    """What a pattern matches as a whole path. Raises BadPatternError."""
    _validate(pattern)
    return re.compile("|".join(f"(?:{_whole(each)})" for each in _alternatives(pattern)), re.DOTALL)


def _clean(path: str) -> str:
    normal = posixpath.normpath(path)
    return normal[1:] if normal.startswith("//") else normal


def _split(pattern: str) -> tuple[str, str]:
    """The directory before the first special character, and the pattern below it."""
    at, slash = 0, -1
    while at < len(pattern) and pattern[at] not in _META:
        if pattern[at] == "\\":
            at += 1
        elif pattern[at] == "/":
            slash = at
        at += 1
    if slash == 0:
        return "/", pattern[1:]
    return (_unescaped(pattern[:slash]), pattern[slash + 1 :]) if slash > 0 else (".", pattern)


def _unescaped(path: str) -> str:
    return _ESCAPED_META.sub(r"\1", path)


def _escaped(path: str) -> str:
    return re.sub(r"[*?\[\]{}]", r"\\\g<0>", path)


def _validate(pattern: str) -> None:
    depth, at = 0, 0
    while at < len(pattern):
        character = pattern[at]
        if character == "\\":
            at += 1
            if at >= len(pattern):
                raise BadPatternError
        elif character == "[":
            at, _ = _class(pattern, at + 1)
            continue
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth < 0:
                raise BadPatternError
        at += 1
    if depth:
        raise BadPatternError


def _class(pattern: str, at: int) -> tuple[int, str]:
    """The place after a class whose bracket is before `at`, and the class as a regular expression."""
    negated = pattern[at : at + 1] in {"^", "!"}
    at += negated
    start = at
    ranges: list[tuple[str, str]] = []
    may_begin = False  # whether the last character may be the beginning of a range
    while at == start or pattern[at : at + 1] != "]":
        if at >= len(pattern) or (at == start and pattern[at] == "]"):
            raise BadPatternError
        dash = pattern[at] == "-" and may_begin and pattern[at + 1 : at + 2] not in {"]", ""}
        at += dash
        if pattern[at] == "\\":
            at += 1
        letter = pattern[at : at + 1]
        if not letter:
            raise BadPatternError
        if dash:
            ranges[-1] = (ranges[-1][0], letter)
        else:
            ranges.append((letter, letter))
        may_begin = not dash
        at += 1
    inner = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in ranges if low <= high)
    if not inner:
        return at + 1, r"[\s\S]" if negated else r"[^\s\S]"
    return at + 1, f"[{'^' if negated else ''}{inner}]"


def _has_meta(pattern: str) -> bool:
    at = 0
    while at < len(pattern):
        if pattern[at] in _META:
            return True
        at += 2 if pattern[at] == "\\" else 1
    return False


def _has_inner_double_star(pattern: str) -> bool:
    at = 0
    while at < len(pattern) - 3:
        if pattern[at] == "\\":
            at += 1
        elif pattern[at : at + 2] == "**":
            return True
        at += 1
    return False


def _last(pattern: str, characters: str) -> int:
    """The place of the last of these characters that is not escaped; -1 if there is none."""
    for at in range(len(pattern) - 1, -1, -1):
        if pattern[at] in characters and (at == 0 or pattern[at - 1] != "\\"):
            return at
    return -1


def _opening(pattern: str) -> int:
    """The place of the brace that the one after this text closes."""
    depth = 1
    for at in range(len(pattern) - 1, -1, -1):
        if pattern[at] in "{}" and (at == 0 or pattern[at - 1] != "\\"):
            depth += 1 if pattern[at] == "}" else -1
            if depth == 0:
                return at
    raise BadPatternError


def _choices(inner: str) -> list[str]:
    """The alternatives between two braces; an empty one at the end is none."""
    found, depth, start, at = [], 0, 0, 0
    while at < len(inner):
        character = inner[at]
        if character == "\\":
            at += 1
        elif character in "{}":
            depth += 1 if character == "{" else -1
        elif character == "," and depth == 0:
            found.append(inner[start:at])
            start = at + 1
        at += 1
    return [*found, inner[start:]] if start < len(inner) else found


def _alternatives(pattern: str) -> list[str]:
    """The pattern without braces: one for each combination of alternatives."""
    done: list[str] = []
    waiting = [pattern]
    while waiting:
        if len(done) + len(waiting) > _MOST_ALTERNATIVES:
            raise BadPatternError
        each = waiting.pop()
        closing = _last(each, "}")
        if closing == -1:
            done.append(each)
            continue
        opening = _opening(each[:closing])
        inner = each[opening + 1 : closing]
        choices = _choices(inner) + ([""] if inner.endswith(",") or not inner else [])
        waiting += [each[:opening] + choice + each[closing + 1 :] for choice in choices]
    return done


def _whole(pattern: str) -> str:
    """A pattern without braces as a regular expression for a whole path."""
    if re.fullmatch(r"\*\*/?", pattern):
        return ".*" if pattern == "**" else _DIRECTORIES
    tail = ""
    for end, expression in (("/**/", r"(?:/(?:[^/]*/)*)?"), ("/**", r"(?:/.*)?")):
        if pattern.endswith(end) and not pattern.endswith(f"\\{end}"):
            pattern, tail = pattern.removesuffix(end), expression
            break
    # Each part is taken where it first fits, as in Go: no other place helps, and backtracking takes long.
    runs = [_run(each) for each in _between_double_stars(pattern)]
    first, *others = runs
    middle = "".join(f"(?>{_DIRECTORIES}{first_fit})" for first_fit, _ in others[:-1])
    if not others:
        return first[1] + tail
    return f"{first[0]}{middle}{_DIRECTORIES}{others[-1][1]}{tail}"


def _between_double_stars(pattern: str) -> list[str]:
    """The pieces before, between and after the `**/` that stand alone; they may be empty."""
    pieces, start = [], 0
    for found in re.finditer(r"\*\*/", pattern):
        at = found.start()
        if at == 0 or (pattern[at - 1] == "/" and pattern[at - 2 : at] != "\\/"):
            pieces.append(pattern[start:at])
            start = found.end()
    return [*pieces, pattern[start:]]


def _run(pattern: str) -> tuple[str, str]:
    """A piece as a regular expression: one for its first fit, and one that must end where the text ends."""
    parts: list[list[str]] = [[]]
    at = 0
    while at < len(pattern):
        if pattern[at] == "*":
            if parts[-1] or len(parts) == 1:
                parts.append([])
            at += 1
            continue
        at, part = _part(pattern, at)
        parts[-1].append(part)
    first, *others = ("".join(part) for part in parts)
    fits = [f"(?>[^/]*?{part})" for part in others]
    whole = "".join(fits[:-1]) + (f"[^/]*{others[-1]}" if others else "")
    return first + "".join(fits), first + whole


def _part(pattern: str, at: int) -> tuple[int, str]:
    """The place after the next part of a pattern, and the part as a regular expression."""
    if pattern[at] == "?":
        return at + 1, "[^/]"
    if pattern[at] == "[":
        return _class(pattern, at + 1)
    at += pattern[at] == "\\"
    return at + 1, re.escape(pattern[at])


class _Walk:
    """Walks below a directory.

    lasting: whether alternatives are sorted over all directories, as for patterns with an inner `**`.
    """

    def __init__(self, base: str, *, lasting: bool) -> None:
        self._base = base
        self._lasting = lasting

    def matches(self, pattern: str, *, files: bool) -> Iterator[str]:
        """The matching paths below the directory. files: whether they may be files."""
        if not _has_meta(pattern):
            path = _unescaped(pattern)
            if self._exists(path):
                yield path
            return
        at = _last(pattern, "/}")
        if at != -1 and pattern[at] == "}":
            yield from self._choose(pattern, at, files=files)
            return
        above, name = (pattern[:at], pattern[at + 1 :]) if at != -1 else (".", pattern)
        if not _has_meta(above):
            yield from self._inside(_unescaped(above), name, files=files)
            return
        for directory in self.matches(above, files=False):
            yield from self._inside(directory, name, files=files)

    def _choose(self, pattern: str, closing: int, *, files: bool) -> Iterator[str]:
        """The matches of all alternatives of the last braces, each once."""
        opening = _opening(pattern[:closing])
        slash = _last(pattern[:opening], "/}")
        if slash == -1 or pattern[slash] == "}":
            prefixes: Iterator[str] = iter([""])
            start = 0
        else:
            prefixes = self.matches(pattern[:slash], files=False)
            start = slash + 1
        before, after = pattern[start:opening], pattern[closing + 1 :]
        everything: set[str] = set()
        for prefix in prefixes:
            above = "" if prefix in {"", "."} else f"{_escaped(prefix)}/"
            choices = _choices(pattern[opening + 1 : closing])
            runs = [list(self.matches(f"{above}{before}{each}{after}", files=files)) for each in choices]
            if self._lasting:
                everything.update(*runs)
            else:
                yield from _merged(runs)
        yield from sorted(everything, key=os.fsencode)

    def _inside(self, directory: str, name: str, *, files: bool) -> Iterator[str]:
        """The entries of a directory that match a name."""
        if name == "":
            if self._is_directory(directory):
                yield directory
        elif name == "**":
            if self._is_directory(directory):
                yield from self._everything(directory, (), files=files)
        else:
            matching = re.compile(_whole(name), re.DOTALL)
            for entry in self._entries(directory):
                if matching.fullmatch(entry.name) and (files or _leads_to_directory(entry)):
                    yield _joined(directory, entry.name)

    def _everything(self, directory: str, above: tuple[object, ...], *, files: bool) -> Iterator[str]:
        """A directory and all that is in it. above: the directories that it is in."""
        entries = self._entries(directory)
        identity = self._identity(directory)
        if identity in above:
            return
        yield directory
        for entry in entries:
            path = _joined(directory, entry.name)
            if _leads_to_directory(entry):
                yield from self._everything(path, (*above, identity), files=files)
            elif files:
                yield path

    def _entries(self, directory: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._path(directory)) as entries:
                return sorted(entries, key=lambda each: os.fsencode(each.name))
        except (OSError, ValueError):
            return []

    def _path(self, path: str) -> str:
        return f"{self._base}/{path}"

    def _exists(self, path: str) -> bool:
        parts = path.split("/")
        return path == "." or (not {"", ".", ".."} & set(parts) and self._identity(path) is not None)

    def _is_directory(self, path: str) -> bool:
        return self._exists(path) and is_directory(self._path(path))

    def _identity(self, path: str) -> object:
        try:
            found = fingerprint(self._path(path))
        except (OSError, ValueError):
            return None
        return found.device, found.inode


def _leads_to_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _joined(directory: str, name: str) -> str:
    return name if directory == "." else f"{directory}/{name}"


def _merged(runs: list[list[str]]) -> list[str]:
    """The paths of several alternatives in order, each once; those of a single one stay as they are."""
    some = [run for run in runs if run]
    if len(some) <= 1:
        return some[0] if some else []
    return sorted({path for run in some for path in run}, key=os.fsencode)
