from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

import generation
from gallery.models import Album, Image
from generation.loras import register_lora
from generation.models import BatchTemplate, GenerationRun, ModelVersion
from generation.tests.factories import (
    SMALL,
    FakeEngine,
    make_admin,
    make_batch,
    make_lora,
    make_single,
    make_template,
)
from imagineer.jobs.models import Job, Status
from imagineer.jobs.runner import execute

pytestmark = pytest.mark.django_db
GENERATE = "/admin/generation/generationrun/start/"
BATCH = "/admin/generation/generationrun/batch/"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> Callable[..., Any]:
    """Run a run's job with a stand-in for the pipeline."""
    settings.MEDIA_ROOT = tmp_path / "media"

    def draw(run: GenerationRun, **values: Any) -> GenerationRun:
        monkeypatch.setattr(generation, "diffusion_pipeline", FakeEngine(**values), raising=False)
        execute(run.job_id)
        run.refresh_from_db()
        return run

    return draw


def form(**values: Any) -> dict[str, Any]:
    return {"prompt": "a fox", "count": 2, "scheduler": "euler", "rating": "UNRATED", **values}


def text(answer: Any) -> str:
    content: bytes = answer.content
    return content.decode()


def test_generate_says_ranges_cost_and_the_verb(admin: Client) -> None:
    page = text(admin.get(GENERATE))
    assert reverse("admin:generation_generate") == GENERATE
    assert "Draw 4 pictures" in page
    assert "1 to 150" in page
    assert "time is not known" in page
    assert 'placeholder="20"' in page
    assert "style=" not in page


def test_generate_starts_a_run_and_comes_back_to_its_results(admin: Client) -> None:
    answer = admin.post(GENERATE, form(seed=5, steps=3, is_public="on"))
    run = GenerationRun.objects.get()
    assert answer.headers["Location"] == f"{GENERATE}?run={run.pk}#results"
    assert [item.seed for item in run.items.all()] == [5, 6]
    assert (run.overrides["steps"], run.overrides["scheduler"]) == (3, "euler")
    page = text(admin.get(f"{GENERATE}?run={run.pk}"))
    assert "a fox</textarea>" in page
    assert "0 of 2 drawn" in page


@pytest.mark.parametrize(
    ("values", "field"),
    [({"steps": 151}, "steps"), ({"width": 70}, "width"), ({"prompt": " "}, "prompt"),
     ({"guidance_scale": "nan"}, "guidance_scale"), ({"count": 101}, "count")],
)  # fmt: skip
def test_generate_shows_what_is_wrong_at_its_field(
    admin: Client, values: dict[str, Any], field: str
) -> None:
    answer = admin.post(GENERATE, form(**values))
    assert answer.status_code == 422
    assert answer.context["form"].errors[field]
    assert not GenerationRun.objects.exists()


def test_a_lora_is_chosen_with_its_weight_and_a_wrong_weight_is_marked(admin: Client) -> None:
    lora = make_lora(architecture="builtin", default_weight=0.7)
    assert str(lora) in text(admin.get(GENERATE))
    answer = admin.post(GENERATE, form(lora_2=lora.pk, lora_2_weight=3))
    assert answer.context["form"].errors["lora_2_weight"]
    admin.post(GENERATE, form(lora_2=lora.pk))
    assert GenerationRun.objects.get().overrides["loras"] == [{"model": lora.pk, "weight": 0.7}]


def test_the_cost_is_learned_from_what_was_drawn(admin: Client, drawn: Any) -> None:
    run = drawn(make_single())
    run.items.update(seconds=2.0)
    told = admin.post(
        GENERATE, form(count=3, steps=4, width=64, height=64), headers={"X-Estimate": "1"}
    )
    assert told.json() == {"cost": "About 12 s on this machine.", "verb": "Draw 3 pictures"}


def test_results_fill_as_they_come(admin: Client, drawn: Any) -> None:
    run = make_single(count=2)
    address = reverse("admin:generation_results", args=[run.pk])
    before = admin.get(address).json()
    assert not before["ended"]
    assert "0 of 2 drawn" in before["html"]
    drawn(run, failing=[8])
    after = admin.get(address).json()
    assert after["ended"]
    assert "1 of 2 drawn, 1 failed" in after["html"]
    assert "the tensors do not fit" in after["html"]
    assert "<img" in after["html"]


def test_again_draws_the_same_with_a_new_seed(admin: Client, drawn: Any) -> None:
    run = drawn(make_single(negative_prompt="blurry", rating="SAFE"))
    item = run.items.get()
    answer = admin.post(reverse("admin:generation_again", args=[item.pk]))
    again = GenerationRun.objects.exclude(pk=run.pk).get()
    assert answer.headers["Location"].startswith(f"{GENERATE}?run={again.pk}")
    new = again.items.get()
    assert (new.prompt, new.negative_prompt) == (item.prompt, "blurry")
    assert new.seed != item.seed
    assert (again.overrides, again.rating) == (run.overrides, "SAFE")


def test_pictures_are_added_to_an_album_by_post_alone(admin: Client, drawn: Any) -> None:
    run = drawn(make_single(count=3))
    album = Album.objects.create(name="Foxes")
    images = list(Image.objects.order_by("pk").values_list("pk", flat=True))
    address = reverse("admin:generation_add_to_album")
    admin.post(address, {"album": album.pk, "image": images[:2], "run": run.pk})
    assert album.images.count() == 2
    admin.post(address, {"album": album.pk, "image": images[:2], "only": images[2]})
    assert album.images.count() == 3
    assert admin.get(address).status_code == 405
    for body in ({}, {"album": "x", "image": "y"}, {"album": 10**30, "image": 10**30}):
        assert admin.post(address, body).status_code == 302


def test_a_batch_shows_three_prompts_and_starts(admin: Client) -> None:
    template = make_template()
    page = text(admin.get(f"{BATCH}?template={template.pk}"))
    assert "playing card, Two of spades, clean print" in page
    assert "Draw 3 pictures" in page
    body = {"template": template.pk, "album_name": "Deck", "theme": "blue ink",
            "scheduler": "dpmpp_2m", "rating": "UNRATED", "is_public": "on"}  # fmt: skip
    shown = text(admin.post(BATCH, body, headers={"X-Preview": "1"}))
    assert "Two of spades, blue ink, clean print" in shown
    answer = admin.post(BATCH, body)
    run = GenerationRun.objects.get()
    assert answer.headers["Location"] == reverse("admin:jobs_job_change", args=[run.job_id])
    assert (run.album_name, run.items.count(), run.is_batch) == ("Deck", 3, True)
    again = admin.post(BATCH, body)
    assert "about to make an album" in str(again.context["form"].errors["album_name"])


@pytest.mark.parametrize("name", ["width", "height"])
def test_a_batch_without_width_or_height_is_marked_at_its_field(admin: Client, name: str) -> None:
    body = {"template": make_template().pk, "album_name": "Deck", "scheduler": "euler",
            "rating": "UNRATED", name: "0"}  # fmt: skip
    answer = admin.post(BATCH, body)
    assert answer.status_code == 422
    assert answer.context["form"].errors[name]
    assert not GenerationRun.objects.exists()


@pytest.mark.parametrize("template", ["", "x", "99", "9" * 30])
def test_the_batch_form_opens_whatever_the_address_says(admin: Client, template: str) -> None:
    assert admin.get(f"{BATCH}?template={template}").status_code == 200


def test_a_runs_page_shows_items_errors_and_a_retry(admin: Client, drawn: Any) -> None:
    run = drawn(make_batch(), failing=[8])
    page = text(admin.get(reverse("admin:generation_generationrun_change", args=[run.pk])))
    assert "Draw the 1 failed again" in page
    assert "the tensors do not fit" in page
    assert "Ace" in page
    admin.post(reverse("admin:jobs_job_retry", args=[run.job_id]))
    assert Job.objects.get(pk=run.job_id).status == Status.QUEUED


def test_the_list_of_runs_takes_the_same_queries_for_one_and_many(
    admin: Client, django_assert_max_num_queries: Any
) -> None:
    template = make_template()
    for number in range(8):
        make_batch(template, album_name=f"Deck {number}")
    with django_assert_max_num_queries(12):
        page = text(admin.get(reverse("admin:generation_generationrun_changelist")))
    assert "0 of 3" in page


def test_a_lora_is_uploaded_with_its_words(
    admin: Client, lora_file: Path, models_dir: Path
) -> None:
    upload = SimpleUploadedFile("my inks.safetensors", lora_file.read_bytes())
    body = {"file": upload, "trigger_words": "nightdeck, inky", "is_public": "on"}
    answer = admin.post(reverse("admin:generation_modelversion_add"), body)
    assert answer.status_code == 302, answer.context["errors"]
    lora = ModelVersion.objects.get(type="lora")
    assert (lora.name, lora.trigger_words, lora.is_active) == (
        "my inks",
        ["nightdeck", "inky"],
        True,
    )
    assert (models_dir / lora.file).read_bytes() == lora_file.read_bytes()
    page = text(admin.get(reverse("admin:generation_modelversion_change", args=[lora.pk])))
    assert "nightdeck, inky" in page
    assert lora.sha256 in page


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.ckpt", b"x" * 20), ("a.safetensors", b"x" * 20), ("a.safetensors", b""),
     ("a.safetensors", b"\x02\0\0\0\0\0\0\0{}")],
)  # fmt: skip
def test_what_is_not_a_lora_is_refused_at_the_file(
    admin: Client, models_dir: Path, name: str, data: bytes
) -> None:
    body = {"file": SimpleUploadedFile(name, data)}
    answer = admin.post(reverse("admin:generation_modelversion_add"), body)
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors["file"]
    assert not models_dir.exists()
    assert not ModelVersion.objects.filter(type="lora").exists()


def test_a_lora_is_edited_and_switched_off(
    admin: Client, lora_file: Path, models_dir: Path
) -> None:
    lora = register_lora(lora_file, name="inks")
    body = {"name": "inks", "trigger_words": "one,two , one", "default_weight": "0.8"}
    admin.post(reverse("admin:generation_modelversion_change", args=[lora.pk]), body)
    lora.refresh_from_db()
    assert (lora.trigger_words, lora.default_weight) == (["one", "two"], 0.8)
    assert not lora.is_active
    assert lora.file


def test_a_deleted_lora_takes_its_file_along(
    admin: Client, lora_file: Path, models_dir: Path, django_capture_on_commit_callbacks: Any
) -> None:
    lora = register_lora(lora_file, name="inks")
    address = reverse("admin:generation_modelversion_delete", args=[lora.pk])
    with django_capture_on_commit_callbacks(execute=True):
        admin.post(address, {"post": "yes"})
    assert not ModelVersion.objects.filter(pk=lora.pk).exists()
    assert not (models_dir / lora.file).exists()


def test_a_template_is_written_and_previewed(admin: Client) -> None:
    body = {"name": "Signs", "csv": "name\nAries\nLeo\n", "prompt_template": "sign of {name}",
            "example_theme": "gold ink", "loras": "[]"}  # fmt: skip
    answer = admin.post(reverse("admin:generation_batchtemplate_add"), body)
    assert answer.status_code == 302, answer.context["errors"]
    template = BatchTemplate.objects.get()
    page = text(admin.get(reverse("admin:generation_batchtemplate_change", args=[template.pk])))
    assert "sign of Leo, gold ink" in page
    assert "Draw 2 pictures" in page


def test_a_table_that_is_wrong_is_marked_with_its_line(admin: Client) -> None:
    body = {"name": "Signs", "csv": "name\nAries,x\n", "prompt_template": "{name}", "loras": "[]"}
    answer = admin.post(reverse("admin:generation_batchtemplate_add"), body)
    assert "Line 2" in str(answer.context["adminform"].form.errors["csv"])


def test_a_lora_that_is_not_there_is_marked_in_the_template(admin: Client) -> None:
    body = {"name": "Signs", "csv": "name\nAries\n", "prompt_template": "{name}"}
    address = reverse("admin:generation_batchtemplate_add")
    answer = admin.post(address, {**body, "loras": '[{"model": 99, "weight": 1}]'})
    errors = answer.context["adminform"].form.errors
    assert "There is no LoRA with the id 99." in str(errors["loras"])
    assert not BatchTemplate.objects.exists()


def test_the_console_of_this_room_is_closed_to_visitors(client: Client) -> None:
    run = make_single(**SMALL)
    item = run.items.get()
    for address in (GENERATE, BATCH, reverse("admin:generation_results", args=[run.pk]),
                    reverse("admin:generation_generationrun_changelist")):  # fmt: skip
        assert client.get(address).status_code in (302, 403)
    assert client.post(GENERATE, form()).status_code in (302, 403)
    assert client.post(reverse("admin:generation_again", args=[item.pk])).status_code in (302, 403)
    assert GenerationRun.objects.count() == 1
