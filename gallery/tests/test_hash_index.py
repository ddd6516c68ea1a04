"""The index of perceptual hashes, beside a plain scan."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.fingerprint import distance
from gallery.hash_index import HashIndex

SIGNED = st.integers(-(2**63), 2**63 - 1)


def flipped(number: int, bits: int, chance: random.Random) -> int:
    """The signed hash with so many bits changed."""
    unsigned = number & (2**64 - 1)
    for place in chance.sample(range(64), bits):
        unsigned ^= 1 << place
    return unsigned - 2**64 if unsigned >= 2**63 else unsigned


def index_of(pairs: dict[int, int]) -> HashIndex:
    index = HashIndex()
    index.extend(list(pairs), list(pairs.values()))
    return index


def scan(pairs: dict[int, int], phash: int, radius: int) -> list[tuple[int, int]]:
    found = [(pk, distance(one, phash)) for pk, one in pairs.items()]
    return sorted((pair for pair in found if pair[1] <= radius), key=lambda pair: pair[::-1])


def test_an_empty_index_finds_nothing() -> None:
    assert HashIndex().within(0) == []
    assert HashIndex().within(0, 64) == []


@pytest.mark.parametrize("bits", range(9))
def test_six_bits_are_near_and_seven_are_not(bits: int) -> None:
    chance = random.Random(bits)
    for phash in (0, -1, 2**63 - 1, -(2**63), -123456789):
        found = index_of({5: phash}).within(flipped(phash, bits, chance))
        assert found == ([(5, bits)] if bits <= 6 else [])


@given(
    hashes=st.lists(SIGNED, max_size=30),
    asked=SIGNED,
    radius=st.integers(0, 64),
    at_most=st.none() | st.integers(0, 5),
)
def test_it_finds_what_a_scan_finds(
    hashes: list[int], asked: int, radius: int, at_most: int | None
) -> None:
    pairs = dict(enumerate(hashes))
    assert index_of(pairs).within(asked, radius, at_most) == scan(pairs, asked, radius)[:at_most]


def test_it_agrees_with_a_scan_while_it_grows_beyond_its_buckets() -> None:
    chance = random.Random(1)
    pairs: dict[int, int] = {}
    index = HashIndex()
    for step in range(12):
        fresh = {step * 1000 + n: chance.randrange(-(2**63), 2**63) for n in range(1000)}
        index.extend(list(fresh), list(fresh.values()))
        pairs |= fresh
        assert len(index) == len(pairs)
        for pk in chance.sample(list(pairs), 20):
            asked = flipped(pairs[pk], chance.randrange(8), chance)
            for radius in (6, 7, 14):
                assert index.within(asked, radius) == scan(pairs, asked, radius)


def test_many_of_one_hash_are_all_found_and_none_of_another() -> None:
    pairs = dict.fromkeys(range(20_000), 77) | {20_000: 78}
    found = index_of(pairs).within(77, 0)
    assert len(found) == 20_000
    assert index_of(pairs).within(77, 6, 3) == [(0, 0), (1, 0), (2, 0)]


def test_ids_and_hashes_come_in_pairs() -> None:
    with pytest.raises(ValueError, match="needs a hash"):
        HashIndex().extend([1, 2], [3])
