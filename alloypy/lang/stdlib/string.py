"""`string`: functions over texts, with Go's rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alloypy.lang.evaluation.effort import make, spend
from alloypy.lang.evaluation.functions import Example, Manual, TypedFunction
from alloypy.lang.go.text import joined
from alloypy.lang.types import AnyType, ListType, StringType
from alloypy.lang.values import Value

_SPACE = "\t\n\v\f\r \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_REPLACEMENT = "\ufffd"


def _is_unicode(*texts: str) -> bool:
    """Whether all texts are UTF-8; other bytes may match inside a character."""
    return all(text.isascii() or not any("\udc80" <= char <= "\udcff" for char in text) for text in texts)


def _data(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _join(parts: list[str], separator: str) -> str:
    make(sum(map(len, parts)) + len(separator) * len(parts))
    return joined(separator.join(parts))


def _split(text: str, separator: str) -> list[str]:
    spend(text.count(separator))
    if not separator:
        return list(text)
    if _is_unicode(text, separator):
        return text.split(separator)
    return [_text(part) for part in _data(text).split(_data(separator))]


def _replace(text: str, old: str, new: str) -> str:
    make(len(text) + text.count(old) * max(len(new) - len(old), 0))
    if not old or _is_unicode(text, old, new):
        return joined(text.replace(old, new))
    return _text(_data(text).replace(_data(old), _data(new)))


def _trim_prefix(text: str, prefix: str) -> str:
    return _text(_data(text).removeprefix(_data(prefix)))


def _trim_suffix(text: str, suffix: str) -> str:
    return _text(_data(text).removesuffix(_data(suffix)))


def _rune(char: str) -> str:
    return _REPLACEMENT if "\udc80" <= char <= "\udcff" else char


def _trim(text: str, cutset: str) -> str:
    cutset = "".join(dict.fromkeys(cutset))
    spend(len(text) * len(cutset) // 500)
    if _is_unicode(text, cutset):
        return text.strip(cutset)
    cut = {_rune(char) for char in cutset}
    start, end = 0, len(text)
    while start < end and _rune(text[start]) in cut:
        start += 1
    while start < end and _rune(text[end - 1]) in cut:
        end -= 1
    return text[start:end]


def _trim_space(text: str) -> str:
    return text.strip(_SPACE)


def _map_runes(text: str, mapping: Callable[[str], str]) -> str:
    return "".join(mapping(_rune(char)) for char in text)


def _upper_rune(char: str) -> str:
    """The one upper-case character of `char`; if that has several, the title case or `char` itself."""
    upper = char.upper()
    if len(upper) == 1:
        return upper
    title = char.title()
    return title if len(title) == 1 else char


def _lower_rune(char: str) -> str:
    return char.lower()[:1]


def to_upper(text: str) -> str:
    """`text` in upper case, converted rune by rune as in Go."""
    return text.upper() if text.isascii() else _map_runes(text, _upper_rune)


def to_lower(text: str) -> str:
    """`text` in lower case, converted rune by rune as in Go."""
    return text.lower() if text.isascii() else _map_runes(text, _lower_rune)


def _format(text: str, *args: Value) -> str:
    from alloypy.lang.stdlib.sprintf.format import sprintf

    return sprintf(text, args)


def _function(
    name: str, body: Callable[..., Value], takes: Sequence[str], words: str, *examples: tuple[str, str]
) -> TypedFunction:
    """A function whose arguments are all texts."""
    manual = Manual(
        tuple(f"{each}: string" for each in takes),
        "string",
        words,
        tuple(Example(*each) for each in examples),
    )
    return TypedFunction(f"string.{name}", (StringType(),) * len(takes), body, manual)


_FORMAT = Manual(
    ("format: string", "values: any..."),
    "string",
    "Inserts values into a text in place of its verbs. %s is a text, %d a whole number, %.2f a number with "
    "two decimals, %q a text in quotes, %t a boolean, %v any value, %% a percent sign; verbs, widths and "
    "flags are those of Go's fmt package. A secret becomes readable this way; joined with + it stays secret.",
    (
        Example('string.format("http://%s:%d", "localhost", 4040)', '"http://localhost:4040"'),
        Example('string.format("%.1f%% of %q", 12.34, "cpu")', r'"12.3% of \"cpu\""'),
    ),
)
_JOIN = Manual(
    ("parts: list(string)", "separator: string"),
    "string",
    "Joins texts, with the separator between them.",
    (Example('string.join(["eu", "west", "1"], "-")', '"eu-west-1"'),),
)
_SPLIT = Manual(
    ("text: string", "separator: string"),
    "list(string)",
    "Cuts a text at each separator; an empty separator cuts between all characters.",
    (Example('string.split("a,b,c", ",")', '["a", "b", "c"]'), Example('string.split("", ",")', '[""]')),
)

FUNCTIONS = {
    "format": TypedFunction("string.format", (StringType(),), _format, _FORMAT, rest=AnyType()),
    "join": TypedFunction("string.join", (ListType(StringType()), StringType()), _join, _JOIN),
    "split": TypedFunction("string.split", (StringType(), StringType()), _split, _SPLIT, returns="[]string"),
    "replace": _function(
        "replace",
        _replace,
        ("text", "old", "new"),
        "Replaces each occurrence of a text inside another.",
        ('string.replace("eu.west.1", ".", "-")', '"eu-west-1"'),
    ),
    "to_lower": _function(
        "to_lower",
        to_lower,
        ("text",),
        "Makes all letters lower case.",
        ('string.to_lower("Production")', '"production"'),
    ),
    "to_upper": _function(
        "to_upper",
        to_upper,
        ("text",),
        "Makes all letters upper case.",
        ('string.to_upper("eu-west-1")', '"EU-WEST-1"'),
    ),
    "trim": _function(
        "trim",
        _trim,
        ("text", "characters"),
        "Removes characters from both ends of a text, in any order.",
        ('string.trim("--name-_", "-_")', '"name"'),
    ),
    "trim_prefix": _function(
        "trim_prefix",
        _trim_prefix,
        ("text", "prefix"),
        "Removes a text from the start of another that begins with it.",
        ('string.trim_prefix("refs/heads/main", "refs/heads/")', '"main"'),
        ('string.trim_prefix("main", "refs/heads/")', '"main"'),
    ),
    "trim_suffix": _function(
        "trim_suffix",
        _trim_suffix,
        ("text", "suffix"),
        "Removes a text from the end of another that ends with it.",
        ('string.trim_suffix("config.alloy", ".alloy")', '"config"'),
    ),
    "trim_space": _function(
        "trim_space",
        _trim_space,
        ("text",),
        "Removes white space from both ends of a text, such as the line end of a file.",
        (r'string.trim_space("  token\n")', '"token"'),
    ),
}
