"""Lint rules about modules: what nothing uses, and names that hide others."""

from __future__ import annotations

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.check.units.units import CheckOptions, check_texts
from alloypy.graph.admission import Gate
from alloypy.schema.stability import Stability
from alloypy.syntax.source import Source

CODES = frozenset({"ALY0911", "ALY0912", "ALY0913", "ALY0914"})
OPTIONS = CheckOptions(load_catalog(), Gate(Stability.EXPERIMENTAL, False), {}, {}, CODES)
EXPORT = 'export "e" { value = 1 }'


def messages(text: str) -> list[str]:
    """What the rules find in a configuration without errors."""
    return [each.message for each in check_texts("c", [Source("c", text.encode())], OPTIONS).diagnostics]


USED = """
declare "m" {
  argument "x" { }
  export "e" { value = argument.x.value }
}
m "a" { x = 1 }
"""
FOREACH = """
foreach "f" {
  collection = [1]
  var        = "i"
  template { }
}
"""
USED_IN_TEMPLATE = USED.replace("argument.x.value", "1").replace(
    "}\nm", FOREACH.replace("{ }", "{\n local.file `g` { filename = argument.x.value }\n}") + "}\nm"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (USED, None),
        (USED.replace("argument.x.value", '"1"'), "nothing in the module uses argument.x.value"),
        (USED.replace("argument.x.value", 'argument["x"].value'), None),
        (USED_IN_TEMPLATE.replace("`g`", '"g"'), None),
        (f'declare "m" {{ {EXPORT} }}\nlogging {{ }}', "nothing uses declare.m"),
        (f'declare "m" {{ {EXPORT} }}', None),
        (f'declare "m" {{\ndeclare "n" {{ {EXPORT} }}\n{EXPORT}\n}}', "nothing uses declare.n"),
        (f'declare "m" {{ {EXPORT} }}{FOREACH}'.replace("template { }", 'template { m "a" { } }'), None),
        ('import.string "s" { content = "" }\nlogging { }', "nothing uses import.string.s"),
        (f'import.string "s" {{ content = `declare "m" {{ {EXPORT} }}` }}\ns.m "a" {{ }}', None),
        (FOREACH, None),
        (
            FOREACH.replace('"i"', '"sys"'),
            "the variable sys hides sys of the standard library in the template",
        ),
        (
            FOREACH.replace("{ }", f"{{ {FOREACH} }}"),
            "the variable i hides the variable of the foreach around it in the template",
        ),
        (
            f'declare "prometheus" {{ {EXPORT} }}\nprometheus "a" {{ }}',
            "declare.prometheus hides all components of Alloy whose names begin with prometheus here",
        ),
    ],
)
def test_unused_and_hiding_names_are_found(text: str, expected: str | None) -> None:
    assert messages(text) == ([] if expected is None else [expected])
