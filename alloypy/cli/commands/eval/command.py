"""`alloypy eval`: evaluates an expression."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from alloypy.cli import exit_codes, streams
from alloypy.cli.flags import FlagSet
from alloypy.cli.usage_error import UsageError
from alloypy.lang.evaluation.evaluator import EvaluationError, evaluate
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.secrecy import hide_urls
from alloypy.lang.stdlib import DEPRECATED, EXPERIMENTAL, Stdlib
from alloypy.lang.value_text import value_text
from alloypy.os_errors import system_words
from alloypy.syntax.config_files import ConfigReadError, parse_config, read_config
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.parser import parse_expression
from alloypy.syntax.render import render
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Attribute, Expression, File, Identifier

_SUMMARY = """Evaluate an expression and print its value in the language's own syntax.

Secrets are shown as (secret). Without an expression, or for `-`, it is read from the file given by
--file, or from standard input.

With --file and an expression, the expression can use the configuration in that file: the arguments
of each block, as in pyroscope.write.backend.external_labels, with nested blocks as arrays
(pyroscope.write.backend.endpoint[0].url). Exports are not known: they exist only while a
configuration runs."""

_EXPORTS_HINT = "only arguments are known here; exports exist only while the configuration runs"
_EXPERIMENTAL = "is experimental: a configuration that uses it needs --stability.level=experimental"


def run(argv: list[str]) -> int:
    """Evaluate the expression in `argv`. Raises UsageError and HelpRequested."""
    flags = FlagSet("eval", "['EXPR']", _SUMMARY, maximum=1)
    file = flags.string(
        "file", kind="file", doc="Evaluate inside this configuration, or read the expression from it."
    )
    as_json = flags.bool("json", doc="Print the value with its type as JSON.")
    jsonl = flags.bool("jsonl", doc="Answer requests from standard input, one JSON object per line.")
    arguments = flags.parse(argv)
    if jsonl.value:
        if arguments or file.given or as_json.given:
            raise UsageError("--jsonl reads standard input and allows no other flag or argument")
        return _answer_requests()
    text = arguments[0] if arguments and arguments[0] != "-" else None
    try:
        source = _read_expression(text, file.value)
        files = _files(file.value if text is not None else "")
        _evaluate(source, files, as_json.value)
    except DiagnosticsError as error:
        return _show_faults(error, in_file=bool(file.value) and text is not None)
    except (ConfigReadError, EvaluationError) as error:
        streams.fault(hide_urls(str(error)))
        return exit_codes.FAILURE
    return exit_codes.SUCCESS


def _answer_requests() -> int:
    from alloypy.cli.commands.eval.json_output import answer
    from alloypy.cli.commands.jsonl import answer_lines

    answer_lines(answer)
    return exit_codes.SUCCESS


def _read_expression(text: str | None, path: str) -> Source:
    if text is not None:
        return Source("expression", text.encode("utf-8", "surrogateescape"))
    if not path:
        return Source("<stdin>", sys.stdin.buffer.read())
    try:
        return Source(path, Path(path).read_bytes())
    except OSError as error:
        raise ConfigReadError(f"open {path}: {system_words(error)}") from None


def _files(path: str) -> list[File]:
    return parse_config(read_config(path)) if path else []


def _scope(files: Sequence[File]) -> Scope:
    if not files:
        return Stdlib()
    from alloypy.cli.commands.eval.scope import configuration_scope

    return configuration_scope(files, Stdlib())


def _evaluate(source: Source, files: Sequence[File], as_json: bool) -> None:
    from alloypy.cli.commands.eval.concealing import concealed

    scope = _scope(files)
    expression = parse_expression(source)
    value = concealed(evaluate(expression, source, scope), expression, [file.source for file in files])
    for notice in _notices(expression, scope):
        print(f"Warning: {notice}", file=sys.stderr)
    if as_json:
        from alloypy.cli.commands.eval.json_output import value_json

        print(json.dumps(value_json(value)))
    else:
        sys.stdout.buffer.write(value_text(value).encode("utf-8", "surrogateescape") + b"\n")


def _notices(expression: Expression, scope: Scope) -> Iterator[str]:
    """What `run` and `validate` would say about the standard library functions used."""
    from alloypy.graph.references import chain_text, chains
    from alloypy.graph.texts import DEPRECATED as DEPRECATED_NOTICE

    start, end = expression.start, expression.end
    statement = Attribute(start, end, Identifier(start, end, ""), expression)
    names = dict.fromkeys(chain_text(chain) for chain in chains([statement]))
    for name in names:
        first = name.partition(".")[0]
        if isinstance(scope, Stdlib) or first not in scope.variables:
            if first in DEPRECATED:
                yield f"{first}: {DEPRECATED_NOTICE}"
            elif name in EXPERIMENTAL:
                yield f"{name} {_EXPERIMENTAL}"


def _show_faults(error: DiagnosticsError, in_file: bool) -> int:
    from alloypy.check.masking import MASK
    from alloypy.cli.report.colours import wants_colour
    from alloypy.syntax.repairs.hints import hinted

    found = map(_hinted, error.diagnostics) if in_file else hinted(error.diagnostics, "lone_expression")
    faults = list(map(MASK.masked, found))
    print(render(faults, color=wants_colour(sys.stderr), hints=True), end="", file=sys.stderr)
    return exit_codes.FAILURE


def _hinted(diagnostic: Diagnostic) -> Diagnostic:
    if diagnostic.message.endswith(" does not exist"):
        return diagnostic._replace(hint=_EXPORTS_HINT)
    return diagnostic
