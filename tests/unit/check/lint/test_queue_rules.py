"""Queues: destinations with several endpoints, and headers that are stored."""

from __future__ import annotations

import pytest

from tests.unit.check.lint.test_rules import found

ENDPOINTS, HEADERS = "ALY0968", "ALY0969"


def write(label: str, endpoints: int = 1) -> str:
    blocks = "".join(f'  endpoint {{ url = "http://{label}{number}" }}\n' for number in range(endpoints))
    return f'pyroscope.write "{label}" {{\n{blocks}}}\n'


def relabel(label: str, *receivers: str) -> str:
    names = ", ".join(f"{each}.receiver" for each in receivers)
    return f'pyroscope.relabel "{label}" {{ forward_to = [{names}] }}\n'


def queue(forward_to: str) -> str:
    return f'alloypy.queue "q" {{ forward_to = {forward_to} }}\n' + receive("alloypy.queue.q")


def receive(receiver: str, headers: str = "") -> str:
    given = f"  forward_headers = {headers}\n" if headers else ""
    return f'pyroscope.receive_http "r" {{\n  http {{ }}\n{given}  forward_to = [{receiver}.receiver]\n}}\n'


def messages(code: str, text: str) -> list[str]:
    """What a rule says, in a text without faults."""
    findings = found(text, frozenset({code}), "alloypy")
    assert {each.code for each in findings} <= {code}
    return [each.message for each in findings]


FAN = "pyroscope.relabel.f sends to 2 endpoints, and while one fails the others get copies"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (queue("[pyroscope.write.a.receiver]") + write("a"), []),
        (queue("[pyroscope.write.a.receiver]") + write("a", 0), []),
        (queue("[pyroscope.write.a.receiver, pyroscope.write.b.receiver]") + write("a") + write("b"), []),
        (
            queue("[pyroscope.write.a.receiver, pyroscope.write.b.receiver]") + write("a", 3) + write("b"),
            ["pyroscope.write.a sends to 3 endpoints, and while one fails the others get copies"],
        ),
        (
            queue("[pyroscope.relabel.f.receiver]")
            + relabel("f", "pyroscope.write.a", "pyroscope.write.b")
            + write("a")
            + write("b"),
            [FAN],
        ),
        (
            queue("[pyroscope.relabel.g.receiver]")
            + relabel("g", "pyroscope.relabel.f")
            + relabel("f", "pyroscope.write.a", "pyroscope.write.b")
            + write("a")
            + write("b"),
            [FAN],
        ),
        # rules may send each profile to only one of them
        (
            queue("[pyroscope.relabel.f.receiver]")
            + relabel("f", "pyroscope.relabel.g", "pyroscope.relabel.h")
            + relabel("g", "pyroscope.write.a")
            + relabel("h", "pyroscope.write.b")
            + write("a")
            + write("b"),
            [],
        ),
        # a second queue delivers to each on its own
        (
            queue("[alloypy.queue.s.receiver]")
            + 'alloypy.queue "s" {\n'
            + "  forward_to = [pyroscope.write.a.receiver, pyroscope.write.b.receiver]\n}\n"
            + write("a")
            + write("b"),
            [],
        ),
        # what a call makes of its arguments is not certain
        (queue("coalesce([], [pyroscope.write.a.receiver])") + write("a", 2), []),
        # without a queue, several endpoints are as they are in Alloy
        (receive("pyroscope.write.a") + write("a", 2), []),
    ],
)
def test_a_destination_with_several_endpoints_is_found(text: str, said: list[str]) -> None:
    assert messages(ENDPOINTS, text) == said


BEHIND = 'alloypy.queue "q" { forward_to = [pyroscope.write.a.receiver] }\n' + write("a")
SAID = ["alloypy.queue.q stores these headers with each profile; they may be secret"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (receive("alloypy.queue.q", '["X-Token"]') + BEHIND, SAID),
        (receive("pyroscope.relabel.f", '["X"]') + relabel("f", "alloypy.queue.q") + BEHIND, SAID),
        (receive("alloypy.queue.q", "[]") + BEHIND, []),
        (receive("alloypy.queue.q") + BEHIND, []),
        (receive("alloypy.queue.q", 'string.split(sys.env("HEADERS"), ",")') + BEHIND, []),
        (receive("pyroscope.write.a", '["X-Token"]') + write("a"), []),
    ],
)
def test_headers_that_are_stored_are_found(text: str, said: list[str]) -> None:
    assert messages(HEADERS, text) == said
