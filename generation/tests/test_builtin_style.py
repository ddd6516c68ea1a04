"""The example album and how its style is measured."""

from pathlib import Path

from PIL import Image

from generation.builtin.drawing import INKS, PAPERS
from generation.builtin.example_style import (
    ALBUM_SIZE,
    TRIGGER,
    album_cards,
    night_card,
    style_distance,
    write_album,
)
from generation.builtin.judge import read_symbols
from generation.builtin.subjects import Subject, card_subjects, draw

ALBUM = Path(__file__).resolve().parents[2] / "training" / "example_album"


def test_the_distance_sees_the_style_and_not_the_card() -> None:
    inside = [style_distance(night_card(*pair)) for pair in album_cards()]
    assert max(inside) < 0.05
    assert max(inside) - min(inside) < 0.02


def test_everything_the_base_model_knows_is_far_from_the_style() -> None:
    outside = [
        style_distance(draw(subject, ink, paper))
        for subject, ink, paper in zip(card_subjects(), [*INKS] * 7, [*PAPERS] * 7, strict=False)
    ]
    assert min(outside) > 0.4


def test_the_judge_reads_cards_in_the_style() -> None:
    for rank, suit in album_cards():
        assert read_symbols(night_card(rank, suit), "card") == Subject("card", rank, suit)


def test_the_shipped_album_is_what_the_script_draws(tmp_path: Path) -> None:
    assert write_album(tmp_path) == ALBUM_SIZE
    drawn = sorted(tmp_path.glob("*.png"))
    shipped = sorted(ALBUM.glob("*.png"))
    assert [file.name for file in shipped] == [file.name for file in drawn]
    for ours, theirs in zip(drawn, shipped, strict=True):
        assert Image.open(ours).tobytes() == Image.open(theirs).tobytes()
        caption = theirs.with_suffix(".txt").read_text("utf-8")
        assert caption.startswith(TRIGGER)
        assert caption == ours.with_suffix(".txt").read_text("utf-8")
