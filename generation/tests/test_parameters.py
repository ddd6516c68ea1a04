import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.parameters import (
    MAX_SEED,
    LoraWeight,
    ModelDefaults,
    Settings,
    checked_negative_prompt,
    checked_prompt,
    checked_settings,
    distinct_seeds,
)
from imagineer.problems import Problem

DEFAULTS = ModelDefaults(steps=25, guidance_scale=7.5, width=512, height=512, lora_weight=0.6)


def check(**values: Any) -> Settings:
    return checked_settings(values, DEFAULTS, max_loras=3)


def test_it_completes_what_is_missing_by_the_models_defaults() -> None:
    settings = check(steps=None)
    assert settings.as_json() == {
        "steps": 25,
        "guidance_scale": 7.5,
        "width": 512,
        "height": 512,
        "scheduler": "dpmpp_2m",
        "loras": [],
    }


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("steps", 1, 150), ("guidance_scale", 1, 30), ("width", 64, 2048), ("height", 64, 2048)],
)
def test_it_takes_both_ends_of_a_range_and_nothing_beyond(
    name: Any, low: float, high: float
) -> None:
    step = 8 if name in ("width", "height") else 1
    for good in (low, high):
        assert getattr(check(**{name: good}), name) == good
    for bad in (low - step, high + step):
        with pytest.raises(Problem) as refusal:
            check(**{name: bad})
        assert (refusal.value.status, refusal.value.field) == (422, name)


@pytest.mark.parametrize("name", ["steps", "guidance_scale", "width", "height", "scheduler"])
@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, True, False, "20", [20], {}, b"20", 2 + 1j, ""]
)
def test_it_refuses_what_is_not_a_plain_number_and_names_the_field(name: Any, value: Any) -> None:
    with pytest.raises(Problem) as refusal:
        check(**{name: value})
    assert refusal.value.field == name


def test_it_refuses_fractions_where_whole_numbers_are_meant() -> None:
    with pytest.raises(Problem):
        check(steps=20.5)
    assert check(steps=20.0).steps == 20


def test_it_suggests_a_size_divisible_by_eight() -> None:
    with pytest.raises(Problem, match="504"):
        check(width=502)


def test_a_lora_without_a_weight_gets_the_models_default() -> None:
    settings = check(loras=[{"model": 3}, {"model": 4, "weight": -2}])
    assert settings.loras == (LoraWeight(3, 0.6), LoraWeight(4, -2.0))


@pytest.mark.parametrize(
    ("loras", "field"),
    [
        ([{"model": 3, "weight": 2.1}], "loras.0.weight"),
        ([{"model": 3}, {"model": 4, "weight": math.nan}], "loras.1.weight"),
        ([{"model": 3, "weight": "1"}], "loras.0.weight"),
        ([{"model": "3"}], "loras.0.model"),
        ([{"model": 0}], "loras.0.model"),
        ([{"weight": 1}], "loras.0.model"),
        ([{"model": 3, "wieght": 1}], "loras.0"),
        ([3], "loras.0"),
        ("3", "loras"),
        ([{"model": 3}, {"model": 3}], "loras"),
        ([{"model": number} for number in range(1, 5)], "loras"),
    ],
)
def test_it_says_which_lora_is_wrong(loras: Any, field: str) -> None:
    with pytest.raises(Problem) as refusal:
        check(loras=loras)
    assert refusal.value.field == field


@pytest.mark.parametrize("prompt", ["", "   ", "x" * 2001, None, 7, "a\x00b", "a\x1bb"])
def test_it_refuses_a_prompt_that_is_empty_too_long_or_not_a_text(prompt: Any) -> None:
    with pytest.raises(Problem) as refusal:
        checked_prompt(prompt)
    assert refusal.value.field == "prompt"


def test_a_prompt_keeps_its_lines_and_loses_surrounding_space() -> None:
    assert checked_prompt("  one\r\ntwo \n") == "one\ntwo"
    assert checked_prompt("x" * 2000)
    assert checked_negative_prompt(None) == ""


def test_seeds_count_up_from_the_one_given_and_around() -> None:
    assert distinct_seeds(7, 3) == [7, 8, 9]
    assert distinct_seeds(MAX_SEED, 2) == [MAX_SEED, 0]


def test_random_seeds_are_distinct_and_in_range() -> None:
    seeds = distinct_seeds(None, 100)
    assert len(set(seeds)) == 100
    assert all(0 <= seed <= MAX_SEED for seed in seeds)


@pytest.mark.parametrize("seed", [-1, 2**31, 1.5, True, "7", math.nan])
def test_it_refuses_a_seed_out_of_range(seed: Any) -> None:
    with pytest.raises(Problem) as refusal:
        distinct_seeds(seed, 1)
    assert refusal.value.field == "seed"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=5,
)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["steps", "guidance_scale", "width", "height", "scheduler", "loras"]),
        json_values,
    )
)
def test_any_json_is_either_checked_or_refused_with_a_field(values: dict[str, Any]) -> None:
    try:
        checked = check(**values)
    except Problem as problem:
        refusal: Problem | None = problem
    else:
        refusal = None
        assert 1 <= checked.steps <= 150
        assert checked.width % 8 == 0
    assert refusal is None or (refusal.field and refusal.message.endswith("."))


@pytest.mark.parametrize(
    "text", ["Été\u00a0: bleu", "1\u202f000", "👨\u200d👩\u200d👧", "می\u200cخواهم"]
)
def test_typography_and_joined_emoji_are_no_control_characters(text):
    assert checked_prompt(text) == text


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800", "a\x1bb", "a\x85b"], ids=ascii)
def test_control_characters_and_surrogates_are(text):
    with pytest.raises(Problem) as refused:
        checked_prompt(text)
    assert refused.value.field == "prompt"
