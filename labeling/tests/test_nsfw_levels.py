"""From scores to ratings; the scores are recorded ones of real pictures (recorded_scores.json)."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.answers import RATINGS
from labeling.nsfw_levels import PARTS, Rated, Thresholds, by_parts, by_score

RECORDED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "recorded_scores.json").read_text("utf-8")
)
chances = st.floats(0, 1)


@pytest.mark.parametrize(
    ("score", "rating", "confidence"),
    [
        (0.0, "SAFE", 1.0), (0.1999, "SAFE", 0.8001), (0.2, "SUGGESTIVE", 0.8),
        (0.3999, "SUGGESTIVE", 0.6001), (0.4, "ADULT", 0.4), (0.7999, "ADULT", 0.7999),
        (0.8, "EXPLICIT", 0.8), (1.0, "EXPLICIT", 1.0),
    ],
)  # fmt: skip
def test_the_ratings_are_steps_of_one_score(score: float, rating: str, confidence: float) -> None:
    rated = by_score(score, Thresholds())
    assert rated.rating == rating
    assert rated.confidence == pytest.approx(confidence)


@given(first=chances, second=chances)
def test_a_higher_score_is_never_rated_milder(first: float, second: float) -> None:
    low, high = sorted((first, second))
    ratings = [by_score(score, Thresholds()).rating for score in (low, high)]
    assert RATINGS.index(ratings[0]) <= RATINGS.index(ratings[1])


@given(score=chances)
def test_confidence_is_a_chance(score: float) -> None:
    assert 0 <= by_score(score, Thresholds()).confidence <= 1


def test_thresholds_are_settings() -> None:
    strict = Thresholds(suggestive=0.05, adult=0.1, explicit=0.9)
    assert [by_score(score, strict).rating for score in (0.04, 0.06, 0.2, 0.95)] == list(RATINGS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"suggestive": 0.5}, {"adult": 0.9}, {"suggestive": 0.0}, {"explicit": 1.0},
        {"adult": 0.2}, {"part": 0.0}, {"part": 1.0},
    ],
)  # fmt: skip
def test_thresholds_that_do_not_rise_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="hreshold"):
        Thresholds(**wrong)


@pytest.mark.parametrize(
    ("seen", "rated"),
    [
        ({}, Rated("SAFE", 0.8)),
        ({"FACE_FEMALE": 0.9, "FEMALE_BREAST_COVERED": 0.9}, Rated("SAFE", 0.8)),
        ({"BELLY_EXPOSED": 0.9}, Rated("SAFE", 0.8)),
        ({"BUTTOCKS_COVERED": 0.7}, Rated("SUGGESTIVE", 0.8)),
        ({"FEMALE_BREAST_EXPOSED": 0.6}, Rated("ADULT", 0.6)),
        ({"BUTTOCKS_EXPOSED": 0.9, "MALE_GENITALIA_EXPOSED": 0.55}, Rated("EXPLICIT", 0.55)),
        # Not sure enough: what it is then, it is less surely.
        ({"ANUS_EXPOSED": 0.4, "BUTTOCKS_COVERED": 0.7}, Rated("SUGGESTIVE", 0.6)),
        ({"FEMALE_BREAST_EXPOSED": 0.3}, Rated("SAFE", 0.7)),
        ({"A_PART_OF_A_LATER_VERSION": 1.0}, Rated("SAFE", 0.8)),
    ],
)  # fmt: skip
def test_parts_of_bodies_tell_the_ratings_apart(seen: dict[str, float], rated: Rated) -> None:
    found = by_parts(seen, Thresholds())
    assert found.rating == rated.rating
    assert found.confidence == pytest.approx(rated.confidence)


@given(seen=st.dictionaries(st.sampled_from([*PARTS, "FACE_MALE"]), st.floats(0.2, 1)))
def test_more_parts_are_never_rated_milder(seen: dict[str, float]) -> None:
    whole = by_parts(seen, Thresholds())
    assert 0 <= whole.confidence <= 1
    for name in seen:
        fewer = by_parts({part: seen[part] for part in seen if part != name}, Thresholds())
        assert RATINGS.index(fewer.rating) <= RATINGS.index(whole.rating)


# --- What real models said of real pictures ------------------------------------------------------


def ratings_of(group: str) -> list[str]:
    return [by_score(score, Thresholds()).rating for score in RECORDED["open_nsfw"][group]]


def test_at_least_five_hundred_safe_pictures_were_scored() -> None:
    groups = RECORDED["open_nsfw"]
    assert sum(len(scores) for name, scores in groups.items() if name != "crops") >= 500


@pytest.mark.parametrize("group", RECORDED["open_nsfw"])
def test_at_most_one_safe_picture_in_a_hundred_is_rated_unsafe(group: str) -> None:
    found = ratings_of(group)
    unsafe = sum(rating in ("ADULT", "EXPLICIT") for rating in found)
    assert unsafe <= 0.01 * len(found)


def test_few_safe_pictures_are_rated_suggestive() -> None:
    found = [rating for group in RECORDED["open_nsfw"] for rating in ratings_of(group)]
    assert found.count("SUGGESTIVE") <= 0.02 * len(found)
    assert found.count("SAFE") >= 0.97 * len(found)


def test_nudenet_takes_few_safe_photographs_for_unsafe_ones() -> None:
    found = [by_parts(seen, Thresholds()).rating for seen in RECORDED["nudenet"]]
    assert len(found) >= 100
    assert sum(rating in ("ADULT", "EXPLICIT") for rating in found) <= 0.01 * len(found)
