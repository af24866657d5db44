"""Explains findings, as `alloypy explain` does."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.lsp.features.actions.action import EXPLAIN, Action, Asked


def explanations(asked: Asked) -> Iterator[Action]:
    """For each code at the selection: the action that says what it means, if a user asks for actions."""
    if not asked.invoked:
        return
    found = asked.here
    for code in dict.fromkeys(each.code for each in found):
        mends = tuple(each for each in found if each.code == code)
        yield Action(f"Explain {code}", EXPLAIN, mends=mends, explains=code)


def explained(code: str) -> str:
    """What a code means; empty if there is no such code."""
    from alloypy.check.explanations import explanation

    found = explanation(code)
    return f"{code}: {found.title}. {found.explanation}" if found is not None else ""
