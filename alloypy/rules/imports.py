"""Rules of the blocks that import modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alloypy.lang.go.duration import SECOND
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import Fault

_GIT_NAMES = ("HEAD", "FETCH_HEAD", "ORIG_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD")


def git_revision(body: View) -> Iterator[Fault]:
    """A revision is not one of Git's special references, which change their meaning."""
    if body.text("revision") in _GIT_NAMES:
        names = ", ".join(_GIT_NAMES[:-1])
        yield Fault(
            "revision", f"revision cannot be a special git reference such as {names}, or {_GIT_NAMES[-1]}"
        )


def git_frequency(body: View) -> Iterator[Fault]:
    """Pulls are not closer together than a second: each asks the server."""
    if 0 < body.get("pull_frequency") < SECOND:
        yield Fault("pull_frequency", "pull_frequency must be at least 1s, or 0s to never pull again")


BY_PATH: Mapping[str, tuple[Rule, ...]] = {"import.git": (git_revision,)}
"""Rules by block."""
