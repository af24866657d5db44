"""Texts in another language than Alloy's: YAML has a fault in each line, and no repair of one helps."""

from __future__ import annotations

import re
from collections.abc import Sequence

from alloypy.syntax.codes import SYNTAX
from alloypy.syntax.diagnostics import Diagnostic

TO_CHECK = "this looks like YAML: `alloypy validate --from-yaml` checks the configurations in it"
"""The hint of `validate`."""

NOT_READ = (
    "this looks like YAML, and this command reads .alloy files; "
    "`alloypy validate --from-yaml` checks the configurations in YAML"
)
"""The hint of commands that do not read YAML."""

_SUFFIXES = (".yaml", ".yml")
_LINE = re.compile(rb"^[ \t]*(?:- |[\w.\"'/-]+:(?:[ \t\r]|$))", re.MULTILINE)
_BEGIN = re.compile(rb"\A(?:[ \t\r\n]|#[^\n]*\n)*(?:---[ \t\r]*\n|(?:apiVersion|kind):[ \t])")


def without_yaml(found: Sequence[Diagnostic], hint: str) -> Sequence[Diagnostic]:
    """The faults of files; of a text that is YAML only the first one, with a hint."""
    span = found[0].span if found else None
    if span is None or found[0].code not in SYNTAX:
        return found
    source = span.source
    named = source.name.endswith(_SUFFIXES) and _LINE.search(source.data) is not None
    if not named and _BEGIN.match(source.data) is None:
        return found
    others = [each for each in found if each.span is None or each.span.source is not source]
    return [found[0]._replace(hint=hint), *others]
