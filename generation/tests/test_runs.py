from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gallery.models import Album, Rating
from generation.loras import register_lora
from generation.models import GenerationItem, GenerationRun
from generation.runs import create_batch_run, create_single_run, expanded
from generation.tests.factories import (
    SMALL,
    make_admin,
    make_batch,
    make_lora,
    make_single,
    make_template,
)
from imagineer.jobs.models import Job
from imagineer.problems import Problem

pytestmark = pytest.mark.django_db


def refusal(call: Callable[..., Any], *args: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        call(*args)
    assert not GenerationRun.objects.exists()
    assert not Job.objects.exists()
    return caught.value


def test_a_single_run_writes_items_with_distinct_recorded_seeds(tiny_model: Path) -> None:
    run = create_single_run({"prompt": " a fox ", "count": 3, **SMALL}, user=make_admin())
    items = list(run.items.all())
    assert [item.prompt for item in items] == ["a fox"] * 3
    assert len({item.seed for item in items}) == 3
    assert run.job.kind == "generation.run"
    assert run.job.created_by is not None
    assert run.job.created_by.username == "ada"
    assert run.overrides["steps"] == 2
    assert run.base_model is not None
    assert run.base_model.repository == str(tiny_model)


def test_the_builtin_models_own_figures_are_the_defaults() -> None:
    run = create_single_run({"prompt": "a fox"})
    assert (run.overrides["width"], run.overrides["height"]) == (64, 96)
    assert run.overrides["steps"] == 20


def test_defaults_for_stable_diffusion_are_the_fields(settings: Any) -> None:
    settings.BASE_MODEL = "someone/stable-diffusion-v1-5"
    lora = make_lora(default_weight=0.6, architecture="sd15")
    run = create_single_run({"prompt": "a fox", "loras": [{"model": lora.pk}]})
    assert run.overrides == {
        "steps": 25,
        "guidance_scale": 7.5,
        "width": 512,
        "height": 512,
        "scheduler": "dpmpp_2m",
        "loras": [{"model": lora.pk, "weight": 0.6}],
    }


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"prompt": ""}, "prompt"),
        ({"count": 0}, "count"),
        ({"count": 101}, "count"),
        ({"seed": -1}, "seed"),
        ({"album": 99}, "album"),
        ({"model": 99}, "model"),
        ({"loras": [{"model": 99}]}, "loras.0.model"),
        ({"loras": [{"model": 2**80}]}, "loras.0.model"),
        ({"loras": [{"model": True}]}, "loras.0.model"),
        ({"rating": "WILD"}, "rating"),
        ({"is_public": "yes"}, "is_public"),
        ({"prompt": "a fox <lora:nobody:1>"}, "prompt"),
    ],
)
def test_a_wrong_value_names_its_field_and_writes_nothing(
    values: dict[str, Any], field: str
) -> None:
    assert refusal(create_single_run, {"prompt": "a fox"} | values).field == field


def test_a_lora_for_another_kind_of_model_is_refused() -> None:
    lora = make_lora(architecture="sdxl")
    problem = refusal(create_single_run, {"prompt": "a fox", "loras": [{"model": lora.pk}]})
    assert problem.code == "wrong_base_model"


def test_a_lora_that_is_switched_off_is_refused() -> None:
    lora = make_lora(is_active=False)
    problem = refusal(create_single_run, {"prompt": "a fox", "loras": [{"model": lora.pk}]})
    assert "switched off" in problem.message


def test_loras_may_stand_in_the_prompt_as_in_the_web_ui(lora_file: Path, models_dir: Path) -> None:
    lora = register_lora(lora_file, name="night deck")
    run = make_single(prompt="a fox <lora:night deck:-0.5>, sharp")
    assert run.items.get().prompt == "a fox , sharp"
    assert run.overrides["loras"] == [{"model": lora.pk, "weight": -0.5}]


def test_a_batch_has_one_item_a_row_with_the_expanded_prompt() -> None:
    run = make_batch()
    assert [(item.name, item.prompt, item.seed) for item in run.items.all()] == [
        ("Ace", "playing card, Ace of hearts, red ink, clean print", 7),
        ("Two", "playing card, Two of spades, red ink, clean print", 8),
        ("Three", "playing card, Three of clubs, red ink, clean print", 9),
    ]
    assert {item.negative_prompt for item in run.items.all()} == {"blurry"}
    assert run.album is None
    assert run.is_batch


def test_overrides_win_over_the_template() -> None:
    run = make_batch(negative_prompt="", width=128, rating=Rating.SAFE, is_public=False)
    assert {item.negative_prompt for item in run.items.all()} == {""}
    assert run.overrides["width"] == 128
    assert (run.rating, run.is_public) == ("SAFE", False)


def test_a_template_without_a_size_takes_the_models() -> None:
    template = make_template(width=None, height=None)
    run = create_batch_run(template, {"album_name": "Deck"})
    assert (run.overrides["width"], run.overrides["height"]) == (64, 96)


def test_an_album_name_that_is_taken_is_a_conflict() -> None:
    Album.objects.create(name="My deck")
    problem = refusal(make_batch)
    assert (problem.status, problem.field) == (409, "album_name")


def test_the_name_of_a_run_that_waits_is_taken_too() -> None:
    make_batch()
    with pytest.raises(Problem) as caught:
        make_batch(make_template(name="Other", slug="other"), album_name=" My  deck ")
    assert caught.value.status == 409


@pytest.mark.parametrize("name", ["", "  ", None, 7, "x" * 201, "a\x00b", "\ud800", "\u202e"])
def test_an_album_needs_a_plain_name(name: Any) -> None:
    make_template()
    problem = refusal(lambda: make_batch(make_template(name="B", slug="b"), album_name=name))
    assert (problem.status, problem.field) == (422, "album_name")


@pytest.mark.parametrize(
    "name", ["Été\u00a0: bleu", "1\u202f000", "👨\u200d👩\u200d👧", "می\u200cخواهم"]
)
def test_an_album_may_be_named_in_any_language(name: str) -> None:
    assert make_batch(make_template(), album_name=name).album_name == name


def test_a_table_that_is_wrong_is_named() -> None:
    template = make_template(csv="name,suit\nAce\n")
    problem = refusal(expanded, template, "")
    assert problem.field == "csv"
    assert "Line 2" in problem.message
    template.csv, template.prompt_template = "name\nAce\n", "{colour}"
    assert refusal(expanded, template, "").field == "prompt_template"


def test_nothing_is_written_when_the_transaction_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no disk")

    monkeypatch.setattr(GenerationItem.objects, "bulk_create", break_down)
    with pytest.raises(RuntimeError):
        make_single()
    assert not Job.objects.exists()


def test_later_loras_are_kept_by_name_until_the_run_starts() -> None:
    template = make_template()
    run = create_batch_run(template, {"album_name": "Deck"}, later_loras={"nightdeck": 1.0})
    assert run.overrides["later_loras"] == [{"name": "nightdeck", "weight": 1.0}]
