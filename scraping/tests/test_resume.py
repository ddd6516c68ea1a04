"""Crawls whose child is killed in the middle go on from there."""

import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from gallery.models import Image
from imagineer.jobs import signals, states
from imagineer.jobs.models import Status
from imagineer.jobs.runner import execute
from scraping import crawl_folder, take_picture
from scraping.models import CrawlTarget
from scraping.tests.factories import crawl, fresh, job_of, reasons, start
from scraping.tests.large_site import check_nothing_twice, files, fill
from scraping.tests.site import Site

pytestmark = pytest.mark.django_db


def child() -> psutil.Process | None:
    for process in psutil.Process().children(recursive=True):
        if "scraping.crawl_process" in " ".join(process.cmdline()):
            return process
    return None


def kill_at(site: Site, moments: list[int], killed: list[int]) -> threading.Thread:
    """Kill the child when the site has been asked so often; note when it was."""

    def kill() -> None:
        for moment in moments:
            deadline = time.monotonic() + 60
            while len(site.asked) < moment and time.monotonic() < deadline:
                time.sleep(0.002)
            while (process := child()) is None and time.monotonic() < deadline:
                time.sleep(0.002)
            if process is not None:
                os.kill(process.pid, signal.SIGKILL)
                process.wait(10)
                # The site has not yet read all that was sent to it.
                time.sleep(0.2)
                killed.append(len(site.asked))

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_child_killed_at_random_moments_fetches_nothing_twice_but_what_was_on_its_way(
    site: Site, seed: int
) -> None:
    fill(site)
    large, tiny = files()
    moments = sorted(random.Random(seed).sample(range(3, 90), 2))
    scrape = start(f"{site.url}/", depth=5)
    killed: list[int] = []
    thread = kill_at(site, moments, killed)
    execute(scrape.job_id)
    thread.join()
    scrape = fresh(scrape)
    assert job_of(scrape).status == Status.COMPLETED
    assert len(killed) == 2
    check_nothing_twice(site, killed)
    assert (scrape.pages, scrape.errors) == (24, 0)
    assert (scrape.imported, scrape.filtered, scrape.duplicate) == (large, tiny, 0)
    assert (scrape.discovered, scrape.downloaded) == (large + tiny, large + tiny)
    assert scrape.scraped_images.count() == Image.objects.count() == large
    assert set(reasons(scrape).values()) == {"small"}
    assert not crawl_folder.path_of(scrape.pk).exists()


class Killed(BaseException):
    """The end of the job's process, for what can be seen from within one process."""


@pytest.mark.parametrize(("function", "left"), [("record", 5), ("refuse", 1), ("add_counts", 6)])
def test_a_job_killed_while_it_writes_settles_the_spool_first(
    site: Site, monkeypatch: Any, function: str, left: int
) -> None:
    fill(site, pages=4, slowness=0)
    scrape = start(f"{site.url}/", depth=5)
    real = getattr(take_picture, function)

    def die(*args: Any, **kwargs: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            # The child has long fetched everything, and is killed with the job.
            time.sleep(1.5)
            raise Killed
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(f"scraping.take_picture.{function}", die)
        if function != "record":
            patch.setattr(f"scraping.crawl_events.{function}", die)
        with pytest.raises(Killed):
            execute(scrape.job_id)
    asked = len(site.asked)
    assert crawl_folder.path_of(scrape.pk).exists(), "it is needed by the next attempt"
    states.died(scrape.job_id, job_of(scrape).claim)
    execute(scrape.job_id)
    scrape = fresh(scrape)
    assert job_of(scrape).status == Status.COMPLETED
    again = [path for path in site.asked[asked:] if path != "/robots.txt"]
    assert again == [], "all was fetched before"
    assert (scrape.imported, scrape.filtered, scrape.duplicate) == (12, 2, 0)
    assert (scrape.pages, scrape.discovered, scrape.downloaded) == (4, 14, 14)


def test_a_worker_that_is_stopped_lays_the_crawl_down_and_goes_on_later(site: Site) -> None:
    fill(site)
    large, tiny = files()
    scrape = start(f"{site.url}/", depth=5)

    def stop() -> None:
        while len(site.asked) < 20:
            time.sleep(0.01)
        signals.flags.stopped = True

    thread = threading.Thread(target=stop)
    thread.start()
    assert execute(scrape.job_id) == Status.QUEUED
    thread.join()
    stopped_after = len(site.asked)
    assert scrape.targets.get().state == CrawlTarget.State.RUNNING
    assert execute(scrape.job_id) == Status.COMPLETED
    check_nothing_twice(site, [stopped_after])
    assert (fresh(scrape).imported, fresh(scrape).filtered) == (large, tiny)


def test_pages_that_could_not_be_read_are_counted_once_over_restarts(site: Site) -> None:
    links = "".join(f'<a href="/gone{n}">n</a>' for n in range(4))
    site.page("/", f'{links}<a href="/slow"></a><img src="1.png">')
    site.picture("/1.png", 1)
    site.slow("/slow", 3)
    scrape = start(f"{site.url}/")
    killed: list[int] = []
    thread = kill_at(site, [8], killed)
    execute(scrape.job_id)
    thread.join()
    assert killed
    scrape = fresh(scrape)
    assert (scrape.pages, scrape.imported) == (1, 1)
    assert scrape.errors == 4, "those that are not there; the slow one is no page"
    assert scrape.targets.get().errors == scrape.errors


def test_what_was_wrong_with_the_start_is_known_after_a_kill(site: Site) -> None:
    """The job is killed as it is told so; then there is nothing left to fetch."""
    scrape = start(f"{site.url}/gone")

    def die(*args: Any, **kwargs: Any) -> Any:
        time.sleep(1)
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scraping.crawl_events._trouble", die)
        with pytest.raises(Killed):
            execute(scrape.job_id)
    states.died(scrape.job_id, job_of(scrape).claim)
    execute(scrape.job_id)
    assert job_of(scrape).status == Status.FAILED
    assert "404" in job_of(scrape).error
    assert fresh(scrape).errors == 1
    assert site.asked.count("/gone") == 1


def test_a_retry_of_a_crawl_that_was_cancelled_reads_the_pages_again(site: Site) -> None:
    site.page("/", '<img src="1.png"><img src="slow.png">')
    site.picture("/1.png", 1)
    site.slow("/slow.png", 5)
    scrape = start(site.url)

    def cancel() -> None:
        while "/slow.png" not in site.asked:
            time.sleep(0.01)
        time.sleep(1)
        signals.flags.cancelled = True

    thread = threading.Thread(target=cancel)
    thread.start()
    assert execute(scrape.job_id) == Status.CANCELLED
    thread.join()
    target = scrape.targets.get()
    assert (target.state, target.ended_because) == ("stopped", "The crawl was cancelled.")
    site.picture("/slow.png", 2)
    assert states.retry(job_of(scrape))
    assert execute(scrape.job_id) == Status.COMPLETED
    assert fresh(scrape).imported == 2
    assert site.asked.count("/1.png") == 1


def test_folders_of_crawls_that_have_ended_are_swept_and_others_are_kept(site: Site) -> None:
    site.page("/", "nothing")
    over, waiting = crawl(site.url, "Over"), start(site.url, "Waiting")
    for number in (over.pk, waiting.pk, 999_999):
        crawl_folder.path_of(number).mkdir(parents=True)
    other = crawl_folder.path_of(0).with_name("uploads")
    other.mkdir(exist_ok=True)
    crawl_folder.sweep()
    assert not crawl_folder.path_of(over.pk).exists()
    assert not crawl_folder.path_of(999_999).exists()
    assert crawl_folder.path_of(waiting.pk).exists()
    assert other.exists()
    crawl_folder.remove(waiting.pk)


def test_the_clock_goes_on_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "seconds").write_text("120.5")
    assert 120.5 <= crawl_folder.Clock(tmp_path).seconds() < 130
    assert float((tmp_path / "seconds").read_text()) >= 120.5
    (tmp_path / "seconds").write_text("torn")
    assert crawl_folder.Clock(tmp_path).seconds() < 10
