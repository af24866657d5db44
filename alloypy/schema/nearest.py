"""The name that was probably meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable

_CLOSE = 0.6
_LISTED = 12


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like `name`, None where none is alike."""
    from difflib import get_close_matches

    lower = {candidate.lower().replace("-", "_"): candidate for candidate in candidates}
    found = get_close_matches(name.lower().replace("-", "_"), lower, 1, _CLOSE)
    return lower[found[0]] if found else None


def did_you_mean(name: str, candidates: Collection[str]) -> str:
    """A hint: the nearest candidate, else what there is to choose from, else nothing."""
    close = nearest(name, candidates)
    if close is not None and close != name:
        return f"did you mean `{close}`?"
    if candidates and len(candidates) <= _LISTED:
        return f"allowed: {', '.join(sorted(candidates))}"
    return ""
