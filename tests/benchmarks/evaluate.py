"""How fast expressions are evaluated and values decoded.

    python -m tests.benchmarks.evaluate [--seconds S]

Prints one JSON row for each kind of work: how often it is done per second of processor time. An
expression is parsed once and evaluated many times, as on every reload; `literals` are typical arguments of
configurations.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

from alloypy.lang import types
from alloypy.lang.evaluation.evaluator import evaluate, evaluate_as
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.stdlib import Stdlib
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.parser import parse_expression
from alloypy.syntax.source import Source

_VARIABLES = {
    "local": {"file": {"token": {"content": "secret"}}},
    "targets": [{"__address__": f"10.0.0.{number}:8080", "job": "api"} for number in range(100)],
}
_EXPRESSIONS = {
    "literals": '{url = "http://pyroscope:4040", timeout = "10s", headers = {"X-Scope-OrgID" = "team"}}',
    "operators": '1 + 2 * 3 - 4 % 5 == 7 && !("a" + "b" == "ba")',
    "references": '"Bearer " + local.file.token.content',
    "functions": 'string.replace(string.to_upper(coalesce("", sys.env("NAME"), "x")), "X", "y")',
    "format": 'string.format("%s-%05d-%x", "a", 42, 255)',
    "100 targets": "array.concat(targets, [])",
    "1000 numbers": f"[{', '.join(map(str, range(1000)))}]",
    "json": 'encoding.from_json(`{"a": [1, 2, {"b": null}], "c": "text"}`)',
    "yaml": 'encoding.from_yaml("a: [1, 2, {b: null}]\\nc: text")',
    "json path": 'json_path(`{"a": [{"n": 1}, {"n": 2}]}`, `$.a[?(@.n > 1)].n`)',
    "fault": '[1, {a = "x" + 1}]',
}


def _measure(work: Callable[[], object], seconds: float) -> float:
    """Repetitions per second of processor time."""
    count, start = 0, time.process_time()
    while (elapsed := time.process_time() - start) < seconds:
        for _ in range(20):
            work()
        count += 20
    return count / elapsed


def _evaluation(text: str, scope: Scope) -> Callable[[], object]:
    source = Source("benchmark", text.encode())
    expression = parse_expression(source)

    def work() -> object:
        try:
            return evaluate(expression, source, scope)
        except DiagnosticsError as error:
            return error

    return work


def _decoding(scope: Scope) -> Callable[[], object]:
    wanted = types.ListType(types.MapType(types.StringType()))
    source = Source("benchmark", b"targets")
    expression = parse_expression(source)
    return lambda: evaluate_as(expression, wanted, source, scope)


def main() -> None:
    """Measure everything and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.5, help="processor time for each row")
    seconds = parser.parse_args().seconds
    scope = Stdlib({"NAME": ""}).child(_VARIABLES)
    works: dict[str, Callable[[], Any]] = {
        name: _evaluation(text, scope) for name, text in _EXPRESSIONS.items()
    }
    works["decode 100 targets"] = _decoding(scope)
    for name, work in works.items():
        rate = _measure(work, seconds)
        print(json.dumps({"work": name, "per_second": round(rate), "microseconds": round(1e6 / rate, 1)}))


if __name__ == "__main__":
    main()
