"""What happened to a profile, as JSON for the page and as a line for streams of text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from alloypy.lang.brief import brief
from alloypy.profiles.labels import print_labels
from alloypy.profiles.model import Labels
from alloypy.runtime.contract.events import DeadLetter, Dropped, Event, Failed, Noted, Relabelled, Sent
from alloypy.services.web.live_bodies import Bodies
from alloypy.services.web.live_matching import VERDICTS, Selector, Wanted

_NAMES = {kind: name for name, kind in VERDICTS.items()}
Explain: TypeAlias = Callable[[str, int], str]
"""The rule of a component at a position, in words; "" if it is not known any more."""

_MOST_LABELS = 64
_LONGEST_VALUE = 500
_LONGEST_REASON = 1000

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
        self._known: dict[Selector, dict[int, bool]] = {}

    def wanted(self, wanted: Wanted) -> Iterator[int | None]:
        """The positions of the events that a viewer wants; None for each of the others."""
        kinds, selector, component = wanted
        known = {} if selector is None else self._known.setdefault(selector, {})
        for index, noted in enumerate(self.events):
            event = noted.event
            yield (
                index
                if type(event) in kinds
                and (not component or component == event.component)
                and (selector is None or selector.admits(event, known))
                else None
            )

    def row(self, index: int) -> str:
        """An event as JSON; its profiles are held from now on."""
        known = self._rows.get(index)
        if known is None:
            known = self._rows[index] = _encode(self._fields(index))
        return known

    def _fields(self, index: int) -> dict[str, Any]:
        noted = self.events[index]
        event = noted.event
        names = self._bodies.hold(event.body, self._copies, event.labels)
        fields: dict[str, Any] = {
            "id": self._first + index,
            "at": round(noted.at, 3),
            "component": event.component,
            "verdict": _NAMES[type(event)],
            "labels": _shown(event.labels),
            "size": noted.size,
            "body": names[0] if names else None,
        }
        if len(names) > 1:
            fields["bodies"] = names
        return fields | _particulars(event, self._explain)


def _particulars(event: Event, explain: Explain) -> dict[str, Any]:
    if isinstance(event, Relabelled):
        return {"before": _shown(event.before)}
    if isinstance(event, Dropped):
        return {"rule": event.rule, "reason": explain(event.component, event.rule)}
    if isinstance(event, DeadLetter):
        reason = f"{event.why}: {brief(event.words, _LONGEST_REASON)}"
        return {"destination": event.destination, "reason": reason}
    if isinstance(event, Sent | Failed):
        outcome: dict[str, Any] = {
            "endpoint": brief(event.endpoint, _LONGEST_REASON),
            "status": event.status,
            "seconds": round(event.seconds, 6),
            "tries": event.tries,
        }
        return outcome | (
            {"reason": brief(event.reason, _LONGEST_REASON)} if isinstance(event, Failed) else {}
        )
    return {}


def _shown(labels: Labels) -> Mapping[str, str]:
    """Labels for the page; of very large sets and values, the beginning."""
    if len(labels) <= _MOST_LABELS and all(len(value) <= _LONGEST_VALUE for value in labels.values()):
        return dict(labels)
    names = sorted(labels)
    shown = {
        brief(name, _LONGEST_VALUE): brief(labels[name], _LONGEST_VALUE) for name in names[:_MOST_LABELS]
    }
    if len(names) > _MOST_LABELS:
        shown["..."] = f"{len(names) - _MOST_LABELS} more labels"
    return shown


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
