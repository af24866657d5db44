"""What is known of one kind of objects, and who is told of changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from alloypy.components.discovery.kube.objects import Kept

O = TypeVar("O", bound=Kept)  # noqa: E741 -- the kind of objects

Listener = Callable[[str, O | None, O | None], None]
"""Called with the key of an object, what was known of it and what is known now; None if it did not exist."""


class Store(Generic[O]):
    """Objects by `namespace/name`, or by their names if they are in no namespace.

    synced: whether it has been filled once.
    """

    def __init__(self) -> None:
        self.synced = False
        self.objects: dict[str, O] = {}
        self._listeners: list[Listener[O]] = []

    def tell(self, listener: Listener[O]) -> None:
        """Tell of every change."""
        self._listeners.append(listener)

    def replace(self, objects: Mapping[str, O]) -> None:
        """Take these objects as all that exist."""
        old, self.objects = self.objects, dict(objects)
        self.synced = True
        for key in [key for key in old if key not in objects]:
            self._say(key, old[key], None)
        for key, new in objects.items():
            before = old.get(key)
            if before is None or before.version != new.version:
                self._say(key, before, new)

    def put(self, key: str, new: O) -> None:
        """Take an object that was added or has changed."""
        before = self.objects.get(key)
        self.objects[key] = new
        self._say(key, before, new)

    def remove(self, key: str) -> None:
        """Forget an object that was deleted."""
        before = self.objects.pop(key, None)
        if before is not None:
            self._say(key, before, None)

    def _say(self, key: str, before: O | None, after: O | None) -> None:
        for listener in self._listeners:
            listener(key, before, after)
