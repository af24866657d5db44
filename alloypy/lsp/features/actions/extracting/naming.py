"""Names for a new module, its arguments and its exports."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import count

from alloypy.check.scope import Language
from alloypy.graph.nodes import CONFIG_KINDS, SERVICE_NAMES
from alloypy.lsp.features.actions.extracting.wiring import Use, Wiring
from alloypy.syntax.letters import is_identifier

INSTANCE = "default"
"""The label of the component that takes the place of the moved blocks."""

_FALLBACK = "extracted"


def module_name(wiring: Wiring, language: Language) -> str:
    """A name for the module that nothing else has: the label that its blocks share, if there is one."""
    taken = {
        *wiring.first_names,
        *(name.partition(".")[0] for name in (*language.component_names, *language.block_names)),
        *language.identifiers,
        *language.deprecated,
        *(name.partition(".")[0] for name in CONFIG_KINDS),
        *SERVICE_NAMES,
        "declare",
    }
    labels = {block.label for block in wiring.blocks}
    wanted = labels.pop() if len(labels) == 1 else _FALLBACK
    return _free(wanted if wanted != INSTANCE and is_identifier(wanted) else _FALLBACK, taken)


def port_names(uses: Iterable[Use]) -> Mapping[tuple[str, str], str]:
    """A name for each component and export that is used: that of the export if it is the only one of it.

    In the order in which they are first used.
    """
    ports = list(dict.fromkeys((use.target, use.export) for use in uses))
    shared = Counter(_shortest(port) for port in ports)
    names: dict[tuple[str, str], str] = {}
    for port in ports:
        short = _shortest(port)
        if shared[short] > 1:
            short = "_".join(part for part in (port[0].rpartition(".")[2], port[1]) if part)
        names[port] = _free(short, names.values())
    return names


def _shortest(port: tuple[str, str]) -> str:
    return port[1] or port[0].rpartition(".")[2]


def _free(wanted: str, taken: Collection[str]) -> str:
    """The name, with a number if it is taken."""
    name = re.sub(r"\W", "_", wanted)
    return next(each for n in count(1) if (each := name if n == 1 else f"{name}_{n}") not in taken)
