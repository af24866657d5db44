"""What the codes of diagnostics mean, for people."""

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
        "An expression cannot be evaluated, or gives a value of another type than its place wants. Numbers "
        "become strings and strings that hold a number become numbers; nothing becomes a boolean, and "
        "secrets never become strings unless convert.nonsensitive says so.",
    ),
    "ALY0301": Code(
        "unknown attribute",
        "The body has no attribute of that name. `alloypy docs COMPONENT` lists those it has.",
    ),
    "ALY0302": Code(
        "unknown block",
        "The body has no inner block of that name. Names with dots, such as stage.json, are written whole. "
        "`alloypy docs COMPONENT` lists the blocks it has.",
    ),
    "ALY0303": Code(
        "attribute and block mixed up",
        "An attribute is `name = value`, a block is `name { ... }`; each setting is one of the two.",
    ),
    "ALY0304": Code(
        "given too often",
        "Attributes, and blocks that are no lists, are given once. Another block may be meant, or the "
        "values belong into one list.",
    ),
    "ALY0305": Code(
        "something required is missing",
        "Required settings have no default. `alloypy docs COMPONENT` marks them.",
    ),
    "ALY0306": Code(
        "label on an inner block",
        "Most inner blocks take no label; a few, such as profile.custom of pyroscope.scrape, need one.",
    ),
    "ALY0307": Code(
        "block inside a block of free names",
        "The body holds attributes of any name, and no blocks.",
    ),
    "ALY0308": Code(
        "a literal of the wrong type",
        "What is written literally does not fit the setting. Durations are strings with a unit, such as "
        '"15s"; booleans are true and false without quotes.',
    ),
    "ALY0401": Code(
        "attribute outside a block",
        "A configuration, a declare and a template consist of blocks; attributes stand inside of them.",
    ),
    "ALY0402": Code(
        "declared twice",
        "The name and the label of a block together name it. Give one of the two another label.",
    ),
    "ALY0403": Code(
        "block in the wrong place",
        "argument and export stand in modules only; logging, tracing and services at the top level only.",
    ),
    "ALY0404": Code("declare as a label", "A declare block may not be called declare."),
    "ALY0405": Code(
        "not let in",
        "The feature is less stable than --stability.level admits, or a community component. The flags that "
        "let it in are the same for validate and run.",
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
    "ALY0409": Code("not configurable", "The service runs always, and takes no settings."),
    "ALY0410": Code(
        "name without meaning",
        "The reference is neither a component, nor an argument, nor part of the standard library. A declare "
        "sees nothing of what is outside of it; what it needs comes in by arguments.",
    ),
    "ALY0411": Code(
        "cycle",
        "The blocks need each other's exports, so that none of them could be evaluated first.",
    ),
    "ALY0412": Code("self reference", "A block cannot use its own exports, nor a declare itself."),
    LOAD_RULE: Code(
        "settings that cannot work",
        "The component refuses these settings when it is loaded, for they contradict each other or are out "
        "of range, although each of them is of the right type.",
    ),
    SAME_PORT: Code(
        "two receivers on one port",
        "Only one of them can listen there. Addresses of different interfaces may share a port; the "
        "empty address and 0.0.0.0 stand for all interfaces.",
    ),
    MODULE_CONTENT: Code(
        "faulty module",
        "Imported content may hold declare and import blocks only, and has to be free of faults.",
    ),
    STOPPING: Code(
        "not loaded",
        "The process was asked to stop while it evaluated the configuration. Nothing is wrong with it.",
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
        "The component only serves others, and none refers to it. It may be left over, or a reference to "
        "it may be missing.",
    ),
    PLAIN_SECRET: Code(
        "secret in plain text",
        "Whoever reads the file reads the secret. sys.env, local.file or remote.vault keep it elsewhere.",
    ),
    NUMBER_CHANGED: Code(
        "number does not fit",
        "The number is cut to the size of the setting: a fraction is dropped, what is too large or negative "
        "becomes another number.",
    ),
    NO_URL: Code(
        "not a URL",
        "The text is taken as it is, and fails when it is first used. A URL begins with http:// or https:// "
        "and a host; a port without a host, as in https://:4040, means this machine.",
    ),
    URL_PATH: Code(
        "path that is added anyway",
        "alloypy adds the path of the API to the URL of a Pyroscope server, which therefore ends before it, "
        "as in http://pyroscope:4040.",
    ),
    UNSET_VARIABLE: Code(
        "environment variable not set",
        "A variable that is not set gives an empty text, which a URL, a login or a label takes silently. "
        'Where that is wanted, coalesce(sys.env("NAME"), "default") says so. validate knows the environment '
        "only when --env-file tells it; run warns at each load.",
    ),
    NOWHERE: Code(
        "goes nowhere",
        "The component takes what it is given, and has nobody to give it to: a receiver in forward_to, or an "
        "endpoint block, is missing.",
    ),
}
"""What stands for each code of the graph and the check."""


def explanation(code: str) -> Code | None:
    """What a code of any module means; None for one that does not exist."""
    return CODES.get(code) or EXPLAINED.get(code)
