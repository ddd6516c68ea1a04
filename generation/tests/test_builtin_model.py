"""The shipped weights: small, loadable as they are, and able to draw."""

import json
from pathlib import Path

import numpy as np
import pytest

from generation.builtin import export, judge
from generation.builtin.paint import generate
from generation.builtin.subjects import Subject

MODEL = Path(__file__).resolve().parents[1] / "builtin_model"


@pytest.fixture(scope="module")
def pipeline():
    return export.load(MODEL)


def test_the_folder_is_under_12_megabytes() -> None:
    assert sum(file.stat().st_size for file in MODEL.rglob("*") if file.is_file()) < 12e6


def test_the_weights_are_fp16() -> None:
    from safetensors import safe_open

    for file in MODEL.rglob("*.safetensors"):
        with safe_open(file, "pt") as tensors:
            kinds = {tensors.get_slice(key).get_dtype() for key in tensors.keys()}  # noqa: SIM118
        assert kinds <= {"F16", "I64"}


def test_the_defaults_are_stated() -> None:
    about = json.loads((MODEL / "imagineer.json").read_text("utf-8"))
    assert (about["width"], about["height"], about["license"]) == (64, 96, "MIT")
    assert 1 <= about["steps"] <= 150
    assert 1 <= about["guidance"] <= 30


def test_no_file_names_the_machine_it_was_made_on() -> None:
    for file in MODEL.rglob("*.json"):
        assert "_name_or_path" not in file.read_text("utf-8")


@pytest.mark.parametrize(
    ("subject", "prompt"),
    [
        (Subject("card", "seven", "hearts"), "playing card, Seven of Hearts"),
        (Subject("sign", "leo", "sign"), "zodiac sign, Leo"),
        (Subject("tarot", "two", "cups"), "tarot card, minor arcana, Two of Cups"),
        (Subject("tarot", "trump", "the moon"), "tarot card, major arcana, The Moon"),
    ],
)
def test_it_draws_what_is_asked(pipeline, subject: Subject, prompt: str) -> None:
    wish = f"{prompt}, crimson ink on ivory paper, clean print"
    pictures = generate(pipeline, [wish] * 3, [1, 2, 3], steps=12)
    assert sum(judge.is_right(p, subject, "crimson", "ivory") for p in pictures) >= 2


def test_a_picture_depends_on_its_seed_only(pipeline) -> None:
    alone = generate(pipeline, ["two of cups"], [5], steps=3)[0]
    among = generate(pipeline, ["two of cups"] * 2, [4, 5], steps=3)
    assert alone.size == (64, 96)
    assert np.abs(np.asarray(alone, int) - np.asarray(among[1], int)).max() <= 2
    assert among[0].tobytes() != among[1].tobytes()
