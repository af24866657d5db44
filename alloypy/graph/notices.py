"""Words for names that work and should not be used any more, and for those that Alloy alone knows."""

from __future__ import annotations

DEPRECATED = (
    "this stdlib function is deprecated; please refer to the documentation for updated usage and alternatives"
)
SHADOWING = "a component is shadowing an existing stdlib name"


NOT_RUN_HINT = (
    "Alloy has this component, alloypy does not: remove the block, or run this configuration with Alloy"
)


def not_run(name: str) -> str:
    """What is said of a component of Alloy that alloypy does not run."""
    return f'alloypy does not run the component "{name}"'
