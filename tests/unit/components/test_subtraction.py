"""Differences of profiles: those of Alloy, byte for byte; and profiles that cannot be subtracted."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alloypy.components.pyroscope.scraping import subtraction
from alloypy.components.pyroscope.scraping.samples import SubtractionError
from alloypy.components.pyroscope.scraping.subtraction import Series
from alloypy.profiles.pprof_wire import fields_of, numbers_of
from tests.support.component_cases.profiles import body_of, number
from tests.support.protobuf import piece, varint

RECORDED = Path(__file__).parents[2] / "golden/components/pyroscope.scrape.jsonl"
PATHS = {
    "/debug/pprof/allocs": "memory",
    "/debug/pprof/mutex": "mutex",
    "/debug/pprof/block": "block",
    "/x": "memory",
}


def recorded() -> Iterator[tuple[str, str, list[Any], list[Any]]]:
    """Case, type of profile, what the target answers, and what is sent on."""
    for line in RECORDED.read_text("utf-8").splitlines():
        case = json.loads(line)
        sent = case["expect"][0].get("sink", {}).get("s") or []
        routes = case["servers"].get("t", {}).get("routes", {})
        for path, name in PATHS.items():
            ours = [each for each in sent if ["__name__", name] in each["labels"] and "n" in each]
            if path in routes and ours:
                answers = routes[path] if isinstance(routes[path], list) else [routes[path]]
                yield case["id"], name, answers, ours


@pytest.mark.parametrize(("case", "name", "answers", "sent"), list(recorded()))
def test_differences_are_those_of_alloy(case: str, name: str, answers: list[Any], sent: list[Any]) -> None:
    series, results = Series(name), []
    for i in range(max(each["n"] for each in sent) + 3):
        profile = body_of(answers[min(i, len(answers) - 1)], str)
        try:
            found = series.difference(profile)
        except SubtractionError:
            continue
        results.append(None if found is None else gzip.decompress(found))
    for each in sent:
        assert hashlib.sha256(results[each["n"]] or b"").hexdigest() == each["sha256_plain"]


IN_BUFFER = "pass1Index: MessageEach: error reading value from buffer: "
STRINGS = ["", "alloc_objects", "count", "alloc_space", "bytes", "f"]


def profile(samples: bytes, types: int = 2) -> bytes:
    kinds = [(1, 2), (3, 4)][:types]
    return b"".join((
        *(piece(1, number(1, kind) + number(2, unit)) for kind, unit in kinds),
        samples,
        piece(4, number(1, 1) + number(3, 4096)),
        *(piece(6, text.encode()) for text in STRINGS),
    ))  # fmt: skip


def sample(values: list[int], location: int = 1, labels: bytes = b"") -> bytes:
    packed = b"".join(map(varint, (value & (2**64 - 1) for value in values)))
    return piece(2, number(1, location) + piece(2, packed) + labels)


def difference_of(*profiles: bytes) -> bytes:
    series, found = Series("memory"), None
    for each in profiles:
        found = series.difference(each)
    assert found is not None
    return gzip.decompress(found)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"\x0a\x05ab", f"{IN_BUFFER}unexpected EOF"),
        (b"\x00\x00", "pass1Index: proto: bad wiretype"),
        (
            b"\x0b",
            f"{IN_BUFFER}MessageEach: encountered group wire type: 3. Groups not supported",
        ),
        (profile(sample([1, 2], location=9)), "pass2AggregateSamples: invalid location index"),
        (
            profile(sample([1, 2], labels=piece(3, number(1, 99)))),
            "pass2AggregateSamples: invalid string index 99",
        ),
        (
            profile(sample([1, 2, 3, 4, 5])),
            "internal panic during delta profiling: runtime error: index out of range [4] with length 4",
        ),
        (
            profile(sample([1, 2]), types=1),
            "internal panic during delta profiling: runtime error: index out of range [1] with length 1",
        ),
    ],
)
def test_broken_profiles_and_the_one_after_are_refused_in_alloys_words(broken: bytes, reason: str) -> None:
    good = profile(sample([1, 2]))
    series = Series("memory")
    with pytest.raises(SubtractionError, match=r"^computing delta: ") as raised:
        series.difference(broken)
    assert str(raised.value) == f"computing delta: {reason}"
    with pytest.raises(SubtractionError, match="recovering from bad state"):
        series.difference(good)
    assert series.difference(good) is None
    assert series.difference(good) is not None


def test_numbers_beyond_64_bits_wrap_as_in_go() -> None:
    found = difference_of(profile(sample([2**63 - 1, 1])), profile(sample([-(2**63), 1])))
    assert b"\x12\x02\x01\x00" in found  # 1 and 0


def test_several_samples_of_one_stack_are_summed() -> None:
    twice = profile(sample([1, 5]) + sample([2, 6]))
    found = difference_of(profile(sample([1, 1])), twice)
    assert b"\x12\x02\x02\x0a" in found  # 3 - 1 and 11 - 1


def test_a_stack_is_known_by_its_addresses_whatever_their_numbers() -> None:
    other = profile(sample([3, 4], location=300) + piece(4, number(1, 300) + number(3, 4096)))
    assert b"\x12\x02\x02\x02" in difference_of(profile(sample([1, 2])), other)


def test_a_profile_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subtraction, "MOST_UNPACKED", 1 << 20)
    bomb = gzip.compress(bytes(8 << 20))
    with pytest.raises(SubtractionError, match="larger than 1 MiB when unpacked"):
        Series("memory").difference(bomb)
    with pytest.raises(SubtractionError, match="decompressing profile: unexpected EOF"):
        Series("memory").difference(gzip.compress(profile(b""))[:-5])
    with pytest.raises(SubtractionError, match="decompressing profile: "):
        Series("memory").difference(b"\x1f\x8b\x08" + bytes(30))


def test_of_many_tiny_fields_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alloypy.profiles.pprof_wire.MOST_FIELDS", 1000)
    for field in (b"\x38\x01", b"\x12\x00", b"\x32\x00", b"\x2a\x00", b"\x22\x00"):
        with pytest.raises(SubtractionError, match="more than 1000 parts"):
            Series("memory").difference(field * 1001)


def test_packed_results_are_gzip() -> None:
    found = Series("memory")
    found.difference(profile(sample([1, 2])))
    again = found.difference(profile(sample([1, 3])))
    assert again is not None
    assert zlib.decompress(again, wbits=31)


def with_stacks(stacks: list[list[int]], numbers: dict[int, int], count: int, *, values_first: bool) -> bytes:
    """A profile in which each stack has a count. stacks: their addresses; numbers: those of locations."""
    samples, values = [], piece(2, varint(count) + varint(8 * count))
    for addresses in stacks:
        locations = piece(1, b"".join(varint(numbers[each]) for each in addresses))
        samples.append(piece(2, values + locations if values_first else locations + values))
    return profile(b"".join(samples)) + b"".join(
        piece(4, number(1, each) + number(3, address) + piece(4, number(1, 1)) + number(2, 1))
        for address, each in numbers.items()
    )


LENGTHS = [*range(1, 40), 127, 128, 900, 1500, 4000]
"""Of stacks: some have parts that others have as well, some are longer than what is looked up at once."""


@pytest.mark.parametrize("values_first", [True, False])
def test_stacks_of_any_length_are_known_whatever_the_numbers_of_their_locations(
    *, values_first: bool
) -> None:
    chosen = random.Random(4)
    addresses = [4097 + i for i in range(600)]
    root = chosen.choices(addresses, k=max(LENGTHS))
    stacks = [chosen.choices(addresses, k=2) + root[-length:] for length in LENGTHS]
    mixed = chosen.sample(range(2, 20_000), len(addresses))
    before = dict(zip(addresses, range(2, 602), strict=True))
    after = dict(zip(addresses, mixed, strict=True))
    series = Series("memory")
    series.difference(with_stacks(stacks, before, 1, values_first=values_first))
    series.difference(with_stacks(stacks[1:], after, 3, values_first=values_first))
    found = series.difference(with_stacks(stacks, before, 4, values_first=values_first))
    assert found is not None
    fields = [(f, c) for f, _, c in fields_of(gzip.decompress(found)) if isinstance(c, bytes)]
    values = [{f: c for f, _, c in fields_of(each)}[2] for f, each in fields if f == 2]
    assert values == [varint(3) + varint(24)] + [varint(1) + varint(8)] * (len(stacks) - 1)
    used = {before[address] for stack in stacks for address in stack}
    assert {numbers_of(each)[1] for f, each in fields if f == 4} == used


def test_a_stack_that_ends_within_a_number_is_refused() -> None:
    broken = profile(piece(2, piece(2, varint(1) + varint(2)) + piece(1, b"\x01\x80")))
    with pytest.raises(SubtractionError, match=r"decodePackedUint64: bad varint: \[128\]"):
        Series("memory").difference(broken)


def test_an_address_after_the_lines_of_a_location_counts() -> None:
    def at(address: int) -> bytes:
        return profile(sample([1, 2], location=7)) + piece(
            4, number(1, 7) + piece(4, b"") + number(3, address)
        )

    assert b"\x12\x02\x01\x02" in difference_of(at(8192), at(8193))
    assert b"\x12\x02\x01\x02" not in difference_of(at(8192), at(8192))
