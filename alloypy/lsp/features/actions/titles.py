"""What a quick fix is called: what it does, where the hint of its finding says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence

from alloypy.syntax.diagnostics import Diagnostic, Edit

_MEANT = re.compile(r"did you mean `([^`]+)`")
_ORDER = "write "
_LONGEST = 100
_LONGEST_QUOTED = 30
_LONGEST_WHOLE = 16


def title(found: Diagnostic, data: bytes) -> str:
    """The title of the repair of a finding in a text."""
    meant = _MEANT.match(found.hint)
    if meant is not None:
        return f"Change to `{meant[1]}`"
    words = " ".join((found.hint or f"mend: {found.message}").split())
    if not words.startswith(_ORDER):
        words = _done(found.fix, data) or words
    words = words[:1].upper() + words[1:]
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}..."


def _done(edits: Sequence[Edit], data: bytes) -> str:
    """What the edits do, in a few words; empty if that takes more."""
    edits = sorted(edits)
    pairs = [_whole(edits, data)] if len(edits) > 1 else []
    if not pairs or None in pairs[0] or len(pairs[0][0] or "") > _LONGEST_WHOLE:
        pairs = [(_shown(data[each.start : each.end]), _shown(each.text.encode())) for each in edits]
    changes = list(dict.fromkeys((before, after) for before, after in pairs if None not in (before, after)))
    if len(changes) < len(set(pairs)) or ("", "") in changes:
        return ""
    if len(changes) <= 2 and not any(before for before, _ in changes):
        return "insert " + " and ".join(_code(after) for _, after in changes if after)
    if len(changes) > 1:
        return ""
    before, after = changes[0]
    if not before:
        return ""
    return f"change {_code(before)} to {_code(after)}" if after else f"remove {_code(before)}"


def _whole(edits: Sequence[Edit], data: bytes) -> tuple[str | None, str | None]:
    """The text from the first edit to the last, before and after them."""
    made, at = b"", edits[0].start
    for each in edits:
        made += data[at : each.start] + each.text.encode()
        at = each.end
    return _shown(data[edits[0].start : at]), _shown(made)


def _shown(text: bytes) -> str | None:
    """A text as a title can quote it, without the space around it; None for a long one, or several lines."""
    said = text.decode("utf-8", "replace").strip()
    return said if said.isprintable() and len(said) <= _LONGEST_QUOTED else None


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"
