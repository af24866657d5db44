"""Messages about faulty blocks and references, shared by loading and the static check.

Unless stated otherwise, the words are Alloy's. Source: docs/spec/RUNTIME.md, sections 2.2, 2.3, 5.6.
"""

from __future__ import annotations

from alloypy.lang.go.text import quote

DEPRECATED = (
    "this stdlib function is deprecated; please refer to the documentation for updated usage and alternatives"
)
SHADOWING = "a component is shadowing an existing stdlib name"

ONLY_ALLOYPY_HINT = 'only alloypy has such components: use --for alloypy, or for = "alloypy" in .alloypy.toml'
"""What to do about a component of alloypy in a configuration that is checked for Alloy."""

NOT_RUN_HINT = (
    "Alloy has this component, alloypy does not: remove the block, or run this configuration with Alloy"
)

NO_TEMPLATE = "the block template is missing in the foreach block"

UPDATING = "updating custom component"
"""Precedes the error if the module of a custom component cannot be created."""

UPDATING_ITEM = "updating custom component in foreach"
"""Precedes the error if the module of an item cannot be created."""


def not_run(name: str) -> str:
    """A component of Alloy that alloypy does not run; the words are ours."""
    return f'alloypy does not run the component "{name}"'


def unknown_component(name: str) -> str:
    """A component that neither Alloy nor alloypy has."""
    return f'cannot find the definition of component name "{name}"'


def community_component(name: str) -> str:
    """A community component, if the command line does not permit those."""
    return (
        f'the component "{name}" is a community component. Use the '
        "--feature.community-components.enabled command-line flag to enable community components"
    )


def unlabelled(what: str) -> str:
    """A block without the label it needs; `what`: for example `component "pyroscope.write"`."""
    return f"{what} must have a label"


def declared_already(node_id: str, first: object) -> str:
    """A block whose id is taken; `first`: the place of the block that has it."""
    return f"block {node_id} already declared at {first}"


def only_inside_module(name: str) -> str:
    """An `argument` or `export` block at the root."""
    return f"{name} blocks only allowed inside a module"


def not_configurable(name: str) -> str:
    """A service that cannot be configured with a block."""
    return f'service "{name}" does not support being configured'


def out_of_scope(name: str) -> str:
    """A name that is not known."""
    return f'component "{name}" does not exist or is out of scope'


def cycle(nodes: str) -> str:
    """Nodes that depend on each other."""
    return f"cycle: {nodes}"


def self_reference(node_id: str) -> str:
    """A node that depends on itself."""
    return f"self reference: {node_id}"


def argument_unknown(name: str) -> str:
    """A setting for which a module has no argument."""
    return f'Provided argument "{name}" is not defined in the module'


def argument_missing(name: str) -> str:
    """An argument that a module requires and does not get."""
    return f'missing required argument "{name}" to module'


def custom_unknown(namespace: str, name: str) -> str:
    """A custom component that no declare or import defines."""
    return (
        "loading custom component controller: custom component config not found in the registry, "
        f"namespace: {quote(namespace)}, componentName: {quote(name)}"
    )


def contains_itself(node_id: str) -> str:
    """A custom component whose module contains itself; the words are ours."""
    return f"custom component {quote(node_id)} contains itself"


def in_the_way(name: str, node_id: str) -> str:
    """A value in the place of a node's exports."""
    return f'expected a map but found a value for "{name}" when trying to cache the export for {node_id}'
