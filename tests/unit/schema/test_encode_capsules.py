"""Capsules in the API: by their declared kind, or by what they are where nothing is declared."""

from __future__ import annotations

from alloypy.lang.targets import Target
from alloypy.lang.values import Capsule, OptionalSecret, Secret
from alloypy.schema.encode import encode_body, encode_value
from alloypy.schema.fields import export, exports


class Receiver(Capsule):
    kind = "pyroscope.Appendable"
    concrete = "write.fanOutClient"


@exports
class Exports:
    receiver: Receiver | None = export()


@exports
class Targets:
    targets: tuple[Target, ...] = export()


def shown(text: str) -> dict[str, str]:
    return {"type": "capsule", "value": text}


def test_a_declared_capsule_shows_its_kind() -> None:
    [attribute] = encode_body(Exports(receiver=Receiver()))
    assert attribute["value"] == shown('capsule("pyroscope.Appendable")')


def test_a_capsule_of_unknown_type_shows_what_it_is() -> None:
    [attribute] = encode_body({"receiver": Receiver()})
    assert attribute["value"] == shown('capsule("write.fanOutClient")')
    assert encode_value([Receiver()])["value"] == [shown('capsule("write.fanOutClient")')]


def test_a_target_shows_its_labels() -> None:
    shown_labels = [
        {"key": "a", "value": {"type": "string", "value": "1"}},
        {"key": "b", "value": {"type": "string", "value": "2"}},
    ]
    target = Target({"b": "2"}, {"a": "1"})
    assert encode_value(target) == {"type": "object", "value": shown_labels}
    [attribute] = encode_body(Targets(targets=(target,)))
    assert attribute["value"] == {"type": "array", "value": [{"type": "object", "value": shown_labels}]}


def test_secrets_show_nothing() -> None:
    assert encode_value(Secret("x")) == shown("(secret)")
    assert encode_value(OptionalSecret("x", True)) == shown("(secret)")
    assert encode_value(OptionalSecret("x", False)) == shown('"x"')
