"""Rendezvous hashing: one owner for each key, and little moves when members come and go."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from alloypy.services.cluster.members import Member, Members, bounded
from alloypy.services.cluster.probing import Prober, Seen
from alloypy.services.cluster.service import ClusterService
from alloypy.services.settings import ClusterSettings

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


def test_names_are_short_and_can_be_written() -> None:
    assert bounded("replica-1") == "replica-1"
    assert bounded("a" * 4000) == "a" * 255
    assert bounded("é" * 200) == "é" * 127
    assert bounded("\udc80\ud800") == "??"


def test_what_strangers_say_is_bounded_and_addresses_of_the_past_are_forgotten() -> None:
    service = ClusterService(ClusterSettings("", "own", (("h", 1),), ()), "127.0.0.1:1")
    service._tell(("h", 1), "no such host")
    for number in range(1000):
        service._adopt([Seen(f"10.0.0.1:{number}", None, "no answer")])
    assert set(service._told) == {("h", 1), "10.0.0.1:999"}
    assert set(service._misses) == {"10.0.0.1:999"}
    told = {"name": "a" * 3000, "instance": "\ud800", "cluster": "", "state": "participant"}
    seen = Prober("")._read("10.0.0.1:1", json.dumps(told).encode())
    service._adopt([seen])
    assert [each["name"] for each in service.peers()] == ["a" * 255, "own"]
