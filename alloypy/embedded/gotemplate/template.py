"""Checks Go templates as `template.Parse` does."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from alloypy.embedded.gotemplate.names import Names
from alloypy.embedded.gotemplate.scanner import scan
from alloypy.embedded.language import Language
from alloypy.lang.text_error import TextError

_NAMES = {
    "STRING": "a string",
    "CHAR": "a character",
    "NUMBER": "a number",
    "BOOL": "a boolean",
    "NIL": "`nil`",
    "FIELD": "a field",
    "CHAIN": "a field",
    "VARIABLE": "a variable",
    "IDENT": "a function",
    "TEXT": "text",
    "DOT": "`.`",
    "LEFT": "`{{`",
    "RIGHT": "`}}`",
    "PIPE": "`|`",
    "COMMA": "`,`",
    "DECLARE": "`:=`",
    "ASSIGN": "`=`",
    "LPAREN": "`(`",
    "RPAREN": "`)`",
    **{name: f"`{name.lower()}`" for name in ("END", "ELSE", "IF", "WITH", "DEFINE")},
}


class _Builder:
    """Makes nothing of any rule: only faults are of interest."""

    def __getattr__(self, rule: str) -> Callable[[list[object]], None]:
        return _nothing


def _nothing(parts: list[object]) -> None:
    del parts


def check_template(text: str, functions: frozenset[str], name: str) -> None:
    """Raises TextError if Go would not parse the template.

    functions: those that exist, including BUILT_IN. name: of the template; it cannot define itself.
    """
    names = Names(name, functions)
    try:
        _language().parse(text, "template", names.checked(scan(text)))
    except TextError as error:
        line = text.count("\n", 0, error.start) + 1
        raise TextError(f"template: {name}:{line}: {error}", error.start, error.end, error.hint) from None


@lru_cache(1)
def _language() -> Language:
    return Language("gotemplate", _Builder(), _NAMES)
