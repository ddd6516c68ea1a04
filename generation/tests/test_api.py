import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from gallery.models import Album, Image
from generation.base_model import ensure_base_model
from generation.models import BatchTemplate, GenerationRun, ImageModel
from generation.tests.factories import (
    SMALL,
    make_admin,
    make_batch,
    make_lora,
    make_single,
    make_template,
)
from imagineer.jobs.models import Job

pytestmark = pytest.mark.django_db

TEMPLATE = {"name": "Signs", "csv": "name\nAries\nLeo\n", "prompt_template": "sign of {name}"}


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


def send(client: Client, path: str, body: Any, method: str = "post") -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return getattr(client, method)(path, text, content_type="application/json")


def error(answer: Any) -> tuple[int, str, str]:
    told = answer.json()["error"]
    return answer.status_code, told["field"], told["message"]


def make_image(**values: Any) -> Image:
    number = Image.objects.count()
    values = {"sha256": f"{number:064d}", "width": 8, "height": 8, "bytes": 1, "format": "png",
              "source_type": "generated", "file": f"batches/1/{number}.png"} | values  # fmt: skip
    return Image.objects.create(**values)


def test_generate_starts_a_job_and_tells_the_seeds(admin: Client) -> None:
    body = {"prompt": "a fox", "count": 2, "seed": 5, **SMALL}
    answer = send(admin, "/api/generate", body)
    assert answer.status_code == 201
    run = GenerationRun.objects.get()
    told = answer.json()
    assert told["seeds"] == [5, 6]
    assert (told["id"], told["job"]["id"]) == (run.pk, str(run.job_id))
    assert told["job"]["status"] == "queued"
    assert run.created_by == User.objects.get()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"steps": "20"}, "steps"),
        ({"steps": 151}, "steps"),
        ({"steps": True}, "steps"),
        ({"guidance_scale": 0.5}, "guidance_scale"),
        ({"width": 65}, "width"),
        ({"seed": 2**31}, "seed"),
        ({"scheduler": "best"}, "scheduler"),
        ({"loras": [{"model": 1, "weight": 3}]}, "loras.0.weight"),
        ({"loras": [{"model": 1}]}, "loras.0.model"),
        ({"prompt": "x" * 2001}, "prompt"),
        ({"promt": "typo"}, "promt"),
        ({"model": 10**30}, "model"),
    ],
)
def test_generate_names_the_field_that_is_wrong(
    admin: Client, values: dict[str, Any], field: str
) -> None:
    answer = send(admin, "/api/generate", {"prompt": "a fox"} | values)
    assert error(answer)[:2] == (422, field)
    assert not GenerationRun.objects.exists()


@pytest.mark.parametrize("body", ["", "{", "[]", "3", '{"prompt": NaN}', '{"prompt": "\\ud800"}'])
def test_generate_refuses_what_is_no_request(admin: Client, body: str) -> None:
    assert send(admin, "/api/generate", body).status_code in (400, 422)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_generate_refuses_numbers_that_are_none(admin: Client, number: str) -> None:
    body = f'{{"prompt": "a fox", "guidance_scale": {number}}}'
    assert error(send(admin, "/api/generate", body))[:2] == (422, "guidance_scale")


def test_writes_are_for_admins(client: Client) -> None:
    template = make_template()
    for method, path, body in (
        ("post", "/api/generate", {"prompt": "a fox"}),
        ("post", "/api/batch-templates", TEMPLATE),
        ("put", f"/api/batch-templates/{template.pk}", TEMPLATE),
        ("delete", f"/api/batch-templates/{template.pk}", {}),
        ("post", f"/api/batch-templates/{template.pk}/generate", {"album_name": "A"}),
    ):
        assert send(client, path, body, method).status_code == 401
    assert not GenerationRun.objects.exists()
    assert BatchTemplate.objects.get().name == "Suits"


def test_templates_are_listed_for_all_and_written_by_admins(client: Client, admin: Client) -> None:
    answer = send(admin, "/api/batch-templates", TEMPLATE)
    assert answer.status_code == 201
    pk = answer.json()["id"]
    assert answer.json()["slug"] == "signs"
    listed = client.get("/api/batch-templates").json()
    assert [(item["name"], item["rows"]) for item in listed["items"]] == [("Signs", 2)]
    assert listed["next"] is None
    changed = send(admin, f"/api/batch-templates/{pk}", {**TEMPLATE, "width": 64}, "put")
    assert (changed.status_code, changed.json()["width"]) == (200, 64)
    assert "Aries" in client.get(f"/api/batch-templates/{pk}").json()["csv"]
    assert admin.delete(f"/api/batch-templates/{pk}").status_code == 204
    assert client.get(f"/api/batch-templates/{pk}").status_code == 404


@pytest.mark.parametrize(
    ("values", "status", "field", "word"),
    [
        ({"csv": "name\nAries,fire\n"}, 422, "csv", "Line 2"),
        ({"csv": "sign\nAries\n"}, 422, "csv", "column called name"),
        ({"csv": ""}, 422, "csv", ""),
        ({"prompt_template": "{element}"}, 422, "prompt_template", "{element}"),
        ({"prompt_template": "{name.__class__}"}, 422, "prompt_template", ""),
        ({"width": 63}, 422, "width", ""),
        ({"name": ""}, 422, "name", ""),
        ({"name": "x" * 101}, 422, "name", ""),
        ({"name": "Suits"}, 409, "name", "exists already"),
        ({"name": "a\x00b"}, 422, "name", "NUL"),
        ({"loras": [{"model": 1, "weight": 9}]}, 422, "loras", ""),
        ({"loras": [{"model": 0}]}, 422, "loras", ""),
    ],
)
def test_a_template_that_is_wrong_is_refused_by_row_and_column(
    admin: Client, values: dict[str, Any], status: int, field: str, word: str
) -> None:
    make_template()
    answer = send(admin, "/api/batch-templates", TEMPLATE | values)
    assert error(answer)[:2] == (status, field)
    assert word in error(answer)[2]
    assert BatchTemplate.objects.count() == 1


def test_a_batch_is_asked_for_by_album_name_and_theme(admin: Client, client: Client) -> None:
    template = make_template()
    path = f"/api/batch-templates/{template.pk}"
    answer = send(admin, f"{path}/generate", {"album_name": "Deck", "theme": "blue ink"})
    assert answer.status_code == 201
    assert len(answer.json()["seeds"]) == 3
    again = send(admin, f"{path}/generate", {"album_name": "Deck", "theme": "blue ink"})
    assert error(again)[:2] == (409, "album_name")
    listed = admin.get(f"{path}/runs").json()["items"]
    assert [item["total"] for item in listed] == [3]
    assert client.get(f"{path}/runs").json()["items"] == []
    assert send(admin, "/api/batch-templates/99/generate", {"album_name": "A"}).status_code == 404


@pytest.mark.parametrize("name", ["width", "height"])
def test_a_batch_without_width_or_height_is_refused_at_its_field(admin: Client, name: str) -> None:
    path = f"/api/batch-templates/{make_template().pk}/generate"
    answer = send(admin, path, {"album_name": "Deck", name: 0})
    assert error(answer)[:2] == (422, name)
    assert not GenerationRun.objects.exists()


def test_a_theme_that_makes_a_prompt_too_long_is_refused_at_the_theme(admin: Client) -> None:
    rows = "name,words\nAce," + "x" * 1900 + "\n"
    template = make_template(csv=rows, prompt_template="{words}")
    path = f"/api/batch-templates/{template.pk}/generate"
    answer = send(admin, path, {"album_name": "Deck", "theme": "y" * 200})
    assert error(answer)[:2] == (422, "theme")
    assert "The prompt of Ace has" in error(answer)[2]
    assert send(admin, path, {"album_name": "Deck", "theme": "y"}).status_code == 201


def test_a_template_whose_prompts_are_too_long_by_themselves_is_named(admin: Client) -> None:
    template = make_template(csv="name,words\nAce," + "x" * 2100 + "\n", prompt_template="{words}")
    path = f"/api/batch-templates/{template.pk}/generate"
    answer = send(admin, path, {"album_name": "Deck", "theme": "red"})
    assert error(answer)[:2] == (422, "prompt_template")


def test_a_template_keeps_only_loras_that_are_there(admin: Client) -> None:
    lora, base = make_lora(), ensure_base_model()
    for model in (base.pk, lora.pk + base.pk):
        body = {**TEMPLATE, "loras": [{"model": lora.pk}, {"model": model}]}
        answer = send(admin, "/api/batch-templates", body)
        assert error(answer) == (422, "loras", f"There is no LoRA with the id {model}.")
    assert not BatchTemplate.objects.exists()
    answer = send(admin, "/api/batch-templates", {**TEMPLATE, "loras": [{"model": lora.pk}]})
    assert answer.status_code == 201
    path = f"/api/batch-templates/{answer.json()['id']}"
    lora.delete()
    answer = send(admin, path, {**TEMPLATE, "loras": [{"model": lora.pk or 1}]}, "put")
    assert error(answer)[:2] == (422, "loras")


def open_up(*runs: GenerationRun, **album: Any) -> None:
    """The runs have ended, each with an album of its own."""
    for run in runs:
        Job.objects.filter(pk=run.job_id).update(
            status="partial", progress_done=2, progress_total=3
        )
        run.album = Album.objects.create(name=run.album_name, **album)
        run.save()


def test_visitors_see_public_pictures_and_nothing_else(client: Client, admin: Client) -> None:
    run = make_batch()
    shown = make_image()
    run.items.filter(index=0).update(status="done", image=shown)
    run.items.filter(index=1).update(status="done", image=make_image(is_public=False))
    run.items.filter(index=2).update(status="failed", error="the disk is full")
    open_up(run)
    told = client.get(f"/api/batches/{run.pk}").json()
    assert (told["total"], told["done"], told["failed"]) == (1, 1, 0)
    assert (told["job"]["progress_done"], told["job"]["progress_total"]) == (1, 1)
    assert [(item["index"], item["status"], item["image"]) for item in told["items"]] == [
        (0, "done", shown.pk)
    ]
    assert (told["items"][0]["prompt"], told["items"][0]["seed"]) == (None, None)
    assert "disk" not in json.dumps(told)
    assert client.get("/api/batches").json()["items"][0]["total"] == 1
    known = admin.get(f"/api/batches/{run.pk}").json()
    assert (known["total"], known["done"], known["failed"]) == (3, 2, 1)
    assert known["items"][2]["error"] == "the disk is full"
    assert known["items"][0]["prompt"].startswith("playing card")
    assert known["album_name"] == "My deck"


def test_a_visitor_who_hides_nsfw_is_not_told_of_it(client: Client) -> None:
    run = make_batch()
    run.items.filter(index=0).update(status="done", image=make_image(rating="ADULT"))
    open_up(run)
    assert client.get(f"/api/batches/{run.pk}").json()["total"] == 1
    client.cookies["nsfw"] = "hide"
    told = client.get(f"/api/batches/{run.pk}").json()
    assert (told["total"], told["items"]) == (0, [])


def test_a_public_album_is_named_and_a_private_run_is_not_there(client: Client) -> None:
    run = make_batch()
    open_up(run)
    listed = client.get("/api/batches").json()["items"]
    assert listed[0]["album"]["slug"] == "my-deck"
    assert listed[0]["theme"] == "red ink"
    GenerationRun.objects.update(is_public=False)
    assert client.get("/api/batches").json()["items"] == []
    assert client.get(f"/api/batches/{run.pk}").status_code == 404


@pytest.mark.parametrize("state", ["queued", "running", "failed", "private album", "no album"])
def test_a_run_that_the_pages_do_not_show_is_the_admins(
    client: Client, admin: Client, state: str
) -> None:
    run = make_batch()
    open_up(run, is_public=state != "private album")
    if state == "no album":
        GenerationRun.objects.update(album=None)
    elif state != "private album":
        Job.objects.update(status=state)
    lists = ("/api/batches", f"/api/batch-templates/{run.template_id}/runs")
    for path in lists:
        assert client.get(path).json()["items"] == []
        assert [item["theme"] for item in admin.get(path).json()["items"]] == ["red ink"]
    assert client.get(f"/api/batches/{run.pk}").status_code == 404
    assert admin.get(f"/api/batches/{run.pk}").status_code == 200


def test_a_templates_private_loras_are_the_admins(client: Client, admin: Client) -> None:
    shown, hidden = make_lora("shown"), make_lora("hidden", is_public=False)
    loras = [{"model": lora.pk, "weight": 0.5} for lora in (shown, hidden)]
    template = make_template(loras=loras)
    for path in ("/api/batch-templates", f"/api/batch-templates/{template.pk}"):
        told, known = client.get(path).json(), admin.get(path).json()
        told, known = (found.get("items", [found])[0]["loras"] for found in (told, known))
        assert (told, known) == (loras[:1], loras)
    assert BatchTemplate.objects.get().loras == loras


def test_single_runs_are_not_listed_as_batches(client: Client) -> None:
    make_single()
    assert client.get("/api/batches").json()["items"] == []


def test_lists_go_on_where_a_page_ends(client: Client, admin: Client) -> None:
    template = make_template()
    for number in range(51):
        open_up(make_batch(template, album_name=f"Deck {number}"))
    first = client.get("/api/batches").json()
    assert len(first["items"]) == 50
    second = client.get("/api/batches", {"cursor": first["next"]}).json()
    assert [item["id"] for item in second["items"]] == [GenerationRun.objects.earliest("id").pk]
    assert second["next"] is None


def test_the_number_of_queries_does_not_grow_with_the_list(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    template = make_template()
    for number in range(5):
        open_up(make_batch(template, album_name=f"Deck {number}"))
        make_lora(f"lora{number}")
    with django_assert_max_num_queries(3):
        assert len(client.get("/api/batches").json()["items"]) == 5
    with django_assert_max_num_queries(3):
        client.get("/api/loras")


def test_private_loras_are_the_admins(client: Client, admin: Client) -> None:
    shown = make_lora("shown", trigger_words=["nightdeck"], metadata={"rank": 8})
    hidden = make_lora("hidden", is_public=False)
    ImageModel.objects.create(image=make_image(), model_version=shown)
    ImageModel.objects.create(image=make_image(is_public=False), model_version=shown)
    listed = client.get("/api/loras").json()["items"]
    assert [(item["name"], item["rank"], item["pictures"]) for item in listed] == [("shown", 8, 1)]
    assert client.get(f"/api/loras/{hidden.pk}").status_code == 404
    assert client.get(f"/api/loras/{shown.pk}").json()["trigger_words"] == ["nightdeck"]
    assert len(admin.get("/api/loras").json()["items"]) == 2
    assert admin.get(f"/api/loras/{shown.pk}").json()["pictures"] == 2


def test_base_models_tell_their_defaults_and_admins_where_they_are(
    client: Client, admin: Client
) -> None:
    told = client.get("/api/models").json()["items"]
    assert [(item["name"], item["is_default"], item["width"]) for item in told] == [
        ("Built-in", True, 64)
    ]
    assert told[0]["repository"] is None
    assert admin.get("/api/models").json()["items"][0]["repository"] == "builtin"


@pytest.mark.parametrize("pk", [0, 10**9, 2**63, 10**30])
def test_ids_that_nothing_has_are_not_found(client: Client, admin: Client, pk: int) -> None:
    for path in (f"/api/batches/{pk}", f"/api/loras/{pk}", f"/api/batch-templates/{pk}",
                 f"/api/batch-templates/{pk}/runs"):  # fmt: skip
        assert client.get(path).status_code == 404
