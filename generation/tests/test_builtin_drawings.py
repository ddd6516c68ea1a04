"""The drawings: complete, distinct, deterministic."""

import random

import numpy as np
import pytest

from generation.builtin.captions import caption, empty_caption, vocabulary
from generation.builtin.drawing import HEIGHT, INKS, PAPERS, WIDTH, glyph
from generation.builtin.subjects import (
    Subject,
    all_subjects,
    canvas_of,
    card_subjects,
    draw,
    sign_subjects,
    tarot_subjects,
)
from generation.builtin.textures import texture


def test_every_deck_is_complete() -> None:
    assert len(card_subjects()) == 54
    assert len(sign_subjects()) == 12
    assert len(tarot_subjects()) == 78
    assert len({(s.kind, s.name) for s in all_subjects()}) == 144


def test_every_drawing_is_unlike_the_others() -> None:
    masks = np.stack([np.asarray(canvas_of(s).mask(), dtype=float).ravel() for s in all_subjects()])
    centred = masks - masks.mean(1, keepdims=True)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    alike = unit @ unit.T - np.eye(len(unit))
    assert alike.max() < 0.995


def test_drawings_repeat_with_the_same_seed_and_move_with_another() -> None:
    subject = Subject("card", "seven", "hearts")
    first, again, other = (
        draw(subject, "crimson", "ivory", random.Random(seed), 1.0, 6) for seed in (1, 1, 2)
    )
    assert first.size == (WIDTH, HEIGHT)
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_a_drawing_holds_its_two_colours() -> None:
    picture = draw(Subject("card", "ace", "spades"), "navy", "lemon")
    assert picture.getpixel((0, 0)) == PAPERS["lemon"]
    assert picture.getpixel((32, 68)) == INKS["navy"]


def test_palette_colours_lie_far_apart() -> None:
    for palette in (INKS, PAPERS):
        colours = [np.array(colour) for colour in palette.values()]
        gaps = [np.linalg.norm(a - b) for i, a in enumerate(colours) for b in colours[:i]]
        assert min(gaps) > 45
    contrasts = [
        np.linalg.norm(np.array(ink) - np.array(paper))
        for ink in INKS.values()
        for paper in PAPERS.values()
    ]
    assert min(contrasts) > 100


def test_a_glyph_needs_something_visible() -> None:
    with pytest.raises(ValueError, match="no visible glyph"):
        glyph(" ")


def test_captions_name_the_subject_and_repeat_with_the_seed() -> None:
    subject = Subject("tarot", "queen", "cups")
    captions = [caption(subject, "teal", "rose", random.Random(seed)) for seed in range(40)]
    assert all("queen of cups" in text for text in captions)
    assert any("teal ink on rose paper" in text for text in captions)
    assert len(set(captions)) > 20
    assert captions[3] == caption(subject, "teal", "rose", random.Random(3))


def test_an_empty_caption_names_no_subject() -> None:
    words = {word for s in all_subjects() for word in s.name.split()}
    for seed in range(50):
        assert not words & set(empty_caption(random.Random(seed)).replace(",", " ").split())


def test_the_vocabulary_covers_names_and_colours() -> None:
    words = set(vocabulary())
    assert {word for s in all_subjects() for word in s.name.split()} <= words
    assert {*INKS, *PAPERS} <= words


def test_textures_are_pictures_and_repeat_with_the_seed() -> None:
    rng, twin = random.Random(4), random.Random(4)
    for _ in range(12):
        picture = texture(rng)
        assert picture.size == (WIDTH, HEIGHT)
        assert picture.mode == "RGB"
        assert picture.tobytes() == texture(twin).tobytes()
