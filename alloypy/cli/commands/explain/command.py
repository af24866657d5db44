"""`alloypy explain`: what diagnostic codes mean."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Collection, Iterator

from alloypy.check.explanations import all_codes, is_default, severity_of
from alloypy.cli import exit_codes, streams
from alloypy.cli.commands.explain.examples import example_of
from alloypy.cli.flags import FlagSet
from alloypy.schema.nearest import did_you_mean
from alloypy.syntax.codes import Code

_SUMMARY = """Explain what diagnostic codes mean and what to do about them, each with an example.

Without a code, list them all; the beginning of codes, such as ALY09, lists those."""


def run(argv: list[str]) -> int:
    """Explain the codes that `argv` names. Raises UsageError and HelpRequested."""
    flags = FlagSet("explain", "[CODE...]", _SUMMARY)
    as_json = flags.bool("json", doc="print the same as JSON")
    names = flags.parse(argv)
    known = all_codes()
    codes = {name: _codes(name, known) for name in names}
    unknown = [name for name in names if not codes[name]]
    if unknown:
        return _unknown(unknown[0], list(known))
    found = [code for own in codes.values() for code in own]
    chosen = {code: known[code] for code in found} or dict(sorted(known.items()))
    if as_json.value:
        print(json.dumps([_data(*each) for each in chosen.items()], indent=2))
    elif names and all(len(own) == 1 for own in codes.values()):
        print("\n\n".join("\n".join(_lines(*each)) for each in chosen.items()))
    else:
        print("\n".join(f"{name}  {code.title}" for name, code in chosen.items()))
    return exit_codes.SUCCESS


def _codes(name: str, known: Collection[str]) -> list[str]:
    """The codes that a name means: one, written in full or as `901`, or all that begin with it."""
    upper = name.upper()
    for text in (upper, f"ALY{upper}", f"ALY0{upper}") if name.isascii() and name.isdigit() else (upper,):
        found = [text] if text in known else sorted(code for code in known if text and code.startswith(text))
        if found:
            return found
    return []


def _unknown(name: str, known: list[str]) -> int:
    streams.fault(f"there is no code {name}")
    hint = did_you_mean(name.upper(), known) or "`alloypy explain` without a code lists them all"
    print(f"  = hint: {hint}", file=sys.stderr)
    return exit_codes.FAILURE


def _data(name: str, code: Code) -> dict[str, object]:
    example = example_of(name)
    return {
        "code": name,
        "severity": severity_of(name),
        "default": is_default(name),
        "title": code.title,
        "explanation": code.explanation,
        "example": example._asdict() if example is not None else None,
    }


def _lines(name: str, code: Code) -> Iterator[str]:
    selected = "" if is_default(name) else ", only with --select"
    yield f"{name}: {code.title} ({severity_of(name)}{selected})"
    yield ""
    yield textwrap.fill(code.explanation, 88)
    example = example_of(name)
    if example is not None:
        for title, text in (("Wrong", example.wrong), ("Right", example.right)):
            yield ""
            yield title
            yield textwrap.indent(text.rstrip("\n"), "  ")
