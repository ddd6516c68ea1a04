"""Sources are crawled when their time has come: once, and not while they are being crawled."""

import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from gallery.tests.factories import make_admin, make_album
from imagineer.jobs import registry
from imagineer.jobs.models import Job, Status
from imagineer.problems import Problem
from imagineer.tests.rows import make_row
from scraping import sources
from scraping.models import ScrapeJob, Source
from scraping.scheduled_crawls import start_due

pytestmark = pytest.mark.django_db


def source(**columns: Any) -> Source:
    known = {
        "name": f"Source {Source.objects.count()}", "enabled": True, "schedule": "0 3 * * *",
        "base_url": "https://example.org/boats/", "max_images": 70, "render_javascript": "off",
        "kind": "pages", "rate_limit": 60, "options": {"depth": 2}, "mapping": {},
    }  # fmt: skip
    made: Source = make_row(Source, **{**known, **columns})
    return made


def make_due(source: Source, ago: timedelta = timedelta(minutes=1)) -> None:
    Source.objects.filter(pk=source.pk).update(next_crawl_at=timezone.now() - ago)


def next_of(source: Source) -> datetime:
    planned = Source.objects.get(pk=source.pk).next_crawl_at
    assert planned is not None
    return planned


def end_all(status: str = Status.COMPLETED) -> None:
    Job.objects.update(status=status)


def test_a_schedule_plans_the_next_crawl_and_its_end_takes_it_away(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    made = source(schedule="30 3 * * *")
    planned = timezone.localtime(next_of(made))
    assert (planned.hour, planned.minute) == (3, 30)
    assert timezone.now() < planned <= timezone.now() + timedelta(hours=25)
    assert made.schedule_in_words == "every day at 03:30"
    made.enabled = False
    made.save(update_fields=["enabled"])
    made.refresh_from_db()
    assert made.next_crawl_at is None


def test_another_change_leaves_what_is_due(settings: Any) -> None:
    made = source()
    make_due(made)
    read = Source.objects.get(pk=made.pk)
    read.name = "Ships"
    read.save()
    assert next_of(made) < timezone.now()
    read.schedule = "0 4 * * *"
    read.save()
    assert next_of(made) > timezone.now()


def test_a_schedule_that_is_none_is_refused_with_a_sentence() -> None:
    made = source(schedule="")
    with pytest.raises(Problem, match="five fields"):
        sources.change(made, {"schedule": "soon"})
    with pytest.raises(Problem, match="every 10 minutes"):
        sources.change(made, {"schedule": "* * * * *"})
    sources.change(made, {"schedule": " 0  3 * * *"})
    assert Source.objects.get().schedule == "0 3 * * *"
    assert next_of(made) > timezone.now()
    sources.change(made, {"schedule": " "})
    assert Source.objects.get().next_crawl_at is None


def test_sources_that_are_switched_on_are_planned() -> None:
    made = source(enabled=False)
    assert made.next_crawl_at is None
    assert sources.switch([made], enabled=True) == 1
    assert next_of(made) > timezone.now()


def test_its_page_and_the_list_say_when_in_words(admin_client: Client) -> None:
    made = source(schedule="0 3 * * 1")
    page = admin_client.get(made.get_absolute_url()).content.decode()
    assert "Crawled every Monday at 03:00; next" in page
    assert "in " in admin_client.get(reverse("admin:scraping_source_changelist")).content.decode()


def test_the_api_takes_a_schedule_and_tells_the_next_time(admin_client: Client) -> None:
    asked = {"name": "Boats", "base_url": "https://example.org/", "schedule": "0 3 * * *"}
    created = admin_client.post(
        "/api/scraping/sources", json.dumps(asked), content_type="application/json"
    )
    assert created.status_code == 201
    told = created.json()
    assert (told["schedule"], told["schedule_in_words"]) == ("0 3 * * *", "every day at 03:00")
    assert datetime.fromisoformat(told["next_crawl_at"]) == next_of(Source.objects.get())
    refused = admin_client.post(
        "/api/scraping/sources",
        json.dumps(asked | {"name": "x", "schedule": "soon"}),
        content_type="application/json",
    )
    assert refused.status_code == 422
    assert refused.json()["error"]["field"] == "schedule"


def test_nothing_starts_before_its_time_or_without_one() -> None:
    source()
    source(schedule="")
    make_due(source(enabled=False))
    assert start_due() == []
    assert not ScrapeJob.objects.exists()


def test_what_is_due_starts_once_with_the_sources_own_choices() -> None:
    admin = make_admin()
    made = source(created_by=admin)
    # The machine was off for a week: that is one crawl.
    make_due(made, timedelta(days=7))
    (scrape,) = start_due()
    assert (scrape.url, scrape.album_name) == (made.base_url, "Scraped example.org")
    assert (scrape.chosen.only_new, scrape.chosen.depth, scrape.chosen.max_images) == (True, 2, 70)
    assert (scrape.created_by, scrape.job.status) == (admin, Status.QUEUED)
    assert scrape.targets.get().source == made
    assert next_of(made) > timezone.now()
    end_all()
    assert start_due() == []


def test_it_goes_into_the_album_of_the_crawl_before_while_that_is_there() -> None:
    made, album = source(), make_album("My boats")
    make_due(made)
    (first,) = start_due()
    assert first.album is None
    ScrapeJob.objects.filter(pk=first.pk).update(album=album)
    end_all()
    make_due(made)
    (second,) = start_due()
    assert (second.album, second.album_name) == (album, "My boats")
    end_all()
    album.delete()
    make_due(made)
    (third,) = start_due()
    assert (third.album, third.album_name) == (None, "Scraped example.org")


def test_it_goes_into_no_album_where_the_source_wants_none() -> None:
    made, album = source(), make_album("My boats")
    make_due(made)
    (first,) = start_due()
    ScrapeJob.objects.filter(pk=first.pk).update(album=album)
    end_all()
    sources.change(made, {"options": {"auto_create_album": False}})
    make_due(made)
    (second,) = start_due()
    assert (second.album, second.album_name) == (None, "")


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING])
def test_a_time_passes_while_the_former_crawl_goes_on(status: str) -> None:
    made = source()
    make_due(made)
    start_due()
    end_all(status)
    make_due(made)
    assert start_due() == []
    assert next_of(made) > timezone.now()
    end_all(Status.FAILED)
    make_due(made)
    assert len(start_due()) == 1


def test_one_that_cannot_be_started_is_logged_and_holds_up_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bad, good = source(base_url="http://10.0.0.1/"), source(base_url="https://example.com/")
    make_due(bad, timedelta(hours=2))
    make_due(good)
    with caplog.at_level(logging.WARNING, "scraping.scheduled_crawls"):
        (started,) = start_due()
    assert started.url == good.base_url
    assert "private address" in caplog.text
    assert ScrapeJob.objects.count() == Job.objects.count() == 1
    assert next_of(bad) > timezone.now()


def test_it_is_called_by_workers() -> None:
    make_due(source())
    registry.upkeep()
    assert ScrapeJob.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_several_processes_at_once_one_starts_it() -> None:
    for number in range(5):
        make_due(source(base_url=f"https://{number}.example.org/"))

    def in_a_thread(call: Callable[[], list[ScrapeJob]]) -> int:
        try:
            return len(call())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        started = list(pool.map(in_a_thread, [start_due] * 6))
    assert sum(started) == 5
    assert ScrapeJob.objects.count() == 5
    assert sorted(ScrapeJob.objects.values_list("targets__source", flat=True)) == sorted(
        Source.objects.values_list("pk", flat=True)
    )


def test_times_are_those_of_the_installation(settings: Any) -> None:
    settings.TIME_ZONE = "America/New_York"
    made = source(schedule="0 3 * * *")
    found = made.time_after(datetime(2026, 7, 1, 12, tzinfo=UTC))
    assert found == datetime(2026, 7, 2, 7, tzinfo=UTC)
