"""The series of a Push on their way to several endpoints, each at its own pace.

Source: docs/spec/PYROSCOPE.md, section 5.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alloypy.components.pyroscope.sending.push import OutgoingPush
from alloypy.profiles.model import Labels, Series

_MOST_KEPT = 256
"""Items that are kept for slower endpoints; for even slower ones they are made again."""


class Accepted:
    """A series and the labels it is sent with."""

    __slots__ = ("labels", "series")

    def __init__(self, labels: Labels, series: Series) -> None:
        self.labels = labels
        self.series = series


class Items:
    """An item for each series, made when an endpoint gets to it: a hostile Push has a hundred thousand.

    shared: whether several endpoints send them.
    """

    def __init__(
        self, accepted: Sequence[Accepted], make: Callable[[Accepted], OutgoingPush], *, shared: bool
    ) -> None:
        self._accepted = accepted
        self._make = make
        self._shared = shared
        self._kept: dict[int, OutgoingPush] = {}

    def __len__(self) -> int:
        return len(self._accepted)

    def __getitem__(self, number: int) -> OutgoingPush:
        if not self._shared:
            return self._make(self._accepted[number])
        item = self._kept.get(number)
        if item is None:
            item = self._kept[number] = self._make(self._accepted[number])
            if len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        return item

    def series_from(self, number: int) -> list[Series]:
        """The series of the items from `number` on."""
        return [each.series for each in self._accepted[number:]]
