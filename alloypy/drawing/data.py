"""Pictures as JSON, for programs."""

from __future__ import annotations

import json
from typing import Any

from alloypy.drawing.picture import Box, Picture, distinct, pipelines


def data(picture: Picture) -> str:
    """The picture as a JSON object: `title`, `groups`, `nodes` and `edges`.

    The nodes of one pipeline have the same number in `pipeline`.
    """
    number: dict[str, int] = {}
    parts = [part for group in pipelines(picture).values() for part in group]
    for at, part in enumerate(parts):
        number |= {box.id: at for box in part.boxes}
    content = {
        "title": picture.title,
        "groups": [{"id": each.id, "title": each.title} for each in picture.groups],
        "nodes": [_node(box, number[box.id]) for box in picture.boxes],
        "edges": [
            {"from": each.source, "to": each.target, "carries": each.carries, "is_data": each.is_data}
            for each in distinct(picture.arrows)
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _node(box: Box, pipeline: int) -> dict[str, Any]:
    return {
        "id": box.id,
        "name": box.name,
        "label": box.label,
        "kind": box.kind.value,
        "group": box.group,
        "inside": box.inside,
        "place": box.place,
        "pipeline": pipeline,
    }
