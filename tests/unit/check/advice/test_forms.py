"""Hints for blocks written as attributes, and attributes written as blocks."""

from __future__ import annotations

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.check.advice.forms import forms_of
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, edited
from alloypy.syntax.parser import parse_file
from alloypy.syntax.repairs.hints import hinted
from alloypy.syntax.source import Source
from tests.support.checking import errors

OUTER = 'pyroscope.write "w" {{\n{0}\n}}\n'
URL = '  endpoint {\n    url = "http://h"\n  }\n'


def hints_of(text: str, *, known: bool = True) -> list[Diagnostic]:
    with pytest.raises(DiagnosticsError) as caught:
        parse_file(Source("c", text.encode()))
    found = caught.value.diagnostics
    return [
        d for d in (hinted(found, form_of=forms_of(load_catalog())) if known else hinted(found)) if d.hint
    ]


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        ('  endpoint = {\n    url = "http://h"\n  }', "`endpoint { ... }`"),
        ('  endpoint = {\n    url = "http://h"\n    name = "n"\n  }', "`endpoint { ... }`"),
        ('  endpoint = {\n    url = "http://h",\n    name = "n"\n  }', "`endpoint { ... }`"),
        (
            '  endpoint {\n    url = "http://h"\n    basic_auth = {\n      username = "u"\n    }\n  }',
            "`basic_auth { ... }`",
        ),
        (f'{URL}  external_labels = {{\n    a = "b"\n  }}', "put a `,`"),
        (f'{URL}  external_labels {{\n    "a" = "b",\n    "c" = "d",\n  }}', "`external_labels = { ... }`"),
        (f'{URL}  external_labels {{\n    "a" = "b"\n    "c" = "d"\n  }}', "`external_labels = { ... }`"),
        (f'{URL}  external_labels {{\n    a = "b",\n    c = "d",\n  }}', "`external_labels = { ... }`"),
        ('  endpoint {\n    url = "http://h",\n  }', "without `,`"),
    ],
)
def test_the_hint_knows_the_form(inner: str, words: str) -> None:
    text = OUTER.format(inner)
    (fault,) = hints_of(text)
    assert words in fault.hint
    assert errors(edited(text.encode(), fault.fix).decode()) == []


def test_inside_a_declare_the_form_is_known_too() -> None:
    inner = OUTER.format('  endpoint = {\n    url = "http://h"\n  }')
    (fault,) = hints_of(f'declare "d" {{\n{inner}}}\n')
    assert "`endpoint { ... }`" in fault.hint


def test_quoted_names_tell_an_object_of_an_unknown_name() -> None:
    (fault,) = hints_of('a "b" {\n  c {\n    "d" = "e",\n  }\n}\n', known=False)
    assert "`c = { ... }`" in fault.hint
