"""All configurations of the golden files, the examples, the documentation and the lint rules."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from alloypy.check.lint import all_rules
from tests.support.documented import blocks

_ROOT = Path(__file__).parents[2]
_GOLDEN = _ROOT / "tests" / "golden"
_FILES = (
    *(
        "validate/validate",
        "validate/load_rules",
        "validate/loads",
        "validate/pyroscope",
        "validate/commands",
    ),
    *("syntax/ast", "syntax/ast_random", "syntax/diag", "syntax/diag_random"),
    *("syntax/fmt", "syntax/fmt_random", "syntax/fmt_random_err", "syntax/lex"),
    *("runtime/run",),
)


class Configuration(NamedTuple):
    """One configuration. files: texts by their paths in its directory; each is Unicode."""

    name: str
    files: Mapping[str, str]


def configurations() -> Iterator[Configuration]:
    """Every configuration once; those that are not Unicode, which no editor can send, are left out."""
    seen: set[tuple[tuple[str, str], ...]] = set()
    for each in (*_recorded(), *_written(), *_of_rules()):
        key = tuple(sorted(each.files.items()))
        if key not in seen and each.files and all(_is_unicode(text) for text in each.files.values()):
            seen.add(key)
            yield each


def _recorded() -> Iterator[Configuration]:
    for name in _FILES:
        for number, line in enumerate((_GOLDEN / f"{name}.jsonl").read_bytes().splitlines(), 1):
            yield Configuration(f"{name}-{number}", dict(_files(json.loads(line))))


def _files(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in ("input", "config"):
        if isinstance(row.get(key), str):
            yield "config.alloy", row[key]
    files = row.get("files")
    for path, text in files.items() if isinstance(files, dict) else ():
        if (
            isinstance(text, str)
            and path.endswith(".alloy")
            and ".." not in path
            and not path.startswith("/")
        ):
            yield path, text


def _written() -> Iterator[Configuration]:
    for path in sorted((_ROOT / "examples").rglob("*.alloy")):
        yield Configuration(str(path.relative_to(_ROOT)), {path.name: path.read_text("utf-8")})
    for page in (_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))):
        for block in blocks(page):
            if block.language == "alloy":
                yield Configuration(f"{page.name}-{block.line}", {"config.alloy": block.text})


def _of_rules() -> Iterator[Configuration]:
    for code, rule in sorted(all_rules().items()):
        yield Configuration(f"lint/{code}", {"config.alloy": rule.wrong})


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
