"""`json_path`: the values that a path selects in a JSON text."""

from __future__ import annotations

from alloypy.lang.evaluation.functions import Example, FunctionError, Manual, TypedFunction
from alloypy.lang.evaluation.traced import LITERAL
from alloypy.lang.types import StringType
from alloypy.lang.values import Value


def _json_path(text: str, path: str) -> list[Value]:
    from alloypy.lang.stdlib.jsonpath.parser import parse_path
    from alloypy.lang.stdlib.jsonpath.reader import read
    from alloypy.lang.stdlib.jsonpath.search import search

    try:
        fragments = parse_path(path)
        return search(fragments, read(text))
    except ValueError as error:
        raise FunctionError(str(error)) from None


JSON_PATH = TypedFunction(
    "json_path",
    (StringType(), StringType()),
    _json_path,
    Manual(
        ("text: string", "path: string"),
        "list(any)",
        "Finds values in a JSON text with a JSONPath. The result is always a list, empty if nothing is "
        "found; `[0]` takes its first element.",
        (
            Example(r'json_path("{\"db\": {\"user\": \"alice\"}}", ".db.user")', '["alice"]'),
            Example(
                r'json_path("[{\"env\": \"prod\", \"port\": 4040}]", "[?(@.env == \"prod\")].port")[0]',
                "4040",
            ),
            Example('json_path("{}", ".missing")', "[]"),
        ),
    ),
    returns="([]interface {}, error)",
    origin=LITERAL,
    weight=32,
)
