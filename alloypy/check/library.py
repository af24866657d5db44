"""What is known of the standard library without calling it.

Source: spec section 6.
"""

from __future__ import annotations

from alloypy.check.shapes import ARRAY, STRING, Shape

MACHINE = frozenset({"constants", "sys", "env", "file"})
"""Names of the library whose values differ from machine to machine."""

PURE = frozenset({"file.path_join"})
"""What is nevertheless the same on every machine."""

RESULTS: dict[str, Shape] = {
    "sys.env": STRING,
    "convert.nonsensitive": STRING,
    "file.path_join": STRING,
    "encoding.to_json": STRING,
    "encoding.to_base64": STRING,
    "encoding.to_URLbase64": STRING,
    "encoding.url_encode": STRING,
    "encoding.url_decode": STRING,
    "string.split": ARRAY,
    "array.concat": ARRAY,
    "array.combine_maps": ARRAY,
    "array.group_by": ARRAY,
    "json_path": ARRAY,
    **{
        f"string.{name}": STRING
        for name in (
            "format", "join", "replace", "to_lower", "to_upper", "trim", "trim_prefix", "trim_suffix",
            "trim_space",
        )
    },
}  # fmt: skip
"""What functions give; any other gives anything."""
