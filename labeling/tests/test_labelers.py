"""Further labelers, named by dotted paths in LABELERS."""

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from gallery.models import Label
from gallery.tests.factories import make_image
from imagineer.problems import Problem
from labeling import labelers
from labeling.labeler import Labeling, LabelingFailed, Picture
from labeling.labelers import LOCAL, LabelerKind, known
from labeling.runs import start_run
from labeling.tests.factories import album_of, finished, run_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
HERE = "labeling.tests.test_labelers"


class Parrot:
    """Says of each picture what it was asked."""

    def __enter__(self) -> "Parrot":
        return self

    def __exit__(self, *exc: object) -> None: ...

    def submit(self, picture: Picture) -> "Future[Labeling]":
        future: Future[Labeling] = Future()
        words = picture.instructions
        if "fail" in words:
            future.set_exception(LabelingFailed("The parrot is asleep."))
        else:
            future.set_result(Labeling("parrot-1", words[:40], "SAFE", ("parrot",), confidence=0.5))
        return future


PARROT = LabelerKind(
    "parrot", "Parrot", Label.Source.LOCAL, Parrot, model=lambda: "parrot-1", reads_prompts=True,
    longest_side=320,
)  # fmt: skip
MACAW = replace(PARROT, name="macaw", title="Macaw", model=lambda: "macaw-1")
BLIND = replace(PARROT, name="blind", reads_prompts=False)
TAKEN = replace(PARROT, name=LOCAL)
BY_HAND = replace(PARROT, source=Label.Source.MANUAL)
ENDLESS = replace(PARROT, name="x" * 51)


@pytest.fixture
def installed(settings: Any) -> Iterator[Any]:
    """installed("PARROT", …) puts these of this module into LABELERS."""

    def install(*names: str) -> None:
        settings.LABELERS = [f"{HERE}.{name}" for name in names]
        known.cache_clear()

    yield install
    known.cache_clear()


def test_one_labels_an_album_with_its_own_provenance(installed: Any) -> None:
    installed("PARROT")
    run = start_run(album=album_of(2), labeler="parrot", prompt_kind="detailed")
    assert finished(run).result["labelled"] == 2
    captions = Label.objects.filter(kind=Label.Kind.CAPTION)
    assert {
        (label.source, label.model, label.prompt_kind, label.confidence) for label in captions
    } == {("local", "parrot-1", "detailed", 0.5)}
    assert all(label.text.startswith("Describe this picture") for label in captions)


def test_it_is_offered_where_labelers_are(installed: Any, admin_client: Client) -> None:
    installed("PARROT")
    told = admin_client.get("/api/labeling/labelers").json()["items"]
    assert [kind["name"] for kind in told] == ["claude", "local", "parrot"]
    page = admin_client.get("/admin/labeling/labelingrun/start/").content.decode()
    assert '<option value="parrot">Parrot</option>' in page
    image = make_image()
    body = {"labeler": "parrot"}
    path = f"/api/labeling/image/{image.pk}"
    assert admin_client.post(path, body, content_type="application/json").status_code == 202


def test_its_failures_are_those_of_single_images(installed: Any) -> None:
    installed("PARROT")
    run = run_of(make_image(), make_image(), labeler="parrot", trigger_word="fail")
    assert finished(run).error == "The parrot is asleep."
    assert run.counts()["failed"] == 2


@pytest.mark.parametrize(
    ("first", "second"), [("parrot", "macaw"), ("blind", "local"), ("local", "blind")]
)
def test_labelers_of_one_source_do_not_take_each_others_work_for_theirs(
    installed: Any, first: str, second: str
) -> None:
    installed("PARROT", "MACAW", "BLIND")
    image = make_image()
    finished(run_of(image, labeler=first))
    assert finished(run_of(image, labeler=second)).result["labelled"] == 1
    assert finished(run_of(image, labeler=first)).result["skipped"] == 1


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("no.such.module.KIND", "No module named 'no'"),
        (f"{HERE}.NOBODY", "does not define"),
        ("parrot", "doesn't look like a module path"),
        (f"{HERE}.Parrot", "which is no LabelerKind"),
        (f"{HERE}.TAKEN", "another labeler has the name “local”"),
        (f"{HERE}.BY_HAND", "of the source “manual”, not one of claude, local, imported"),
        (f"{HERE}.ENDLESS", "its name has 1 to 50 characters"),
    ],
)
def test_a_path_that_leads_to_no_labeler_is_told(
    installed: Any, settings: Any, path: str, why: str
) -> None:
    settings.LABELERS = [path]
    known.cache_clear()
    with pytest.raises(ImproperlyConfigured) as told:
        known()
    assert str(told.value).startswith(f"LABELERS names {path}")
    assert why in str(told.value)


def test_an_unknown_name_is_told_with_those_that_there_are(installed: Any) -> None:
    installed("PARROT")
    with pytest.raises(Problem) as told:
        labelers.labeler_kind("owl")
    assert told.value.message == "No labeler has this name. There are: claude, local, parrot."
