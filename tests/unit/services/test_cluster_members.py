"""Rendezvous hashing: one owner for each key, and little moves when members come and go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alloypy.services.cluster.members import Member, Members

KEYS = [b"%d" % number for number in range(2000)]


def members(*names: str) -> list[Member]:
    return [Member(name, f"instance {place}", f"h:{place}") for place, name in enumerate(names)]


def owners(all_members: list[Member], keys: list[bytes]) -> dict[bytes, list[Member]]:
    views = [Members(own, all_members) for own in all_members]
    return {key: [view.own for view in views if view.owns(key)] for key in keys}


@given(st.lists(st.text(max_size=3), min_size=1, max_size=7), st.lists(st.binary(), max_size=20))
def test_each_key_has_one_owner_also_when_names_are_the_same(names: list[str], keys: list[bytes]) -> None:
    assert all(len(found) == 1 for found in owners(members(*names), keys).values())


def test_keys_are_shared_evenly() -> None:
    found = [each.name for (each,) in owners(members("a", "b", "c", "d"), KEYS).values()]
    assert all(abs(found.count(name) - 500) < 100 for name in "abcd")


def test_only_the_keys_of_a_member_that_leaves_move() -> None:
    before = owners(members("a", "b", "c"), KEYS)
    after = owners(members("a", "b"), KEYS)
    assert all(before[key] == after[key] for key in KEYS if before[key][0].name != "c")


def test_where_a_member_runs_and_when_it_began_does_not_matter() -> None:
    others = [Member(each.name, "later", "other:1") for each in members("a", "b", "c")]
    names = [[each.name for each in found] for found in owners(members("a", "b", "c"), KEYS).values()]
    assert names == [[each.name for each in found] for found in owners(others, KEYS).values()]
