"""`json_path`: what a path names in a JSON text."""

from __future__ import annotations

from alloypy.lang.functions import FunctionError, TypedFunction
from alloypy.lang.traced import LITERAL
from alloypy.lang.types import StringType
from alloypy.lang.values import Value


def _json_path(text: str, path: str) -> list[Value]:
    from alloypy.lang.json_path.parser import parse_path
    from alloypy.lang.json_path.reader import read
    from alloypy.lang.json_path.search import search

    try:
        fragments = parse_path(path)
        return search(fragments, read(text))
    except ValueError as error:
        raise FunctionError(str(error)) from None


JSON_PATH = TypedFunction(
    "json_path",
    (StringType(), StringType()),
    _json_path,
    returns="([]interface {}, error)",
    origin=LITERAL,
    weight=32,
)
