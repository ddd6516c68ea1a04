"""What the demonstration's LoRA learns from the example album, with the built-in model itself.

The same measurement as ``python -m benchmarks.lora``, with its targets.
"""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Picture

from benchmarks.lora import READABLE, Drawn, draw_all, train_demo_lora
from generation.builtin.example_style import style_distance
from generation.lora_file import read_lora
from training.config import preset
from training.demo import EXAMPLE_ALBUM, TRIGGER_WORD

pytestmark = [pytest.mark.model, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def lora(tmp_path_factory: Any) -> Path:
    path, _ = train_demo_lora(tmp_path_factory.mktemp("lora"), preset("builtin"))
    return path


@pytest.fixture(scope="module")
def drawn(lora: Path) -> Drawn:
    return draw_all(lora)


def test_the_example_album_is_captioned_and_in_the_style() -> None:
    pictures = sorted(EXAMPLE_ALBUM.glob("*.png"))
    assert len(pictures) >= 50
    for path in pictures:
        assert path.with_suffix(".txt").read_text("utf-8").startswith(f"{TRIGGER_WORD}, ")
        with Picture.open(path) as picture:
            assert style_distance(picture) < 0.05


def test_the_lora_halves_the_distance_to_the_style(drawn: Drawn) -> None:
    assert drawn.distance_with <= 0.5 * drawn.distance_without


def test_the_judge_still_reads_rank_and_suit(drawn: Drawn) -> None:
    assert drawn.readable >= READABLE


def test_at_weight_0_the_picture_is_the_base_models_bit_for_bit(drawn: Drawn) -> None:
    assert drawn.is_identical_at_zero


def test_the_lora_says_what_it_was_trained_for(lora: Path) -> None:
    info = read_lora(lora)
    assert info.architecture == "builtin"
    assert info.trigger_words == (TRIGGER_WORD,)
    assert lora.stat().st_size < 10_000_000
