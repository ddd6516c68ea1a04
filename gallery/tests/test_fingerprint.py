import imagehash
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture

from gallery import fingerprint
from gallery.tests.factories import picture


@pytest.mark.parametrize("seed", range(20))
def test_the_hash_has_the_bits_of_the_fields_library(seed: int) -> None:
    drawn = picture(seed, 200 + seed, 150)
    ours = fingerprint.phash(drawn)
    assert ours is not None
    assert fingerprint.to_unsigned(ours) == int(str(imagehash.phash(drawn)), 16)


def test_scaling_and_recompression_change_few_bits() -> None:
    drawn = picture(5, 400, 300)
    smaller = drawn.resize((200, 150))
    one, other = fingerprint.phash(drawn), fingerprint.phash(smaller)
    assert one is not None
    assert other is not None
    assert fingerprint.distance(one, other) <= 4


def test_different_pictures_differ() -> None:
    one, other = fingerprint.phash(picture(1)), fingerprint.phash(picture(2))
    assert one is not None
    assert other is not None
    assert fingerprint.distance(one, other) > 10


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (12, 200, 90)])
def test_a_flat_picture_has_none(colour: tuple[int, int, int]) -> None:
    assert fingerprint.phash(Picture.new("RGB", (50, 50), colour)) is None


@given(st.integers(0, 2**64 - 1))
def test_signed_and_unsigned_are_the_same_bits(number: int) -> None:
    signed = fingerprint.to_signed(number)
    assert -(2**63) <= signed < 2**63
    assert fingerprint.to_unsigned(signed) == number


@pytest.mark.parametrize("number", [-1, 2**64])
def test_other_numbers_are_no_hashes(number: int) -> None:
    with pytest.raises(ValueError, match="64-bit"):
        fingerprint.to_signed(number)


@pytest.mark.parametrize("number", [-(2**63) - 1, 2**63])
def test_other_numbers_are_no_signed_hashes(number: int) -> None:
    with pytest.raises(ValueError, match="signed"):
        fingerprint.to_unsigned(number)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_distance_counts_bits(one: int, other: int) -> None:
    expected = bin(fingerprint.to_unsigned(one) ^ fingerprint.to_unsigned(other)).count("1")
    assert fingerprint.distance(one, other) == expected
