"""The name that was probably meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from alloypy.syntax.diagnostics import Edit

_CLOSE = 0.6
_LISTED = 12


class Correction(NamedTuple):
    """What to write instead: in words, and as changes of the text if those are known."""

    hint: str
    fix: tuple[Edit, ...] = ()


NO_CORRECTION = Correction("")


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate most similar to `name`; None if none is similar."""
    from difflib import get_close_matches  # noqa: PLC0415 -- for faults only

    lower = {candidate.lower().replace("-", "_"): candidate for candidate in candidates}
    found = get_close_matches(name.lower().replace("-", "_"), lower, 1, _CLOSE)
    return lower[found[0]] if found else None


def did_you_mean(name: str, candidates: Collection[str]) -> str:
    """A hint: the nearest candidate, else all of a few candidates, else nothing."""
    close = _close(name, candidates)
    if close is not None and close != name:
        return f"did you mean `{close}`?"
    if candidates and len(candidates) <= _LISTED:
        return f"allowed: {', '.join(sorted(candidates))}"
    return ""


def meant(name: str, candidates: Collection[str], start: int, end: int) -> Correction:
    """As `did_you_mean`, for a name from `start` to just before `end`."""
    close = _close(name, candidates)
    fix = (Edit(start, end, close),) if close is not None and close != name else ()
    return Correction(did_you_mean(name, candidates), fix)


def _close(name: str, candidates: Collection[str]) -> str | None:
    """The nearest candidate, or the one that contains the name as a word, as `listen_port` does `port`."""
    having = [candidate for candidate in candidates if name in candidate.split("_")]
    return nearest(name, candidates) or (having[0] if len(having) == 1 else None)
