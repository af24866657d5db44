"""Rules of the blocks that import modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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


BY_PATH: Mapping[str, tuple[Rule, ...]] = {"import.git": (git_revision,)}
"""Rules by block."""
