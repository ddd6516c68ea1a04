from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from gallery.tests.factories import make_row
from imagineer import console_warnings
from imagineer.console_warnings import Notice
from imagineer.jobs.models import Job, Status

pytestmark = pytest.mark.django_db


def make_job(status: Status, title: str, **values: Any) -> Job:
    return Job.objects.create(
        kind="generation.run", queue="gpu", status=status, title=title, **values
    )


def home(client: Client) -> str:
    return client.get(reverse("admin:index")).content.decode()


def test_an_empty_house_says_so(admin_client: Client) -> None:
    page = home(admin_client)
    assert "Nothing runs, nothing waits." in page
    assert "There are no pictures yet." in page


def test_it_shows_running_waiting_and_failed_jobs(admin_client: Client) -> None:
    now = timezone.now()
    make_job(Status.RUNNING, "Runs", progress_done=2, progress_total=5, started_at=now)
    make_job(Status.QUEUED, "Waits")
    make_job(Status.FAILED, "Failed one", error="The disk is full.", finished_at=now)
    make_job(Status.COMPLETED, "Done one", finished_at=now)
    page = home(admin_client)
    for text in ("Runs", "2 of 5", "1 waiting", "Waits", "Failed one", "The disk is full."):
        assert text in page
    assert "Done one" not in page
    assert 'aria-label="Cancel Runs"' in page
    assert 'aria-label="Retry Failed one"' in page


def test_old_failures_leave_by_themselves(admin_client: Client) -> None:
    make_job(Status.FAILED, "Long ago", finished_at=timezone.now() - timedelta(days=4))
    assert "Long ago" not in home(admin_client)


def test_it_counts_what_it_does_not_list(admin_client: Client) -> None:
    for number in range(20):
        make_job(Status.QUEUED, f"Waits {number}")
    page = home(admin_client)
    assert "20 waiting" in page
    assert "and 12 more" in page


def test_it_shows_the_newest_pictures(admin_client: Client) -> None:
    image = make_row()
    assert image.sharp_key in home(admin_client)


def test_its_living_part_is_the_same_as_on_the_page(admin_client: Client) -> None:
    make_job(Status.RUNNING, "Runs", started_at=timezone.now())
    told = admin_client.get(reverse("admin:live")).json()
    assert "Runs" in told["live"]
    assert "csrfmiddlewaretoken" in told["live"]
    assert "There are no pictures yet." in told["newest"]


@pytest.fixture
def only_these_checks(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    checks: list[Any] = []
    monkeypatch.setattr(console_warnings, "_checks", checks)
    console_warnings.forget()
    return checks


def test_serious_warnings_come_first(admin_client: Client, only_these_checks: list[Any]) -> None:
    only_these_checks += [
        lambda: [Notice("A small thing.", "Do this.")],
        lambda: [Notice("A serious thing.", "Do that.", is_serious=True)],
    ]
    page = home(admin_client)
    assert page.index("A serious thing.") < page.index("A small thing.")
    assert "Do that." in page


def test_a_broken_check_does_not_take_the_page_down(
    admin_client: Client, only_these_checks: list[Any]
) -> None:
    def breaks() -> list[Notice]:
        raise RuntimeError("broken")

    only_these_checks += [breaks, lambda: [Notice("Still told.", "Do this.")]]
    assert "Still told." in home(admin_client)


def texts(check: Any) -> str:
    return " ".join(f"{notice.text} {notice.remedy}" for notice in check())


def test_it_warns_of_sign_in_that_lets_nobody_in(settings: Any) -> None:
    settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET = "id", ""
    settings.ADMIN_EMAILS = frozenset()
    told = texts(console_warnings.sign_in)
    assert "ADMIN_EMAILS" in told
    assert "GOOGLE_CLIENT_SECRET" in told
    settings.GOOGLE_CLIENT_SECRET, settings.ADMIN_EMAILS = "secret", frozenset({"a@b.org"})
    assert texts(console_warnings.sign_in) == ""


def test_it_warns_of_a_missing_key(settings: Any) -> None:
    settings.ANTHROPIC_API_KEY = ""
    assert "Set ANTHROPIC_API_KEY" in texts(console_warnings.claude_key)
    settings.ANTHROPIC_API_KEY = "sk-test"
    assert texts(console_warnings.claude_key) == ""


def test_it_warns_of_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        total, used, free = 100 * 10**9, 99 * 10**9, 10**9

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    assert "1.0 GB of 100 GB left" in texts(console_warnings.disk)


def test_it_warns_of_a_queue_server_that_is_away() -> None:
    assert "The queue server does not answer" in texts(console_warnings.workers)


def test_it_warns_of_queues_without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    from imagineer.jobs import overview

    seen = overview.Overview(
        reachable=True, workers=(overview.SeenWorker("gpu@here", "gpu", "idle", None),)
    )
    monkeypatch.setattr(overview, "look", lambda: seen)
    told = texts(console_warnings.workers)
    assert "manage.py worker default" in told
    assert "manage.py worker crawl" in told
    assert "worker gpu" not in told
