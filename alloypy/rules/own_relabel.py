"""Rules of the `rule` block that alloypy adds to Alloy's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from alloypy.rules import relabel
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import Fault


def whole_regex(body: View) -> Iterator[Fault]:
    """The expression is valid without the group that is put around it.

    Alloy accepts `a)|(b`, which with that group matches any text that begins with `a` or ends with `b`.
    """
    text = getattr(body.get("regex"), "text", "")
    if not _closes_too_much(text):
        return
    from alloypy.lang.go.regexp_syntax import check_syntax  # hardly any expression needs it

    try:
        check_syntax(text)
    except ValueError as error:
        yield Fault("regex", str(error))


def _closes_too_much(regex: str) -> bool:
    """Whether it may close a group that it has not opened."""
    depth = 0
    for character in re.sub(r"(?s)\\.|\[\^?\]?[^]]*\]", "", regex):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return True
    return False


BY_TYPE: Mapping[str, tuple[Rule, ...]] = {
    "own.relabel.Config": (*relabel.BY_TYPE["relabel.Config"], whole_regex),
}
"""All rules of the block in alloypy."""
