"""Explains the codes of diagnostics."""

from __future__ import annotations

from alloypy.graph.codes import (
    DEPRECATED,
    LOAD_RULE,
    MODULE_CONTENT,
    NO_URL,
    NOWHERE,
    NUMBER_CHANGED,
    PLAIN_SECRET,
    SAME_PORT,
    SHADOWING,
    STOPPING,
    UNSET_VARIABLE,
    UNUSED,
    URL_PATH,
)
from alloypy.syntax.codes import CODES, Code

EXPLAINED: dict[str, Code] = {
    "ALY0300": Code(
        "a value does not fit",
        "An expression cannot be evaluated, or its value has another type than its place requires. Numbers "
        "become strings, and strings that contain a number become numbers; nothing becomes a boolean, and "
        "secrets become strings only with convert.nonsensitive.",
    ),
    "ALY0301": Code(
        "unknown attribute",
        "The body has no attribute of that name. `alloypy docs COMPONENT` lists all attributes.",
    ),
    "ALY0302": Code(
        "unknown block",
        "The body has no inner block of that name. Names with dots, such as stage.json, are written in full. "
        "`alloypy docs COMPONENT` lists all blocks.",
    ),
    "ALY0303": Code(
        "attribute and block mixed up",
        "An attribute is `name = value`, a block is `name { ... }`; each setting is one of the two.",
    ),
    "ALY0304": Code(
        "given too often",
        "Attributes, and blocks that are not lists, are given once. Another block may be meant, or the "
        "values belong in one list.",
    ),
    "ALY0305": Code(
        "something required is missing",
        "Required settings have no default. `alloypy docs COMPONENT` marks them.",
    ),
    "ALY0306": Code(
        "label on an inner block",
        "Most inner blocks have no label; a few, such as profile.custom of pyroscope.scrape, need one.",
    ),
    "ALY0307": Code(
        "block inside a block with free names",
        "The body may contain attributes of any name, but no blocks.",
    ),
    "ALY0308": Code(
        "a literal of the wrong type",
        "The literal does not fit the setting. Durations are strings with a unit, such as "
        '"15s"; booleans are true and false without quotes.',
    ),
    "ALY0401": Code(
        "attribute outside a block",
        "A configuration, a declare and a template consist of blocks; attributes go inside blocks.",
    ),
    "ALY0402": Code(
        "declared twice",
        "A block is identified by its name and label. Give one of the two blocks another label.",
    ),
    "ALY0403": Code(
        "block in the wrong place",
        "argument and export are allowed only in modules; logging, tracing and services only at the top.",
    ),
    "ALY0404": Code("declare as a label", "A declare block may not be called declare."),
    "ALY0405": Code(
        "not permitted",
        "The feature is less stable than --stability.level permits, or a community component. The flags that "
        "permit it are the same for validate and run.",
    ),
    "ALY0406": Code(
        "argument the module does not have",
        "The module has no argument block of that name.",
    ),
    "ALY0407": Code(
        "unknown component",
        "There is no such component, declare or import. A dotted name is looked up as a component; the part "
        "before the first dot may be the label of an import.",
    ),
    "ALY0408": Code("label missing", "The block needs a label, which names it in references."),
    "ALY0409": Code("not configurable", "The service always runs, and has no settings."),
    "ALY0410": Code(
        "unknown name",
        "The reference is neither a component, nor an argument, nor part of the standard library. A declare "
        "cannot see anything outside it; pass what it needs as arguments.",
    ),
    "ALY0411": Code(
        "cycle",
        "The blocks need each other's exports, so none of them can be evaluated first.",
    ),
    "ALY0412": Code("self reference", "A block cannot use its own exports, nor a declare itself."),
    LOAD_RULE: Code(
        "settings that cannot work",
        "The component rejects these settings when it is loaded: each has the right type, but they "
        "contradict each other or are out of range.",
    ),
    SAME_PORT: Code(
        "two receivers on one port",
        "Only one of them can listen there. Addresses of different interfaces may share a port; the "
        "empty address and 0.0.0.0 mean all interfaces.",
    ),
    MODULE_CONTENT: Code(
        "faulty module",
        "Imported content may contain only declare and import blocks, and must be free of faults.",
    ),
    STOPPING: Code(
        "not loaded",
        "The process was asked to stop while it evaluated the configuration, which may be fine.",
    ),
    DEPRECATED: Code(
        "old name of a function",
        "The function has moved into a namespace: env is sys.env, concat is array.concat, to_upper is "
        "string.to_upper and so on. The old name still works.",
    ),
    SHADOWING: Code(
        "component hides a function",
        "A component has the name of a function of the standard library, which it hides.",
    ),
    UNUSED: Code(
        "nothing uses it",
        "The component only serves others, and none refers to it. Either it is no longer needed, or a "
        "reference to it is missing.",
    ),
    PLAIN_SECRET: Code(
        "secret in plain text",
        "Anybody who can read the file can read the secret. Use sys.env, local.file or remote.vault instead.",
    ),
    NUMBER_CHANGED: Code(
        "number does not fit",
        "The number is cut to the size of the setting: a fraction is dropped, and a number that is too large "
        "or negative becomes another one.",
    ),
    NO_URL: Code(
        "not a URL",
        "The text is accepted, but fails when it is first used. A URL begins with http:// or https:// "
        "and a host; a port without a host, as in https://:4040, means this machine.",
    ),
    URL_PATH: Code(
        "path that is added anyway",
        "alloypy appends the path of the API to the URL of a Pyroscope server, so the URL must end before "
        "it, as in http://pyroscope:4040.",
    ),
    UNSET_VARIABLE: Code(
        "environment variable not set",
        "A variable that is not set is an empty text, which a URL, a credential or a label accepts silently. "
        'Provide a default with coalesce(sys.env("NAME"), "default"). validate knows the environment only '
        "with --env-file; run warns at each load.",
    ),
    NOWHERE: Code(
        "goes nowhere",
        "The component accepts data, but has nowhere to send it: a receiver in forward_to, or an endpoint "
        "block, is missing.",
    ),
}
"""The titles and explanations of the codes of the graph and the check."""


def explanation(code: str) -> Code | None:
    """The title and explanation of any code; None for an unknown one."""
    return CODES.get(code) or EXPLAINED.get(code)
