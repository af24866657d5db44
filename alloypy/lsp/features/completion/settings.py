"""What the settings of a project say about what may be offered."""

from __future__ import annotations

from alloypy.graph.admission import Gate
from alloypy.lsp.cursor.around import Role
from alloypy.lsp.cursor.place import Place


def gate_of(place: Place) -> Gate:
    """What the command line of the configuration's Alloy permits."""
    settings = place.workspace.settings(place.document.path)
    if settings is None:
        return Gate()
    from alloypy.check.units.settings_options import gate_of as gate_of_settings

    return gate_of_settings(settings)


def deprecated_paths(place: Place) -> frozenset[str]:
    """The names of the innermost body that are deprecated in the configuration's version of Alloy."""
    outer = [each for each in place.blocks if not each.role.has_nodes]
    if not outer or outer[0].role is not Role.COMPONENT:
        return frozenset()
    from alloypy.catalog.history import load_history

    history = load_history()
    version = place.workspace.language(place.document.path).version or history.timeline.main
    entry = history.component(outer[0].block.full_name)
    spec = place.spec
    if entry is None or spec is None:
        return frozenset()
    before = "".join(f"{each.block.full_name}/" for each in outer[1:])
    found = {member.name: entry.path(f"{before}{member.name}") for member in spec.members}
    return frozenset(
        name
        for name, path in found.items()
        if path is not None and path.deprecated is not None and path.deprecated <= version.index
    )
