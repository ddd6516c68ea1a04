"""Datasets and trainings in the console."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from gallery.tests.factories import make_admin, make_album, make_label, make_row
from generation.tests.factories import make_lora
from imagineer.jobs.models import Status
from training.config import PRESETS
from training.datasets import freeze
from training.models import DatasetVersion, TrainingRun
from training.start import start_training
from training.tests.factories import end

pytestmark = pytest.mark.django_db

FREEZE = "/admin/training/datasetversion/start/"
TRAIN = "/admin/training/trainingrun/start/"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


@pytest.fixture
def album() -> Any:
    images = [make_row(), make_row(), make_row()]
    make_label(images[0], "an ace", source="claude")
    make_label(images[1], "a king", source="imported")
    return make_album("Cards", images)


def estimate(client: Client, path: str, body: dict[str, Any]) -> dict[str, str]:
    response = client.post(path, body, headers={"X-Estimate": "1"})
    told: dict[str, str] = response.json()
    return told


def test_the_freeze_form_tells_how_ready_the_albums_are(admin: Any, album: Any) -> None:
    told = estimate(admin, FREEZE, {"albums": [album.pk]})
    assert told["verb"] == "Freeze 2 pictures"
    assert "2 pictures with captions" in told["cost"]
    assert "1 by Claude" in told["cost"]
    assert "1 picture without a caption is left out." in told["cost"]


def test_freezing_leads_to_the_dataset(admin: Any, album: Any) -> None:
    response = admin.post(FREEZE, {"name": "Cards", "albums": [album.pk]}, follow=True)
    dataset = DatasetVersion.objects.get()
    assert response.redirect_chain[-1][0] == reverse(
        "admin:training_datasetversion_change", args=[dataset.pk]
    )
    page = response.content.decode()
    assert "an ace" in page
    assert "a king" in page
    assert dataset.digest in page


def test_an_album_without_captions_is_refused_at_its_field(admin: Any) -> None:
    bare = make_album("Bare", [make_row()])
    response = admin.post(FREEZE, {"name": "Bare", "albums": [bare.pk]})
    assert response.status_code == 422
    assert "None of the pictures has a caption" in response.content.decode()


def test_the_start_form_tells_time_and_steps(admin: Any, album: Any) -> None:
    told = estimate(admin, TRAIN, {"albums": [album.pk], "preset": "standard"})
    assert told["verb"] == "Train 800 steps"
    assert "2 pictures with captions" in told["cost"]
    assert "min on this machine" in told["cost"]
    assert estimate(admin, TRAIN, {"preset": "quick"})["verb"] == "Train 300 steps"
    assert estimate(admin, TRAIN, {"preset": "quick", "steps": "90"})["verb"] == "Train 90 steps"
    assert estimate(admin, TRAIN, {"steps": "lots"})["verb"] == "Train 800 steps"


def test_the_form_starts_a_training(admin: Any, album: Any) -> None:
    response = admin.post(
        TRAIN,
        {"name": "Night", "albums": [album.pk], "preset": "quick", "rank": "4", "is_public": "on"},
    )
    run = TrainingRun.objects.get()
    assert response.headers["Location"] == reverse("admin:jobs_job_change", args=[run.job_id])
    assert (run.config["rank"], run.steps) == (4, 300)
    assert run.is_public


@pytest.mark.parametrize("name", ["warmup_steps", "caption_dropout", "min_snr_gamma", "seed"])
def test_zero_is_a_value_of_its_own(admin: Any, album: Any, monkeypatch: Any, name: str) -> None:
    value: Any = 0.5 if name == "caption_dropout" else 5
    other = replace(PRESETS["builtin"]["standard"], **{name: value})
    monkeypatch.setitem(PRESETS["builtin"], "standard", other)
    body = {"name": "Night", "albums": [album.pk], "preset": "standard", name: "0"}
    assert admin.post(TRAIN, body).status_code == 302
    assert TrainingRun.objects.get().config[name] == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rank": "900"}, "Must be between 1 and 128."),
        ({"albums": []}, "Choose albums to train on, or a frozen dataset."),
        ({"trigger_word": "a, b"}, "without a comma"),
        ({"width": "100"}, "Must be divisible by 8."),
    ],
)
def test_what_cannot_be_trained_is_said_in_the_form(
    admin: Any, album: Any, change: Any, sentence: Any
) -> None:
    body = {"name": "Night", "albums": [album.pk], "preset": "standard", **change}
    response = admin.post(TRAIN, body)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not TrainingRun.objects.exists()


def test_a_dataset_in_the_address_is_chosen(admin: Any, album: Any) -> None:
    dataset = freeze("Cards", [album])
    page = admin.get(f"{TRAIN}?dataset={dataset.pk}").content.decode()
    assert f'<option value="{dataset.pk}" selected>' in page
    assert "2 pictures with captions" in page


def test_the_page_of_a_training_shows_its_loss_and_offers_cancel_then_retry(
    admin: Any, album: Any
) -> None:
    run = start_training(name="Night", albums=[album], trigger_word="night style")
    url = reverse("admin:training_trainingrun_change", args=[run.pk])
    page = admin.get(url).content.decode()
    assert "The first steps are not done yet." in page
    assert reverse("admin:jobs_job_cancel", args=[run.job_id]) in page
    run.loss_history = [[step, 1 / step] for step in range(1, 30)]
    run.dataset = freeze("Night", [album])
    run.save()
    end(run.job, Status.FAILED)
    page = admin.get(url).content.decode()
    assert '<path d="M0.0 6.0L' in page
    assert "The loss from step 1 to 29" in page
    assert reverse("admin:jobs_job_retry", args=[run.job_id]) in page
    assert "Night v1" in page


def test_the_page_of_a_lora_shows_how_its_training_went(client: Client, album: Any) -> None:
    run = start_training(name="Night", albums=[album])
    run.output_model = make_lora()
    run.loss_history = [[step, 1 / step] for step in range(1, 30)]
    run.save()
    page = client.get(run.output_model.get_absolute_url()).content.decode()
    assert '<path class="chart-raw" d="M0.0 6.0L' in page
    assert '<path class="chart-even" d="M0.0 6.0L' in page
    assert "at step 29" in page


def test_the_lists_open_with_few_queries(
    admin: Any, album: Any, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        end(start_training(name=f"Night {number}", albums=[album]).job, Status.FAILED)
        freeze(f"Cards {number}", [album])
    for name in ("trainingrun", "datasetversion"):
        with django_assert_max_num_queries(16):
            page = admin.get(f"/admin/training/{name}/").content.decode()
        assert "Night 4" in page or "Cards 4" in page
