from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from imagineer.jobs.models import Job, JobLog, Status
from imagineer.jobs.tests.factories import make_job

pytestmark = pytest.mark.django_db


def url(name: str, job: Job) -> str:
    return reverse(f"admin:jobs_job_{name}", args=[job.pk])


def log(job: Job, *texts: str) -> None:
    JobLog.objects.bulk_create(
        JobLog(job=job, seq=number, text=text) for number, text in enumerate(texts, start=1)
    )


def test_it_shows_a_running_job(admin_client: Client) -> None:
    started = timezone.now() - timedelta(seconds=30)
    job = make_job(
        Status.RUNNING, progress_done=3, progress_total=12, message="3 of 12 drawn",
        started_at=started,
    )  # fmt: skip
    log(job, "Drew <aries>.")
    page = admin_client.get(url("change", job)).content.decode()
    assert "3 of 12 drawn" in page
    assert "left" in page
    assert "Drew &lt;aries&gt;." in page
    assert ">Cancel<" in page
    assert ">Retry<" not in page


def test_it_shows_why_a_job_failed_and_offers_to_retry(admin_client: Client) -> None:
    job = make_job(Status.FAILED, error="The site refuses crawlers.")
    page = admin_client.get(url("change", job)).content.decode()
    assert "The site refuses crawlers." in page
    assert ">Retry<" in page
    assert ">Cancel<" not in page


def test_it_says_what_a_queued_job_waits_for(admin_client: Client) -> None:
    first = make_job(title="The first one")
    second = make_job()
    second.after.add(first)
    assert "The first one" in admin_client.get(url("change", second)).content.decode()


def test_it_cancels(admin_client: Client) -> None:
    job = make_job(Status.QUEUED)
    response = admin_client.post(url("cancel", job))
    assert response["Location"] == url("change", job)
    job.refresh_from_db()
    assert job.status == Status.CANCELLED


def test_it_retries(admin_client: Client) -> None:
    job = make_job(Status.FAILED, error="no")
    admin_client.post(url("retry", job))
    job.refresh_from_db()
    assert (job.status, job.error) == (Status.QUEUED, "")


@pytest.mark.parametrize("name", ["cancel", "retry"])
def test_it_changes_nothing_by_get(admin_client: Client, name: str) -> None:
    job = make_job(Status.QUEUED if name == "cancel" else Status.FAILED)
    assert admin_client.get(url(name, job)).status_code == 405
    before = job.status
    job.refresh_from_db()
    assert job.status == before


def test_it_returns_to_the_page_the_button_was_on(admin_client: Client) -> None:
    home = reverse("admin:index")
    response = admin_client.post(url("cancel", make_job()), {"next": home})
    assert response["Location"] == home


def test_it_never_returns_to_another_site(admin_client: Client) -> None:
    job = make_job()
    response = admin_client.post(url("cancel", job), {"next": "https://example.com/"})
    assert response["Location"] == url("change", job)


def test_it_is_not_edited(admin_client: Client) -> None:
    job = make_job(Status.COMPLETED)
    assert admin_client.post(url("change", job), {"title": "Other"}).status_code == 405


def test_its_parts_carry_only_new_log_lines(admin_client: Client) -> None:
    job = make_job(Status.RUNNING, progress_total=2, started_at=timezone.now())
    log(job, "one", "two", "three")
    told = admin_client.get(url("live", job), {"after": "1"}).json()
    assert [line["text"] for line in told["log"]] == ["two", "three"]
    assert told["ended"] is False
    assert "Running" in told["head"]


@pytest.mark.parametrize("after", ["", "x", "-5", "99999999999999999999"])
def test_its_parts_survive_a_strange_question(admin_client: Client, after: str) -> None:
    job = make_job(Status.COMPLETED)
    log(job, "one")
    assert admin_client.get(url("live", job), {"after": after}).status_code == 200


def test_its_log_downloads_whole(admin_client: Client) -> None:
    job = make_job(Status.COMPLETED)
    log(job, *(f"line {number}" for number in range(1200)))
    response = admin_client.get(url("log", job))
    text = response.content.decode()
    assert text.count("\n") == 1200
    assert "attachment" in response["Content-Disposition"]


def test_it_shows_the_end_of_a_long_log(admin_client: Client) -> None:
    job = make_job(Status.RUNNING, started_at=timezone.now())
    log(job, *(f"line {number:04}" for number in range(700)))
    page = admin_client.get(url("change", job)).content.decode()
    assert "line 0699" in page
    assert "line 0001" not in page


def test_many_are_cancelled_and_retried_from_the_list(admin_client: Client) -> None:
    queued, ended = make_job(Status.QUEUED), make_job(Status.COMPLETED)
    listing = reverse("admin:jobs_job_changelist")
    body = {"index": "0", "_selected_action": [str(queued.pk), str(ended.pk)]}
    answer = admin_client.post(listing, {**body, "action": "cancel_selected"}, follow=True)
    page = answer.content.decode()
    assert "1 job cancelled." in page
    assert "1 of them had ended already." in page
    answer = admin_client.post(listing, {**body, "action": "retry_selected"}, follow=True)
    assert "1 job queued again." in answer.content.decode()
    queued.refresh_from_db()
    assert queued.status == Status.QUEUED


def test_a_job_that_is_not_there_is_a_404(admin_client: Client) -> None:
    gone = Job(title="gone")
    for name in ("live", "log"):
        assert admin_client.get(url(name, gone)).status_code == 404
    for name in ("cancel", "retry"):
        assert admin_client.post(url(name, gone)).status_code == 404
