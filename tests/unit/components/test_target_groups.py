"""Lists of target groups: what is accepted, and what is said about the rest."""

from __future__ import annotations

import pytest

from alloypy.components.discovery.target_groups import GroupsError, TargetGroup, read_json


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("null", []),
        (" [ ] ", []),
        ('[{"targets": ["a:1"], "labels": {"x": "1"}}, {"targets": ["b"]}]',
         [TargetGroup(["a:1"], {"x": "1"}), TargetGroup(["b"], {})]),
        ("[{}]", [TargetGroup((), {})]),
        ('[{"Targets": null, "LABELS": null}]', [TargetGroup((), {})]),
        ('[{"targets": [null], "labels": {"a": null}}]', [TargetGroup([""], {"a": ""})]),
        (r'[{"targets": ["\ud83d\ude00", "\ud800"]}]', [TargetGroup(["\U0001f600", "\ufffd"], {})]),
        ('[{"labels": {"a-b": "größe"}}]', [TargetGroup((), {"a-b": "größe"})]),
    ],
)  # fmt: skip
def test_groups(text: str, groups: list[TargetGroup]) -> None:
    assert read_json(text.encode()) == groups


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "unexpected end of JSON input"),
        (b"[{", "unexpected end of JSON input"),
        (b"[{}", "unexpected end of JSON input"),
        (b"[{}}", "invalid character '}' after array element"),
        (b"[{},]", "invalid character ']' looking for beginning of value"),
        (b"[] x", "invalid character 'x' after top-level value"),
        (b"[NaN]", "invalid character 'N' looking for beginning of value"),
        (b"\xef\xbb\xbf[]", "invalid character '\xef' looking for beginning of value"),
        (b"\x1f\x8b", r"invalid character '\x1f' looking for beginning of value"),
        (b'[1, {"a": ', "unexpected end of JSON input"),
        (b"[null]", "nil target group item found"),
        (b'{"targets": []}', "expected a list of target groups, got an object"),
        (b'"x"', "expected a list of target groups, got a string"),
        (b"[[]]", "group 1: expected an object, got a list"),
        (b'[{}, {"extra": 1}]', 'json: unknown field "extra"'),
        (b'[{"targets": "a"}]', "group 1: targets must be a list of strings, not a string"),
        (b'[{"targets": ["a", 1]}]', "group 1: a target must be a string, not a number"),
        (b'[{"labels": []}]', "group 1: labels must be an object, not a list"),
        (b'[{"labels": {"x": true}}]', 'group 1: label "x" must be a string, not a boolean'),
        (b'[{"labels": {"": "1"}}]', '"" is not a valid label name'),
        (b"[" + b"9" * 5000 + b"]", "group 1: expected an object, got a number"),
    ],
)  # fmt: skip
def test_faults(data: bytes, fault: str) -> None:
    with pytest.raises(GroupsError) as caught:
        read_json(data)
    assert str(caught.value) == fault


@pytest.mark.parametrize("size", [5_000, 1_500_000])
def test_depth_is_no_trouble(size: int) -> None:
    with pytest.raises(GroupsError):
        read_json(b"[" * size)


def test_a_large_document_that_is_cut_off_is_refused_at_the_place() -> None:
    data = b'[{"targets": [' + b'"10.0.0.1:80", ' * 100_000
    with pytest.raises(GroupsError, match=r"not valid JSON.* near character \d+$"):
        read_json(data)
