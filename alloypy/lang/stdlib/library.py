"""The table of the standard library.

Source: docs/spec/SYNTAX.md, section 5, standard library.
"""

from __future__ import annotations

from collections.abc import Mapping

from alloypy.lang.evaluation.functions import Example, LibraryFunction, Manual, TypedFunction
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.stdlib import array, coalesce, convert, encoding, file, string
from alloypy.lang.stdlib.constants import Platform
from alloypy.lang.stdlib.jsonpath import function as json_path
from alloypy.lang.types import StringType
from alloypy.lang.values import StringMap, Value

_ONCE_AT_THE_TOP = (
    "format",
    "join",
    "replace",
    "split",
    "to_lower",
    "to_upper",
    "trim",
    "trim_prefix",
    "trim_space",
    "trim_suffix",
)

ALIASES: dict[str, LibraryFunction] = {
    "nonsensitive": convert.NONSENSITIVE,
    "concat": array.CONCAT,
    "json_decode": encoding.FROM_JSON,
    "yaml_decode": encoding.FROM_YAML,
    "base64_decode": encoding.FROM_BASE64,
    **{name: string.FUNCTIONS[name] for name in _ONCE_AT_THE_TOP},
}
"""Old names of functions that are now in a namespace; `env` is another, defined below."""

DEPRECATED = frozenset({"env", *ALIASES})
"""Top-level names whose use is worth a warning."""

EXPERIMENTAL = frozenset({"array.combine_maps", "array.group_by"})
"""Full names of functions that require a lower stability level."""

_FIXED: dict[str, Value] = {
    "coalesce": coalesce.COALESCE,
    "json_path": json_path.JSON_PATH,
    "array": array.FUNCTIONS,
    "convert": {"nonsensitive": convert.NONSENSITIVE},
    "encoding": encoding.FUNCTIONS,
    "file": file.FUNCTIONS,
    "string": string.FUNCTIONS,
    **ALIASES,
}

_ENV = Manual(
    ("name: string",),
    "string",
    "Returns the value of an environment variable, or the empty text if it is not set. It is read at each "
    "load of the configuration.",
    (
        Example('sys.env("REGION")', '"eu-west-1"', "REGION=eu-west-1"),
        Example('coalesce(sys.env("REGION"), "unknown")', '"unknown"'),
    ),
)

IDENTIFIERS = frozenset({"constants", "sys", "env", *_FIXED})
"""Every top-level name of the standard library."""


class Stdlib(Scope):
    """The outermost scope.

    environ: what `sys.env` reads; if None, the environment of the process.
    platform: the content of `constants`; if None, this machine's.
    """

    __slots__ = ()

    def __init__(self, environ: Mapping[str, str] | None = None, platform: Platform | None = None) -> None:
        if environ is None:
            from os import environ as process_environ

            environ = process_environ
        platform = platform or Platform.current()
        env = TypedFunction("sys.env", (StringType(),), lambda name: environ.get(name, ""), _ENV)
        super().__init__(
            {**_FIXED, "constants": StringMap(platform._asdict()), "sys": {"env": env}, "env": env}
        )
