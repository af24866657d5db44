"""The JSON form of a Push request.

Source: docs/spec/PYROSCOPE.md, section 3.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alloypy.profiles.allowance import MAX_LABELS, Allowance
from alloypy.profiles.json_tokens import JSONError
from alloypy.profiles.labels import label_set
from alloypy.profiles.message_json import read_json
from alloypy.profiles.model import Buffer, RawSample, Series
from alloypy.profiles.pb.push_pb2 import PushRequest
from alloypy.profiles.push_wire import LabelRule


def decode_push_json(
    body: Buffer, rule: LabelRule | None = None, allowance: Allowance | None = None
) -> list[Series]:
    """The series of a PushRequest in JSON; labels as `push_wire.decode_push` returns them.

    Raises JSONError, and Overrun beyond the allowance: a token counts as a field.
    """
    request = read_json(body, PushRequest, allowance)
    return [_series(one, position, rule) for position, one in enumerate(request.get("series", ()))]


def _series(one: Mapping[str, Any], position: int, rule: LabelRule | None) -> Series:
    if len(one.get("labels", ())) > MAX_LABELS:
        raise JSONError(f"more than {MAX_LABELS} labels in a series")
    labels = label_set((pair.get("name", ""), pair.get("value", "")) for pair in one.get("labels", ()))
    samples = [
        RawSample(sample.get("raw_profile", b""), sample.get("ID", "")) for sample in one.get("samples", ())
    ]
    return Series(labels if rule is None else rule(labels), samples, position)
