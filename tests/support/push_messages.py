"""Push requests as messages of the generated protobuf code."""

from __future__ import annotations

from collections.abc import Iterable

from alloypy.profiles.pb.push_pb2 import PushRequest


def protobuf_of(request: Iterable[tuple[list[tuple[str, str]], list[tuple[bytes, str]]]]) -> PushRequest:
    message = PushRequest()
    for pairs, samples in request:
        one = message.series.add()
        for name, value in pairs:
            one.labels.add(name=name, value=value)
        for profile, identity in samples:
            one.samples.add(raw_profile=profile, ID=identity)
    return message
