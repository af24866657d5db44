"""What OTTL offers in the contexts of each component: functions, paths and constants.

The facts are in `facts.json`; grammar/README.md says how to make them for another version of OpenTelemetry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path as File
from typing import Any, Literal, NamedTuple

from alloypy.embedded.ottl.names import parameter_name

CACHE = "cache"


class Parameter(NamedTuple):
    """A parameter of a function. field: its name in OpenTelemetry's code, by which arguments are matched.

    kind: what it takes, such as `StringGetter`; `[]` before it for a list.
    """

    field: str
    kind: str
    optional: bool

    @property
    def name(self) -> str:
        """The name by which a statement gives the argument."""
        return parameter_name(self.field)


class Function(NamedTuple):
    """An editor or a converter. parameters: None if it ignores its arguments."""

    name: str
    parameters: tuple[Parameter, ...] | None


class Context(NamedTuple):
    """What a text may use.

    name: the kind of data it works on, such as `span`. names: what paths may begin with.
    prefix: whether they must; without such a name a path is one of the context itself.
    paths: whole paths, and how many keys they take: 0, 1, or 2 for any number.
    enums: the names of its constants.
    """

    name: str
    functions: Mapping[str, Function]
    names: frozenset[str]
    prefix: Prefix
    paths: Mapping[str, int]
    enums: frozenset[str]


Prefix = Literal["needed", "optional"]


@cache
def context_of(name: str, dialect: str, prefix: Prefix = "optional") -> Context:
    """The context `name` of a component's dialect: `transform`, `filter`, `signaltometrics`.

    prefix: whether paths must begin with the name of their context.
    """
    facts = _facts()
    names = frozenset(facts["contexts"][name])
    paths = {f"{each}.{path}": keys for each in names for path, keys in facts["paths"][each].items()}
    paths[f"{name}.{CACHE}"] = 2
    return Context(
        name, _functions(dialect, name), names, prefix, paths, frozenset(facts["enums"].get(name, ()))
    )


@cache
def _functions(dialect: str, name: str) -> Mapping[str, Function]:
    facts = _facts()
    editors = dialect == "transform"
    made = {n: f for n, f in _standard().items() if editors or n[0].isupper()}
    more = facts["more"].get(f"{dialect}.{name}", {})
    return {**made, **{each: _function(each, given) for each, given in more.items()}}


@cache
def _standard() -> Mapping[str, Function]:
    return {name: _function(name, given) for name, given in _facts()["functions"].items()}


def _function(name: str, given: list[str] | None) -> Function:
    if given is None:
        return Function(name, None)
    parameters = []
    for each in given:
        field, _, kind = each.removeprefix("?").partition(" ")
        parameters.append(Parameter(field, kind, each.startswith("?")))
    return Function(name, tuple(parameters))


@cache
def _facts() -> Any:
    return json.loads(File(__file__).with_name("facts.json").read_text(encoding="utf-8"))
