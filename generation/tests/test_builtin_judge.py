"""The judge: right on drawings it has not seen, and not to be fooled."""

import random

import numpy as np
import pytest
from PIL import Image

from generation.builtin import judge, textures
from generation.builtin.drawing import INKS
from generation.builtin.subjects import Subject, draw

KING = Subject("card", "king", "hearts")


def test_it_reads_held_out_drawings() -> None:
    drawings = judge.held_out(288, seed=21)
    right = sum(judge.is_right(*drawing) for drawing in drawings)
    assert right >= 0.99 * len(drawings)


def test_it_reads_a_picture_of_another_size() -> None:
    picture = draw(KING, "violet", "mint").resize((256, 384), Image.Resampling.BICUBIC)
    assert judge.is_right(picture, KING, "violet", "mint")


@pytest.mark.parametrize(
    ("asked", "ink", "paper"),
    [
        (Subject("card", "queen", "hearts"), "navy", "lemon"),
        (Subject("card", "king", "diamonds"), "navy", "lemon"),
        (Subject("tarot", "king", "cups"), "navy", "lemon"),
        (Subject("card", "joker", "first"), "navy", "lemon"),
        (Subject("sign", "leo", "sign"), "navy", "lemon"),
        (KING, "black", "lemon"),
        (KING, "navy", "ivory"),
    ],
)
def test_it_rejects_a_wrong_wish(asked: Subject, ink: str, paper: str) -> None:
    assert not judge.is_right(draw(KING, "navy", "lemon"), asked, ink, paper)


def test_it_rejects_noise_and_textures() -> None:
    rng, generator = random.Random(1), np.random.default_rng(1)
    for _ in range(20):
        noise = generator.integers(0, 256, (96, 64, 3), dtype=np.uint8)
        assert judge.read(Image.fromarray(noise)).subject is None
        for make in (textures.hatching, textures.dots, textures.natural_noise, textures.shapes):
            assert judge.read(make(rng)).subject is None


@pytest.mark.parametrize("box", [(0, 48, 64, 96), (0, 0, 64, 48), (32, 0, 64, 96), (0, 0, 32, 96)])
def test_it_rejects_half_a_card(box: tuple[int, int, int, int]) -> None:
    picture = draw(KING, "black", "white")
    picture.paste((254, 254, 254), box)
    assert judge.read(picture).subject is None


def test_it_rejects_an_upside_down_and_an_empty_card() -> None:
    turned = draw(KING, "black", "white").transpose(Image.Transpose.ROTATE_180)
    assert judge.read(turned).subject is None
    assert judge.read(Image.new("RGB", (64, 96), (250, 240, 200))).subject is None


def test_a_sign_is_never_a_card() -> None:
    leo = Subject("sign", "leo", "sign")
    assert judge.read(draw(leo, "black", "white")).subject == leo
    assert judge.read_symbols(draw(leo, "black", "white"), "card") is None


def test_a_colour_far_from_the_palette_has_no_name() -> None:
    assert judge.colour_name((202, 18, 40), INKS) == "crimson"
    assert judge.colour_name((0, 255, 0), INKS) is None
