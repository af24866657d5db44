"""`alloypy explain`: what a diagnostic code means."""

from __future__ import annotations

import sys
import textwrap

from alloypy.cli import exit_codes
from alloypy.cli.flags import FlagSet
from alloypy.graph.explanations import EXPLAINED, explanation
from alloypy.schema.nearest import did_you_mean
from alloypy.syntax.codes import CODES

_SUMMARY = "Tell what a diagnostic code means and what to do about it; without a code, list them all."


def run(argv: list[str]) -> int:
    """Explain the code that `argv` names. Raises UsageError and HelpRequested."""
    names = FlagSet("explain", "[CODE]", _SUMMARY, maximum=1).parse(argv)
    known = {**CODES, **EXPLAINED}
    if not names:
        for code in sorted(known):
            print(f"{code}  {known[code].title}")
        return exit_codes.SUCCESS
    name = names[0].upper()
    found = explanation(name)
    if found is None:
        print(f"Error: there is no code {names[0]}", file=sys.stderr)
        hint = did_you_mean(name, list(known))
        if hint:
            print(f"  = hint: {hint}", file=sys.stderr)
        return exit_codes.FAILURE
    print(f"{name}: {found.title}\n")
    print(textwrap.fill(found.explanation, 88))
    return exit_codes.SUCCESS
