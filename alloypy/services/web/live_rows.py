"""What happened to a profile, as JSON for the page and as a line for streams of text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from json.encoder import encode_basestring_ascii as quoted
from typing import TypeAlias

from alloypy.lang.brief import brief
from alloypy.profiles.labels import print_labels
from alloypy.profiles.model import Labels
from alloypy.runtime.contract.events import DeadLetter, Dropped, Event, Failed, Noted, Relabelled, Sent
from alloypy.runtime.pace import Pace
from alloypy.services.web.live_bodies import Bodies
from alloypy.services.web.live_matching import VERDICTS, Selector, Wanted

_NAMES = {kind: name for name, kind in VERDICTS.items()}
Explain: TypeAlias = Callable[[str, int], str]
"""The rule of a component at a position, in words; "" if it is not known any more."""

_MOST_LABELS = 64
_LONGEST_VALUE = 500
_LONGEST_REASON = 1000

STRIDE = 256
"""Events looked at before other tasks may run."""

_encode = json.JSONEncoder(separators=(",", ":")).encode


class Batch:
    """The events of a moment.

    first: the number of the first event. missed: how many did not arrive.
    """

    def __init__(
        self, events: Sequence[Noted], first: int, missed: int, bodies: Bodies, explain: Explain
    ) -> None:
        self.events = events
        self.missed = missed
        self._first = first
        self._bodies = bodies
        self._explain = explain
        self._rows: dict[int, str] = {}
        self._copies: dict[int, str] = {}
        self._wanted: dict[Wanted, Sequence[int]] = {}
        self._known: dict[Selector, dict[int, bool]] = {}

    async def wanted(self, wanted: Wanted, pace: Pace) -> Sequence[int]:
        """The positions of the events that a viewer wants; viewers that want the same share the answer."""
        known = self._wanted.get(wanted)
        if known is None:
            found: list[int] = []
            for start in range(0, len(self.events), STRIDE):
                found += self._selected(wanted, range(start, min(start + STRIDE, len(self.events))))
                await pace.breathe()
            known = self._wanted[wanted] = found
        return known

    def _selected(self, wanted: Wanted, part: Iterable[int]) -> Iterable[int]:
        kinds, selector, component = wanted
        events = self.events
        found = [index for index in part if type(events[index].event) in kinds]
        if component:
            found = [index for index in found if events[index].event.component == component]
        if selector is not None:
            known = self._known.setdefault(selector, {})
            found = [index for index in found if selector.admits(events[index].event, known)]
        return found

    def row(self, index: int) -> str:
        """An event as JSON; its profiles are held from now on."""
        known = self._rows.get(index)
        if known is None:
            known = self._rows[index] = self._written(index)
        return known

    def _written(self, index: int) -> str:
        """The row, put together here: that takes a third of what an encoder for any value takes."""
        noted = self.events[index]
        event = noted.event
        names = self._bodies.hold(event.body, self._copies, event.labels)
        body = f'"{names[0]}"' if names else "null"
        bodies = f',"bodies":{_encode(names)}' if len(names) > 1 else ""
        return (
            f'{{"id":{self._first + index},"at":{round(noted.at, 3)!r},"component":{quoted(event.component)},'
            f'"verdict":"{_NAMES[type(event)]}","labels":{_shown(event.labels)},"size":{noted.size},'
            f'"body":{body}{bodies}{_particulars(event, self._explain)}}}'
        )


def _particulars(event: Event, explain: Explain) -> str:
    """The further members of a row, each after a comma."""
    if isinstance(event, Relabelled):
        return f',"before":{_shown(event.before)}'
    if isinstance(event, Dropped):
        return f',"rule":{event.rule},"reason":{quoted(explain(event.component, event.rule))}'
    if isinstance(event, DeadLetter):
        reason = f"{event.why}: {brief(event.words, _LONGEST_REASON)}"
        return f',"destination":{quoted(event.destination)},"reason":{quoted(reason)}'
    if isinstance(event, Sent | Failed):
        reason = (
            f',"reason":{quoted(brief(event.reason, _LONGEST_REASON))}' if isinstance(event, Failed) else ""
        )
        return (
            f',"endpoint":{quoted(brief(event.endpoint, _LONGEST_REASON))},'
            f'"status":{"null" if event.status is None else event.status},'
            f'"seconds":{round(event.seconds, 6)!r},"tries":{event.tries}{reason}'
        )
    return ""


def _shown(labels: Labels) -> str:
    """Labels for the page; of very large sets and values, the beginning."""
    if len(labels) <= _MOST_LABELS and max(map(len, labels.values()), default=0) <= _LONGEST_VALUE:
        return f"{{{','.join([f'{quoted(name)}:{quoted(value)}' for name, value in labels.items()])}}}"
    names = sorted(labels)
    shown = {
        brief(name, _LONGEST_VALUE): brief(labels[name], _LONGEST_VALUE) for name in names[:_MOST_LABELS]
    }
    if len(names) > _MOST_LABELS:
        shown["..."] = f"{len(names) - _MOST_LABELS} more labels"
    return _encode(shown)


def line(noted: Noted) -> str:
    """An event as a line of text, in the manner of Alloy's other components."""
    event = noted.event
    labels = print_labels(event.labels)
    if isinstance(event, Relabelled):
        return f"profile: {print_labels(event.before)} => {labels}"
    if isinstance(event, Dropped):
        rule = f" by rule {event.rule}" if event.rule else ""
        return f"profile: {labels} => <dropped{rule}>"
    if isinstance(event, DeadLetter):
        why = f"{event.why}: {brief(event.words, _LONGEST_REASON)}"
        return f"profile: {labels} => <dead letter for {event.destination}, {why}>"
    text = f"profile: labels={labels}, size={noted.size}"
    if isinstance(event, Sent | Failed):
        text += f", endpoint={event.endpoint}, status={event.status or 'none'}"
        text += f", duration={event.seconds:.3f}s, tries={event.tries}"
    return f"{text}, failed: {brief(event.reason, _LONGEST_REASON)}" if isinstance(event, Failed) else text
