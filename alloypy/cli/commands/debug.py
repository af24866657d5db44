"""`alloypy debug`: what the language front end makes of a text, as JSON.

For comparing with Alloy, and for bug reports.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from alloypy.cli import exit_codes, streams
from alloypy.cli.commands.jsonl import Answer, answer_lines, source_of
from alloypy.cli.flags import FlagSet
from alloypy.cli.usage_error import UsageError
from alloypy.os_errors import system_words
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.dump import diagnostics_answer, diagnostics_json, text_json, tokens_answer, tree_answer
from alloypy.syntax.source import Source

_SUMMARY = """Show what the language front end makes of a file, as JSON.

The view is one of tokens, tree, diagnostics and format. With --jsonl every line of standard input is
a request with `input` (or `input_b64`), answered by one line."""


def run(argv: list[str]) -> int:
    """Show one view of a file, or answer requests. Raises UsageError and HelpRequested."""
    flags = FlagSet("debug", "tokens|tree|diagnostics|format [FILE]", _SUMMARY, minimum=1, maximum=2)
    jsonl = flags.bool("jsonl", doc="Answer requests from standard input, one a line.")
    view, *paths = flags.parse(argv)
    if view not in _VIEWS:
        raise UsageError(f'there is no view "{view}": choose one of {", ".join(_VIEWS)}')
    show = _VIEWS[view]
    if jsonl.value:
        if paths:
            raise UsageError("--jsonl reads standard input and takes no file")
        answer_lines(lambda request: show(source_of(request)))
        return exit_codes.SUCCESS
    source = _read(paths[0] if paths else "-")
    if source is None:
        return exit_codes.FAILURE
    print(json.dumps(show(source)))
    return exit_codes.SUCCESS


def _read(path: str) -> Source | None:
    if path == "-":
        return Source("<stdin>", sys.stdin.buffer.read())
    try:
        return Source(path, Path(path).read_bytes())
    except OSError as error:
        streams.fault(f"open {path}: {system_words(error)}")
        return None


def _format_answer(source: Source) -> Answer:
    from alloypy.syntax.printer.printer import format_source

    try:
        output = format_source(source)
    except DiagnosticsError as error:
        return {"diags": diagnostics_json(error.diagnostics)}
    return {"output": text_json(output.decode("utf-8", "surrogateescape")), "changed": output != source.data}


_VIEWS: dict[str, Callable[[Source], Answer]] = {
    "tokens": tokens_answer,
    "tree": tree_answer,
    "diagnostics": diagnostics_answer,
    "format": _format_answer,
}
