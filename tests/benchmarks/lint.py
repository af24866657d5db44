"""What each lint rule costs on a file of 1 MB: `python tests/benchmarks/lint.py`.

For each of several shapes of a configuration it prints the five dearest rules: CPU seconds on 1 MB, and how
much longer than on half of that, which is 2 for a linear rule.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable
from unittest.mock import patch

from alloypy.catalog.catalog import load_catalog
from alloypy.check import configuration
from alloypy.check.lint import all_rules, runner
from alloypy.check.lint.rule import Rule
from alloypy.check.lint.runner import Linted
from alloypy.graph.admission import Gate
from alloypy.schema.stability import Stability
from alloypy.syntax.config_files import parse_config
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.source import Source

BYTES = 1_000_000
SHOWN = 5

PIPELINE = """
discovery.kubernetes "k{n}" {{
  role = "pod"
}}

discovery.relabel "r{n}" {{
  targets = discovery.kubernetes.k{n}.targets
  rule {{
    source_labels = ["__meta_kubernetes_namespace", "__meta_kubernetes_pod_name"]
    separator     = "/"
    regex         = "prod-{n}/(.*)"
    target_label  = "service_{n}"
    replacement   = "$1"
  }}
  rule {{
    source_labels = ["service_{n}"]
    regex         = "test-.*"
    action        = "drop"
  }}
}}

pyroscope.scrape "s{n}" {{
  targets    = array.concat(discovery.relabel.r{n}.output, [{{"__address__" = "h{n}:4040", "a" = "b"}}])
  forward_to = [pyroscope.write.w{n}.receiver]
}}

pyroscope.write "w{n}" {{
  endpoint {{
    url = coalesce(sys.env("URL{n}"), "http://backend-{n}:4040")
    basic_auth {{
      username = string.format("%s-%d", sys.env("USER"), {n})
      password = sys.env("PASSWORD")
    }}
  }}
  external_labels = {{ env = "prod", region = "eu-{n}" }}
}}
"""
MODULE = """
declare "d{n}" {{
  argument "to" {{ }}
  argument "name" {{
    optional = true
    default  = "x"
  }}
  loki.process "p" {{
    forward_to = argument.to.value
    stage.json {{
      expressions = {{ level = argument.name.value }}
    }}
  }}
  export "receiver" {{
    value = loki.process.p.receiver
  }}
}}

d{n} "i" {{
  to = [loki.echo.e.receiver]
}}

loki.source.api "a{n}" {{
  http {{
    listen_port = {n} % 60000 + 1024
  }}
  forward_to = [d{n}.i.receiver]
}}
"""
RULE = """
  rule {{
    source_labels = ["a{n}"]
    regex         = "x{n}|y(.+)"
    target_label  = "b{n}"
    replacement   = "${{1}}"
  }}"""


def _repeated(text: str, size: int, before: str = "", after: str = "") -> str:
    pieces, length, number = [before], 0, 0
    while length < size:
        pieces.append(text.format(n=number))
        length += len(pieces[-1])
        number += 1
    return "".join([*pieces, after])


SHAPES: dict[str, Callable[[int], str]] = {
    "pipelines": lambda size: _repeated(PIPELINE, size),
    "modules": lambda size: _repeated(MODULE, size, 'loki.echo "e" { }\n'),
    "rules of one component": lambda size: _repeated(
        RULE, size, 'discovery.relabel "r" {\n  targets = []', "\n}\n"
    ),
    "targets in one list": lambda size: _repeated(
        '\n    {{"__address__" = "h{n}:80", "n" = sys.env("N") + "{n}"}},',
        size,
        'discovery.relabel "r" {\n  targets = [',
        "\n  ]\n}\n",
    ),
    "endpoints of one component": lambda size: _repeated(
        '\n  endpoint {{\n    url = "http://h{n}"\n  }}', size, 'pyroscope.write "w" {', "\n}\n"
    ),
    "one expression": lambda size: _repeated(
        ' + sys.env("A{n}")', min(size, 40_000), 'local.file "f" {\n  filename = ""', "\n}\n"
    ),
}
"""Configurations of about a size. Long chains of operators are refused, so one expression stays short."""


class _Clock:
    """Measures the rules that a check runs."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def run_rules(self, rules: Iterable[Rule], linted: Linted) -> list[Diagnostic]:
        """Run each rule by itself, after collecting what all of them share."""
        found: list[Diagnostic] = []
        start = time.process_time()
        views = runner.views_of(linted)
        for view in views:
            view.bodies()
            view.chains()
        self.seconds["what rules share"] = time.process_time() - start
        for rule in rules:
            start = time.process_time()
            found += runner.run_rule(rule, views)
            self.seconds[rule.code] = time.process_time() - start
        return found


def measured(text: str) -> tuple[float, dict[str, float]]:
    """CPU seconds of the whole check without lint, and of each rule."""
    clock = _Clock()
    context = configuration.NOTHING._replace(selected=frozenset(all_rules()))
    gate = Gate(Stability.EXPERIMENTAL, True)
    with patch.object(runner, "run_rules", clock.run_rules):
        start = time.process_time()
        files = parse_config([Source("c", text.encode())])
        checked = configuration.check_files(files, load_catalog(), gate, context)
        total = time.process_time() - start
    errors = [each for each in (*checked.as_alloy, *checked.further) if each.severity is Severity.ERROR]
    if errors:
        raise SystemExit(f"the configuration has an error: {errors[0]}")
    return total - sum(clock.seconds.values()), clock.seconds


def main() -> None:
    """Measure and print."""
    gc.disable()  # collections come at any time, and would count for the rule that runs then
    for name, make in SHAPES.items():
        _, half = measured(make(BYTES // 2))
        check, whole = measured(make(BYTES))
        print(f"{name}: check without rules {check:.2f} s")
        for code, seconds in sorted(whole.items(), key=lambda each: -each[1])[:SHOWN]:
            growth = seconds / half[code] if half[code] > 0.001 else 0.0
            print(f"  {code}  {seconds:.3f} s, {growth:.1f} times half a file")


if __name__ == "__main__":
    main()
