"""The configuration in the text of an `import.string`, which is a text of its own."""

from __future__ import annotations

from alloypy.lsp.cursor.place import Kind, Place, place_at
from alloypy.lsp.documents.document import Document
from alloypy.syntax.tree import Literal


def embedded_at(place: Place) -> Place | None:
    """The place in the text that contains it, whose offsets count from `place.start`; None outside of one.

    Only in a string without escapes, in backquotes, each byte is where it is in the text.
    """
    node, member = place.expression, place.member
    if place.kind is not Kind.STRING or not isinstance(node, Literal) or not node.text.startswith("`"):
        return None
    if member is None or member.name != "content" or place.blocks[-1].block.full_name != "import.string":
        return None
    data = place.document.data[place.start : place.stop]
    inner = Document(f"{place.document.path}/content", data)
    return place_at(place.workspace, inner, place.offset - place.start)
