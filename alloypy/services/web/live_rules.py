"""The rules of components in words, to say which one dropped a profile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alloypy.lang.brief import brief
from alloypy.runtime.controller import Controller
from alloypy.schema.encode import encode_body

_LONGEST = 500


def rule_in_words(controller: Controller, component: str, position: int) -> str:
    """A rule block as it stands in the configuration, with its values; "" if there is no such rule.

    position: counted from 1.
    """
    module, _, local = component.rpartition("/")
    try:
        body = encode_body(controller.component(module, local).arguments)
    except KeyError:
        return ""
    rules = [each for each in body if each["name"] == "rule" and each["type"] == "block"]
    if not 1 <= position <= len(rules):
        return ""
    return brief(", ".join(_settings(rules[position - 1]["body"])), _LONGEST)


def _settings(body: list[Any]) -> Iterator[str]:
    for each in body:
        if each["type"] == "attr":
            yield f"{each['name']} = {_written(each['value'])}"


def _written(value: Any) -> str:
    content = value.get("value")
    if value["type"] == "array":
        return f"[{', '.join(map(_written, content))}]"
    return f'"{content}"' if value["type"] == "string" else str(content)
