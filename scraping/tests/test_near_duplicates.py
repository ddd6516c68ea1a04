import random

from gallery.fingerprint import distance
from scraping.near_duplicates import HashIndex


def flipped(number: int, bits: int) -> int:
    """The signed hash with so many bits changed, the sign bit among them."""
    unsigned = number & (2**64 - 1)
    for place in range(bits):
        unsigned ^= 1 << (63 - 7 * place)
    return unsigned - 2**64 if unsigned >= 2**63 else unsigned


def test_an_empty_index_finds_nothing():
    assert HashIndex().nearest(0) is None


def test_six_bits_are_near_and_seven_are_not():
    index = HashIndex([(5, -123456789)])
    assert index.nearest(flipped(-123456789, 0)) == 5
    assert index.nearest(flipped(-123456789, 6)) == 5
    assert index.nearest(flipped(-123456789, 7)) is None


def test_the_nearest_of_several_is_found():
    index = HashIndex([(1, flipped(77, 4)), (2, flipped(77, 1)), (3, flipped(77, 5))])
    assert index.nearest(77) == 2


def test_it_grows_and_agrees_with_a_plain_scan():
    chance = random.Random(1)
    hashes = [chance.randrange(-(2**63), 2**63) for _ in range(3000)]
    index = HashIndex(enumerate(hashes[:10]))
    for number, phash in enumerate(hashes[10:], 10):
        index.add(number, phash)
    assert len(index) == 3000
    for number in range(0, 3000, 97):
        asked = flipped(hashes[number], number % 7)
        found = index.nearest(asked)
        assert found is not None
        assert distance(asked, hashes[found]) == min(distance(asked, one) for one in hashes)
    assert index.nearest(2**63 - 1) is None
