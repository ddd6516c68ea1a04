import gzip
import os
import signal
import threading
import time

import psutil
import pytest

from gallery.models import Album, Image, Label
from gallery.tests.factories import make_admin, make_album, make_image
from gallery.tests.workers import CANCELLED_WITHIN
from imagineer.jobs import signals, states
from imagineer.jobs.models import Job, Status
from imagineer.jobs.runner import execute
from scraping import jobs
from scraping.models import ScrapeJob
from scraping.tests.factories import crawl, fresh, job_of, reasons, start
from scraping.tests.site import OTHER_PUBLIC, PRIVATE, Site

pytestmark = pytest.mark.django_db


def wait_until(happened, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if "scraping.crawl_process" in " ".join(child.cmdline())
    ]


def test_a_crawl_takes_pictures_with_their_words_and_makes_an_album(site):
    admin = make_admin()
    site.page("/", '<img src="a.png" alt="A red boat"><a href="/more">More</a>')
    site.page(
        "/more",
        """<figure><a href="/large.png"><img src="/small.png" alt="One"></a>
        <figcaption>By <b>the</b> sea</figcaption></figure>""",
    )
    site.picture("/a.png", 1)
    site.picture("/large.png", 2)
    scrape = crawl(f"{site.url}/", created_by=admin)
    assert job_of(scrape).status == Status.COMPLETED
    assert scrape.album.name == "Boats"
    assert scrape.album.source_type == Album.Source.SCRAPE
    assert scrape.album.created_by == admin
    first, second = scrape.album.images.order_by("pk")
    assert first.source_type == Image.Source.SCRAPED
    assert first.file.name.startswith(f"scraped/{scrape.pk}/a-")
    found = second.scraped_from.get()
    assert (found.page_url, found.image_url) == (f"{site.url}/more", f"{site.url}/large.png")
    assert (found.alt_text, found.caption_text) == ("One", "By the sea")
    assert found.texts == {"figcaption": "By the sea", "alt": "One", "page_title": "A page"}
    assert (found.found_by, found.position) == ("link", 0)
    texts = second.labels.filter(source=Label.Source.SCRAPER, kind=Label.Kind.CAPTION)
    assert sorted(texts.values_list("text", flat=True)) == ["By the sea", "One"]
    assert (scrape.pages, scrape.discovered, scrape.downloaded, scrape.imported) == (2, 2, 2, 2)
    assert "/small.png" not in site.asked
    assert job_of(scrape).result["imported"] == 2
    assert children() == []


def test_pictures_that_are_not_wanted_are_counted_with_their_reason(site, settings):
    settings.MAX_IMAGE_BYTES = 100_000
    site.page(
        "/",
        "".join(
            f'<img src="{name}">'
            for name in (
                "small.png", "cut.png", "text.png", "gone.png", "page.html", "vector.svg",
                "empty.png", "good.png", "large.png", "bomb.png",
            )
        ),
    )  # fmt: skip
    site.picture("/small.png", 1, 40, 200)
    site.put("/cut.png", site.picture("/good.png", 2)[:200], "image/png")
    site.put("/text.png", "Not a picture.", "image/png")
    site.page("/page.html", "A page")
    site.put("/empty.png", "", "image/png")
    site.put("/large.png", b"\x89PNG" + b"x" * 200_000, "image/png")
    bomb = gzip.compress(b"\0" * 20_000_000)
    headers = {"Content-Type": "image/png", "Content-Encoding": "gzip"}
    site.answers["/bomb.png"] = (200, headers, bomb)
    scrape = crawl(site.url)
    assert reasons(scrape) == {
        "/small.png": "small",
        "/cut.png": "damaged",
        "/text.png": "format",
        "/gone.png": "status",
        "/page.html": "format",
        "/empty.png": "damaged",
        "/large.png": "too_large",
        "/bomb.png": "too_large",
    }
    assert (scrape.discovered, scrape.filtered, scrape.imported) == (9, 8, 1)
    assert scrape.downloaded == 4
    assert "40 × 200 pixels" in scrape.refused_images.get(reason="small").detail


def test_a_larger_file_that_is_not_there_falls_back_to_the_smaller(site):
    site.page("/", '<a href="/file.jpg"><img src="s.png" srcset="l.png 2x"></a>')
    site.page("/file.jpg", "A page about the picture")
    site.picture("/s.png", 1)
    scrape = crawl(site.url)
    assert scrape.scraped_images.get().image_url.endswith("/s.png")
    assert (scrape.discovered, scrape.imported, scrape.filtered) == (1, 1, 0)


def test_exact_and_near_duplicates_are_refused(site):
    known = make_image(1, width=64, height=96)
    site.page("/", "".join(f'<img src="{n}.png">' for n in (1, 2, 3)) + '<img src="2.jpg">')
    site.picture("/1.png", 1)
    site.picture("/2.png", 2, 640, 960)
    site.put("/3.png", site.answers["/2.png"][2], "image/png")
    site.smaller_copy("/2.jpg", 2)
    scrape = crawl(site.url)
    assert (scrape.imported, scrape.duplicate, scrape.downloaded) == (1, 3, 4)
    assert sorted(reasons(scrape).values()) == ["exact", "exact", "near"]
    exact = scrape.refused_images.get(image_url=f"{site.url}/1.png")
    assert exact.same_as == known
    assert Image.objects.count() == 2


def test_robots_txt_is_obeyed(site):
    site.put("/robots.txt", "User-agent: Imagineer\nDisallow: /closed\n", "text/plain")
    site.page("/", '<a href="/closed/page">x</a><img src="/closed/1.png"><img src="/2.png">')
    site.picture("/2.png", 2)
    scrape = crawl(site.url)
    assert not any(path.startswith("/closed") for path in site.asked)
    assert reasons(scrape) == {"/closed/1.png": "robots"}
    assert scrape.imported == 1
    assert site.agents == {"Imagineer/0.1 (self-hosted image collector)"}


def test_a_start_that_robots_txt_closes_fails_with_a_sentence(site):
    site.put("/robots.txt", "User-agent: *\nDisallow: /\n", "text/plain")
    scrape = crawl(site.url)
    assert job_of(scrape).status == Status.FAILED
    assert "robots.txt of 127.0.0.2" in job_of(scrape).error


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("/circle", "redirects in a circle"),
        ("/data", "leads to application/zip"),
    ],
)
def test_a_start_that_cannot_be_read_fails_with_a_sentence(site, start, words):
    site.redirect("/circle", "/circle2")
    site.redirect("/circle2", "/circle")
    site.put("/data", b"PK", "application/zip")
    job = job_of(crawl(site.url + start))
    assert job.status == Status.FAILED
    assert words in job.error
    assert not Album.objects.exists()


def test_links_are_followed_as_deep_as_asked_and_on_the_same_site_only(site):
    with Site(OTHER_PUBLIC) as other:
        other.page("/", '<img src="/foreign.png">')
        other.picture("/hosted.png", 7)
        site.page(
            "/", f'<a href="/1">1</a><a href="{other.url}/">o</a><img src="{other.url}/hosted.png">'
        )
        for depth in (1, 2, 3):
            site.page(f"/{depth}", f'<img src="/{depth}.png"><a href="/{depth + 1}">deeper</a>')
            site.picture(f"/{depth}.png", depth)
        scrape = crawl(site.url, depth=2)
    assert scrape.imported == 3
    assert "/3" not in site.asked
    assert "/" not in other.asked, "pages of other sites are not read"
    assert "/hosted.png" in other.asked, "pictures may lie elsewhere"


def test_pages_and_pictures_are_limited(site):
    site.page("/", "".join(f'<a href="/{n}">n</a><img src="/{n}.png">' for n in range(1, 40)))
    for number in range(1, 40):
        site.page(f"/{number}", "nothing")
        site.picture(f"/{number}.png", number)
    scrape = crawl(site.url, max_images=3, max_pages=5)
    assert job_of(scrape).status == Status.COMPLETED
    assert scrape.imported == 3
    assert scrape.pages <= 5
    assert scrape.album.images.count() == 3


def test_private_addresses_are_out_of_reach_in_every_notation_and_by_redirect(site, tmp_path):
    (tmp_path / "x.png").write_bytes(site.picture("/unused.png", 1))
    with Site(PRIVATE) as private:
        private.picture("/x.png", 1)
        port = private.url.rpartition(":")[2]
        hosts = (
            "localhost", PRIVATE, "[::1]", f"[::ffff:{PRIVATE}]", "0.0.0.0", "2130706441", "127.9",
        )  # fmt: skip
        site.redirect("/redirect.png", f"{private.url}/x.png")
        site.redirect("/file.png", f"file://{tmp_path}/x.png")
        addresses = [f"http://{host}:{port}/{n}.png" for n, host in enumerate(hosts)]
        tags = [f'<img src="{one}">' for one in (*addresses, "/redirect.png", "/file.png")]
        site.page("/", "".join(tags))
        scrape = crawl(site.url)
        assert private.asked == []
    found = reasons(scrape)
    assert found.pop("/file.png") in ("unreachable", "status")
    assert set(found.values()) == {"private"}
    assert len(found) == len(hosts) + 1
    assert (scrape.imported, scrape.discovered) == (0, len(hosts) + 2)


def test_a_name_taken_meanwhile_gets_a_number(site):
    site.page("/", '<img src="1.png">')
    site.picture("/1.png", 1)
    scrape = start(site.url)
    make_album("Boats")
    execute(scrape.job_id)
    assert fresh(scrape).album.name == "Boats (2)"


def test_a_cancel_takes_effect_in_seconds_and_keeps_what_was_taken(site, settings, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    site.page("/", '<img src="1.png"><img src="slow.png">')
    site.picture("/1.png", 1)
    site.slow("/slow.png")
    scrape = start(site.url)
    asked_at: list[float] = []
    told: dict[str, str] = {}

    def cancel_when_taken() -> None:
        wait_until(lambda: "/slow.png" in site.asked and "/1.png" in site.asked)
        time.sleep(1)
        told.update(children()[0].environ())
        asked_at.append(time.monotonic())
        signals.flags.cancelled = True

    thread = threading.Thread(target=cancel_when_taken)
    thread.start()
    execute(scrape.job_id)
    took = time.monotonic() - asked_at[0]
    thread.join()
    assert job_of(scrape).status == Status.CANCELLED
    assert took < CANCELLED_WITHIN
    assert fresh(scrape).imported == 1
    assert fresh(scrape).album.images.count() == 1
    assert children() == []
    assert not (settings.DATA_DIR / "spool" / f"scrape-{scrape.pk}").exists()
    assert "PATH" in told
    assert "ANTHROPIC_API_KEY" not in told, "the crawler is told no secrets"


def test_a_child_that_is_killed_is_started_again_and_counts_nothing_twice(site):
    site.page("/", '<img src="1.png"><img src="2.png"><img src="tiny.png"><img src="slow.png">')
    for number in (1, 2):
        site.picture(f"/{number}.png", number)
    site.picture("/tiny.png", 3, 8, 8)
    site.slow("/slow.png")
    scrape = start(site.url)

    def kill_once() -> None:
        wait_until(lambda: "/slow.png" in site.asked and "/tiny.png" in site.asked)
        time.sleep(1)
        site.picture("/slow.png", 4)
        os.kill(children()[0].pid, signal.SIGKILL)

    thread = threading.Thread(target=kill_once)
    thread.start()
    execute(scrape.job_id)
    thread.join()
    scrape = fresh(scrape)
    assert job_of(scrape).status == Status.COMPLETED
    assert (scrape.imported, scrape.filtered, scrape.downloaded) == (3, 1, 4)
    assert scrape.discovered == 4
    assert site.asked.count("/1.png") == 1, "what is settled is not fetched again"
    assert scrape.album.images.count() == 3


@pytest.mark.parametrize("reason", ["unreachable", "timeout"])
def test_a_retry_tries_again_what_only_the_network_refused(site, reason):
    site.page("/", '<img src="late.png"><img src="tiny.png">')
    site.put("/late.png", "Busy", "text/plain", 503)
    site.picture("/tiny.png", 3, 8, 8)
    scrape = crawl(site.url)
    assert reasons(scrape) == {"/late.png": "unreachable", "/tiny.png": "small"}
    scrape.refused_images.filter(reason="unreachable").update(reason=reason)
    again(scrape)
    assert (fresh(scrape).filtered, fresh(scrape).downloaded) == (2, 1)
    assert reasons(scrape) == {"/late.png": "unreachable", "/tiny.png": "small"}
    site.picture("/late.png", 1)
    again(scrape)
    scrape = fresh(scrape)
    assert (scrape.imported, scrape.filtered, scrape.downloaded) == (1, 1, 2)
    assert reasons(scrape) == {"/tiny.png": "small"}
    assert site.asked.count("/tiny.png") == 1, "what is settled is not fetched again"


def again(scrape: ScrapeJob) -> None:
    """Run the crawl once more, as a retry of a job that was cancelled does."""
    Job.objects.filter(pk=scrape.job_id).update(status=Status.CANCELLED)
    assert states.retry(job_of(scrape))
    execute(scrape.job_id)


def test_a_child_that_always_dies_fails_the_job(site, monkeypatch, settings):
    scrape = start(site.url)
    settings.SCRAPE_DELAY = "not a number"
    execute(scrape.job_id)
    assert job_of(scrape).status == Status.FAILED
    assert "died 3 times" in job_of(scrape).error
    assert any("Traceback" in line.text for line in job_of(scrape).log_lines.all())


@pytest.mark.parametrize("function", ["record", "refuse"])
def test_a_crawl_that_was_killed_goes_on_without_taking_anything_twice(site, monkeypatch, function):
    site.page("/", '<img src="1.png"><img src="2.png"><img src="tiny.png">')
    for number in (1, 2):
        site.picture(f"/{number}.png", number)
    site.picture("/tiny.png", 3, 8, 8)
    scrape = start(site.url)

    class Killed(BaseException):
        pass

    def die(*args: object, **kwargs: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(f"scraping.take_picture.{function}", die)
        with pytest.raises(Killed):
            execute(scrape.job_id)
    states.died(scrape.job_id, job_of(scrape).claim)
    execute(scrape.job_id)
    scrape = fresh(scrape)
    assert job_of(scrape).status == Status.COMPLETED
    assert (scrape.imported, scrape.filtered, scrape.duplicate) == (2, 1, 0)
    assert (scrape.downloaded, scrape.discovered) == (3, 3)
    assert scrape.album.images.count() == Image.objects.count() == 2
    assert Album.objects.count() == 1


def test_the_runner_polls_often_enough_to_stop_within_two_seconds():
    assert jobs.POLL_S <= 0.5
