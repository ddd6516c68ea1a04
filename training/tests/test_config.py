"""Training configurations are checked before anything starts."""

import dataclasses
from typing import Any

import pytest

from training.config import BUILTIN, PRESETS, RANGES, ConfigError, preset, validated


def test_presets_are_valid_themselves() -> None:
    for presets in PRESETS.values():
        for config in presets.values():
            assert validated(config.as_dict(), config) == config


def test_values_of_forms_are_read_as_numbers() -> None:
    config = validated({"rank": "8", "learning_rate": "5e-4", "random_flip": "on"}, BUILTIN)
    assert (config.rank, config.learning_rate, config.random_flip) == (8, 5e-4, True)


def test_empty_values_keep_the_presets() -> None:
    assert validated({"rank": "", "alpha": None}, BUILTIN) == BUILTIN


@pytest.mark.parametrize("name", sorted(RANGES))
@pytest.mark.parametrize("side", [0, 1])
def test_a_number_outside_its_range_is_refused_by_name(name: Any, side: Any) -> None:
    step = -1 if side == 0 else 1
    with pytest.raises(ConfigError) as caught:
        validated({name: RANGES[name][side] + step}, BUILTIN)
    assert caught.value.field == name
    assert "between" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rank", "many"),
        ("rank", 8.5),
        ("rank", True),
        ("rank", [8]),
        ("learning_rate", "nan"),
        ("learning_rate", float("inf")),
        ("width", 100),
        ("targets", "everything"),
        ("mixed_precision", "int4"),
        ("random_flip", "perhaps"),
        ("optimizer", "sgd"),
        ("warmup_steps", 801),
    ],
)
def test_what_cannot_be_trained_with_is_refused_by_name(name: Any, value: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        validated({name: value}, BUILTIN)
    assert caught.value.field == name


def test_a_short_training_shortens_the_presets_warm_up() -> None:
    assert validated({"steps": 10}, BUILTIN).warmup_steps == 1


def test_each_kind_of_model_has_its_own_size() -> None:
    assert (preset("builtin").width, preset("builtin").height) == (64, 96)
    assert (preset("sd15").width, preset("sd15").height) == (512, 512)
    with pytest.raises(ConfigError):
        preset("builtin", "extreme")


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        BUILTIN.rank = 2  # type: ignore[misc]
