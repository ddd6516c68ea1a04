"""Pictures follow a rule of tags that changed: at once, or by a job."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gallery import image_index, rejected_tags, tag_derivation, tag_names, trash
from gallery.models import Image, Tag
from gallery.tag_models import TagAlias, TagImplication
from gallery.tag_names import TagRefused
from gallery.tests.factories import make_tagged
from imagineer.jobs.models import Job, Status
from imagineer.jobs.runner import execute
from imagineer.tests.plans import is_walked, plan, reading

pytestmark = pytest.mark.django_db


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_derivation, "_PART", 2)
    monkeypatch.setattr(tag_derivation, "AT_ONCE", 2)


def tags(image: Image) -> set[str]:
    return set(image.tags.values_list("name", flat=True))


def settle(change: Callable[[], tag_names.Ruled]) -> Job | None:
    return tag_derivation.settle(change)[1]


def run(job: Job | None) -> Job:
    assert job is not None
    execute(job.pk)
    job.refresh_from_db()
    return job


def test_few_pictures_follow_at_once() -> None:
    image = make_tagged("puss")
    ruled, job = tag_derivation.settle(partial(tag_names.add_alias, "puss", "cat"))
    assert (ruled.row.name, ruled.is_new, job) == ("puss", True, None)
    assert tags(image) == {"cat"}
    assert settle(partial(tag_names.remove_alias, TagAlias.objects.get())) is None
    assert tags(image) == {"puss"}


def test_implications_are_followed_both_ways() -> None:
    image, other = make_tagged("kitten"), make_tagged("dog")
    settle(partial(tag_names.add_implication, "cat", "animal"))
    settle(partial(tag_names.add_implication, "kitten", "cat"))
    assert tags(image) == {"kitten", "cat", "animal"}
    settle(partial(tag_names.remove_implication, TagImplication.objects.get(tag__name="kitten")))
    assert tags(image) == {"kitten"}
    assert tags(other) == {"dog"}


def test_what_was_taken_off_follows_too() -> None:
    image = make_tagged("kitten", "puss")
    rejected_tags.reject([image.pk], "kitten")
    image_index.refresh([image.pk])
    settle(partial(tag_names.add_implication, "kitten", "young"))
    assert tags(image) == {"puss", "young"}
    settle(partial(tag_names.add_alias, "kitten", "puss"))
    assert tags(image) == {"young"}
    settle(partial(tag_names.remove_alias, TagAlias.objects.get()))
    # What the tag implied went over to the other.
    assert tags(image) == {"puss", "young"}


def test_what_lies_in_the_trash_follows_when_it_comes_back() -> None:
    image = make_tagged("puss")
    trash.move_to_trash([image.pk])
    settle(partial(tag_names.add_alias, "puss", "cat"))
    trash.restore([image.pk])
    assert tags(image) == {"cat"}


def test_a_refused_rule_changes_nothing() -> None:
    image = make_tagged("cat")
    with pytest.raises(TagRefused):
        settle(partial(tag_names.add_alias, "cat", "cat"))
    assert tags(image) == {"cat"}
    assert not Job.objects.exists()


@pytest.mark.usefixtures("small_parts")
def test_many_pictures_follow_by_a_job(admin_user: Any) -> None:
    images = [make_tagged("puss") for _ in range(5)]
    _, job = tag_derivation.settle(
        partial(tag_names.add_alias, "puss", "cat"), created_by=admin_user
    )
    assert job is not None
    assert (job.title, job.created_by) == ("Pictures of “puss” follow", admin_user)
    assert tags(images[0]) == {"puss"}
    run(job)
    assert (job.status, job.error, job.result) == (Status.COMPLETED, "", {"pictures": 5})
    assert (job.progress_done, job.progress_total) == (5, 5)
    assert all(tags(image) == {"cat"} for image in images)
    assert run(tag_derivation.submit_derive([Tag.objects.get(name="puss").pk])).result == {
        "pictures": 0
    }


@pytest.mark.usefixtures("small_parts")
def test_it_stops_between_parts_and_does_the_rest_later() -> None:
    images = [make_tagged("puss") for _ in range(5)]
    ruled = tag_names.add_alias("puss", "cat")

    class Stop(Exception):
        pass

    def report(done: int, total: int) -> None:
        assert total == 5
        if done == 4:
            raise Stop

    with pytest.raises(Stop):
        tag_derivation.derive(ruled.concerns, report)
    assert sum(tags(image) == {"cat"} for image in images) == 4
    assert tag_derivation.derive(ruled.concerns) == 1
    assert all(tags(image) == {"cat"} for image in images)


def test_its_pictures_are_found_along_indices() -> None:
    make_tagged("puss")
    ruled = tag_names.add_alias("puss", "cat")
    with CaptureQueriesContext(connection) as asked:
        tag_derivation.derive(ruled.concerns)
    for sql in reading(asked.captured_queries):
        assert not [step for step in plan(sql) if is_walked(step)], sql


def test_searches_tag_pages_feeds_and_facets_follow(client: Client) -> None:
    image = make_tagged("puss", "night")
    settle(partial(tag_names.add_alias, "puss", "cat"))
    settle(partial(tag_names.add_implication, "cat", "animal"))
    for words in ("tag:puss", "tag:Cat", "tag:animal", "animal", "puss"):
        found = client.get("/api/search", {"q": words}).json()
        assert [row["id"] for row in found["items"]] == [image.pk], words
    assert not client.get("/api/search", {"q": "-tag:puss"}).json()["items"]
    facets = client.get("/api/search", {"q": "night"}).json()["facets"]
    told = {row["label"] for facet in facets if facet["title"] == "Tags" for row in facet["items"]}
    assert told == {"animal", "cat", "night"}
    for path in ("/tags/puss/", "/tags/PUSS/"):
        response = client.get(path)
        assert (response.status_code, response["Location"]) == (302, "/tags/cat/")
    assert "/tags/puss/" not in client.get("/tags/").content.decode()
    feed = client.get("/tags/puss/feed.atom").content.decode()
    assert "<title>cat ·" in feed
    assert f"/images/{image.pk}/" in feed
    shown = client.get(f"/images/{image.pk}/?tag=puss")
    assert [name for name, _ in shown.context["tags"]] == ["night", "animal", "cat"]
    assert shown.context["walk"].title == "cat"


def test_the_name_of_a_tag_that_is_not_shown_leads_nowhere(client: Client) -> None:
    make_tagged("puss", is_public=False)
    settle(partial(tag_names.add_alias, "puss", "cat"))
    assert client.get("/tags/puss/").status_code == 404
    assert client.get("/tags/cat/").status_code == 404
    assert client.get("/tags/puss/feed.atom").status_code == 404
