"""What the schema knows about names in a text that cannot be parsed."""

from __future__ import annotations

from collections.abc import Sequence

from alloypy.check.scope import Language
from alloypy.syntax.repairs.forms import Form, FormOf

_MODULES = frozenset({"declare", "foreach", "template"})


def forms_of(language: Language) -> FormOf:
    """A `FormOf` that knows the blocks and attributes of a language's components and config blocks."""

    def form_of(names: Sequence[str]) -> Form | None:
        begin = 0
        while begin < len(names) and names[begin] in _MODULES:
            begin += 1
        if len(names) - begin < 2:
            return None
        entry = language.component(names[begin]) or language.block(names[begin])
        spec = entry.arguments if entry is not None else None
        for name in names[begin + 1 : -1]:
            block = (
                next((each for each in spec.blocks if each.name == name), None) if spec is not None else None
            )
            spec = block.body if block is not None else None
        if spec is None:
            return None
        if any(each.name == names[-1] for each in spec.blocks):
            return Form.BLOCK
        return Form.ATTRIBUTE if any(each.name == names[-1] for each in spec.attributes) else None

    return form_of
