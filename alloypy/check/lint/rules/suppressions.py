"""Comments that suppress findings and have no effect; `alloypy.check.lint.suppression` finds them."""

from __future__ import annotations

from alloypy.check.lint.rule import Rule

UNUSED_SUPPRESSION = "ALY0970"
NO_SUPPRESSION = "ALY0971"

RULES = (
    Rule(
        UNUSED_SUPPRESSION,
        "comment that suppresses nothing",
        "The comment names a code that is not found on its line or in the statement below it. It may be left "
        "over, and would hide a later finding.",
        wrong='// alloypy: ignore[ALY0901]\nlogging { level = "debug" }\n',
        right='logging { level = "debug" }\n',
        default=True,
    ),
    Rule(
        NO_SUPPRESSION,
        "comment that cannot suppress",
        "A comment suppresses the codes that it names in brackets: `// alloypy: ignore[ALY0903] reason`. "
        "There is no comment for all codes, and none for errors, because Alloy would still refuse the "
        "configuration.",
        wrong='// alloypy: ignore\nlogging { level = env("LEVEL") }\n',
        right='// alloypy: ignore[ALY0901] runs on old versions, too\nlogging { level = env("LEVEL") }\n',
        default=True,
    ),
)
