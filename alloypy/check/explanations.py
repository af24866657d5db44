"""Explains the codes of diagnostics."""

from __future__ import annotations

from alloypy.graph.codes import LOAD_RULE, MODULE_CONTENT, NOT_INSTALLED, SAME_PORT, STOPPING
from alloypy.schema.faults import IN_DOCUMENT, IN_EXPRESSION, IN_OTTL, IN_TEMPLATE
from alloypy.syntax.codes import CODES, NO_FILES, NOT_RENDERED, Code

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
    NOT_INSTALLED: Code(
        "package not installed",
        "alloypy runs the component with a package that is installed separately. Where this alloypy runs, "
        "the load would be refused.",
    ),
    LOAD_RULE: Code(
        "settings that cannot work",
        "The component rejects these settings when it is loaded: each has the right type, but they "
        "contradict each other or are out of range.",
    ),
    IN_EXPRESSION: Code(
        "an invalid expression in a string",
        "A string holds a regular expression, a LogQL selector, a pattern or a JMESPath expression, and the "
        "component that reads it on loading refuses it. Regular expressions are RE2's, as in all programs in "
        "Go: without lookarounds and backreferences. In double quotes each backslash of an expression is "
        "written twice; in backquotes once.",
    ),
    IN_OTTL: Code(
        "an invalid OTTL statement",
        "A string holds a statement or a condition in OpenTelemetry's transformation language, and the "
        "component refuses it on loading: its syntax is wrong, or it uses a function, a path or an argument "
        "that its context does not have.",
    ),
    IN_TEMPLATE: Code(
        "an invalid template",
        "A string holds a Go template, and the component refuses it on loading: its syntax is wrong, or it "
        "calls a function that templates of this component do not have.",
    ),
    IN_DOCUMENT: Code(
        "a JSON or YAML text that cannot be used",
        "A string holds the settings of a component as JSON or YAML, and the component refuses them on "
        "loading: the text is neither, or contains settings that are unknown or contradict each other.",
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
}
"""The titles and explanations of errors that the graph and the check find; rules explain themselves."""

_FIRST_RULE = "ALY0900"
_UPGRADE = "ALY08"
_WARNINGS = frozenset({NO_FILES, NOT_RENDERED, MODULE_CONTENT, NOT_INSTALLED})


def explanation(code: str) -> Code | None:
    """The title and explanation of any code; None for an unknown one."""
    if code.startswith(_UPGRADE):
        return _of_upgrades().get(code)
    if code <= _FIRST_RULE:
        return CODES.get(code) or EXPLAINED.get(code)
    from alloypy.check.lint import all_rules

    rule = all_rules().get(code)
    return None if rule is None else Code(rule.title, rule.explanation)


def severity_of(code: str) -> str:
    """The severity that findings with a code have: `error` or `warning`."""
    if code.startswith(_UPGRADE):
        from alloypy.check.versions.codes import WARNINGS

        return "warning" if code in WARNINGS else "error"
    return "warning" if code > _FIRST_RULE or code in _WARNINGS else "error"


def is_always_error(code: str) -> bool:
    """Whether no finding with a code is a warning."""
    from alloypy.check.versions.codes import SOMETIMES_WARNINGS

    return severity_of(code) == "error" and code not in SOMETIMES_WARNINGS


def is_default(code: str) -> bool:
    """Whether findings with a code are reported unless something else is selected."""
    from alloypy.check.lint import all_rules

    rule = all_rules().get(code)
    return rule is None or rule.default


def all_codes() -> dict[str, Code]:
    """Every code with its title and explanation."""
    from alloypy.check.lint import all_rules

    rules = {code: Code(rule.title, rule.explanation) for code, rule in all_rules().items()}
    return {**CODES, **EXPLAINED, **_of_upgrades(), **rules}


def _of_upgrades() -> dict[str, Code]:
    from alloypy.check.versions.codes import UPGRADE_CODES

    return {code: Code(each.title, each.explanation) for code, each in UPGRADE_CODES.items()}
