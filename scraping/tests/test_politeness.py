"""Crawls of sites that ask for something: time, silence, or to be left out of training."""

import itertools
import re
import time
from typing import Any, cast

import pytest

from imagineer.jobs.models import Status
from imagineer.jobs.runner import execute
from imagineer.tests.rows import make_row
from scraping.models import Source
from scraping.options import checked
from scraping.runs import Asked, start_crawl
from scraping.tests.factories import crawl, fresh, job_of, reasons, start
from scraping.tests.site import OTHER_PUBLIC, Answer, Site

pytestmark = pytest.mark.django_db


class Timed:
    """Notes when each of a site's paths is asked for."""

    def __init__(self, *sites: Site) -> None:
        self.moments: list[float] = []
        for site in sites:
            for path, answer in list(site.answers.items()):
                site.answers[path] = self._noting(answer)

    def _noting(self, answer: Any) -> Any:
        def told() -> Answer:
            self.moments.append(time.monotonic())
            made: Answer = answer
            return made

        return told

    def gaps(self) -> list[float]:
        return [later - earlier for earlier, later in itertools.pairwise(sorted(self.moments))]


def gallery_of(site: Site, numbers: range) -> None:
    site.page("/", "".join(f'<img src="/{n}.png">' for n in numbers))
    for number in numbers:
        site.picture(f"/{number}.png", number)


def test_a_crawl_delay_is_kept(site: Site) -> None:
    gallery_of(site, range(3))
    site.put("/robots.txt", "User-agent: *\nCrawl-delay: 0.5\n", "text/plain")
    timed = Timed(site)
    scrape = crawl(f"{site.url}/")
    assert scrape.imported == 3
    assert len(timed.moments) == 5
    assert min(timed.gaps()) > 0.4


def test_only_the_crawl_delay_that_is_meant_for_us_counts(site: Site) -> None:
    gallery_of(site, range(3))
    rules = "User-agent: otherbot\nCrawl-delay: 100\n\nUser-agent: *\nDisallow: /none\n"
    site.put("/robots.txt", rules, "text/plain")
    assert crawl(f"{site.url}/").imported == 3


def test_robots_txt_is_not_asked_for_if_it_is_not_obeyed(site: Site) -> None:
    gallery_of(site, range(1))
    site.put("/robots.txt", "User-agent: *\nDisallow: /\n", "text/plain")
    scrape = crawl(f"{site.url}/", obey_robots=False)
    assert scrape.imported == 1
    assert "/robots.txt" not in site.asked


def test_a_source_s_requests_a_minute_count_over_all_its_hosts_and_addresses(site: Site) -> None:
    gallery_of(site, range(2))
    with Site(OTHER_PUBLIC) as other:
        site.page("/more", f'<img src="{other.url}/20.png"><img src="{other.url}/21.png">')
        other.picture("/20.png", 20)
        other.picture("/21.png", 21)
        timed = Timed(site, other)
        source = make_row(
            Source, base_url=f"{site.url}/", enabled=True, rate_limit=150, kind="pages",
            max_images=100,
        )  # fmt: skip
        asked = [Asked(f"{site.url}/", source=source), Asked(f"{site.url}/more", source=source)]
        options = checked({"min_width": 48, "min_height": 48, "depth": 0, "obey_robots": False})
        scrape = start_crawl(asked, "Boats", options)
        execute(scrape.job_id)
    assert fresh(scrape).imported == 4
    assert len(timed.moments) == 6
    # 150 a minute are one in 0.4 s.
    assert min(timed.gaps()) > 0.3


def test_the_pause_between_requests_to_a_host_holds_for_all_addresses(
    site: Site, settings: Any
) -> None:
    settings.SCRAPE_DELAY = 0.3
    for number in range(4):
        site.page(f"/{number}/", "nothing")
    timed = Timed(site)
    asked = [Asked(f"{site.url}/{number}/") for number in range(4)]
    scrape = start_crawl(asked, "Boats", checked({"depth": 0, "obey_robots": False}))
    execute(scrape.job_id)
    assert fresh(scrape).pages == 4
    assert min(timed.gaps()) > 0.2


def test_the_crawler_says_who_runs_it(site: Site, settings: Any) -> None:
    settings.SCRAPE_CONTACT = "https://example.org/crawler"
    gallery_of(site, range(1))
    crawl(f"{site.url}/")
    assert site.agents == {
        "Imagineer/0.1 (self-hosted image collector; +https://example.org/crawler)"
    }


@pytest.mark.parametrize("contact", ["", "someone@example.org"])
def test_an_admin_is_told_that_no_contact_is_given(site: Site, settings: Any, contact: str) -> None:
    settings.SCRAPE_CONTACT = contact
    gallery_of(site, range(1))
    lines = job_of(crawl(f"{site.url}/")).log_lines.all()
    assert any("SCRAPE_CONTACT is not set" in line.text for line in lines) is not bool(contact)


# --- Busy servers --------------------------------------------------------------------------------


def busy(site: Site, path: str, status: int, times: int, said: str | None) -> list[float]:
    """The path answers so, so often; then as it did. When it was asked."""
    whole = cast(Any, site.answers[path])
    moments: list[float] = []

    def answer() -> Answer:
        moments.append(time.monotonic())
        if len(moments) > times:
            made: Answer = whole() if callable(whole) else whole
            return made
        return status, {"Retry-After": said} if said is not None else {}, b"Busy"

    site.answers[path] = answer
    return moments


def slowly(site: Site) -> None:
    """Pictures come after a moment, so that others stand in line meanwhile."""

    def after_a_moment(answer: Any) -> Any:
        def told() -> Answer:
            time.sleep(0.3)
            made: Answer = answer() if callable(answer) else answer
            return made

        return told

    for path, answer in list(site.answers.items()):
        if path.endswith(".png"):
            site.answers[path] = after_a_moment(answer)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_left_alone_as_long_as_it_asks(site: Site, status: int) -> None:
    gallery_of(site, range(2))
    page = busy(site, "/", status, 1, "2")
    scrape = crawl(f"{site.url}/")
    assert scrape.imported == 2
    assert len(page) == 2
    assert page[1] - page[0] > 1.9
    words = [line.text for line in job_of(scrape).log_lines.all()]
    assert any("is busy; asking it nothing for 2 s" in text for text in words)


def test_a_busy_picture_is_tried_a_few_times_and_then_refused(site: Site) -> None:
    gallery_of(site, range(2))
    moments = busy(site, "/1.png", 503, 100, "0")
    scrape = crawl(f"{site.url}/")
    assert reasons(scrape) == {"/1.png": "unreachable"}
    assert len(moments) == 4
    assert scrape.imported == 1


def test_a_server_that_asks_for_hours_is_not_waited_for(site: Site) -> None:
    gallery_of(site, range(1))
    moments = busy(site, "/", 429, 100, "Fri, 01 Jan 2100 00:00:00 GMT")
    began = time.monotonic()
    scrape = crawl(f"{site.url}/")
    assert job_of(scrape).status == Status.FAILED
    assert re.search(r"is busy and asks to be left alone for \d+ days\.", job_of(scrape).error)
    assert len(moments) == 1
    assert time.monotonic() - began < 60


def test_what_stands_in_line_when_a_server_asks_for_a_pause_waits_too(site: Site) -> None:
    gallery_of(site, range(12))
    timed = Timed(site)
    slowly(site)
    pause = busy(site, "/0.png", 503, 1, "2")
    scrape = crawl(f"{site.url}/", obey_robots=False)
    assert scrape.imported == 12
    # What was on its way already is answered.
    after = [moment for moment in timed.moments if moment > pause[0] + 1]
    assert len(after) >= 7
    assert min(after) - pause[0] > 1.9


def test_a_host_that_asks_for_an_hour_is_asked_nothing_more(site: Site) -> None:
    with Site(OTHER_PUBLIC) as other:
        site.page("/", "".join(f'<img src="{other.url}/{n}.png">' for n in range(12)))
        for number in range(1, 12):
            other.picture(f"/{number}.png", number)
        other.picture("/0.png", 0)
        slowly(other)
        busy(other, "/0.png", 429, 100, "3600")
        scrape = crawl(f"{site.url}/", obey_robots=False)
        assert len(other.asked) <= 5, "only what was on its way already"
        assert set(reasons(scrape).values()) == {"unreachable"}
        details = {refused.detail for refused in scrape.refused_images.all()}
        host = other.url.removeprefix("http://")
        assert f"{host} is busy and asks to be left alone for 60 minutes." in details
    assert scrape.targets.get().state == "finished"


# --- Sites that do not want it -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "header"),
    [
        ('<meta name="robots" content="noai, noimageai">', None),
        ('<meta name="imagineer" content="noimageai">', None),
        ("", "noai"),
        ("", "otherbot: noindex, imagineer: noimageai"),
    ],
)
def test_a_page_that_keeps_itself_from_training_gives_no_pictures(
    site: Site, html: str, header: str | None
) -> None:
    site.page("/", f'<head>{html}</head><img src="1.png"><a href="/fine">x</a>')
    site.page("/fine", '<img src="2.png">')
    site.picture("/2.png", 2)
    if header:
        status, headers, body = site.answers["/"]  # type: ignore[misc]
        site.answers["/"] = (status, headers | {"X-Robots-Tag": header}, body)
    scrape = crawl(f"{site.url}/")
    assert reasons(scrape) == {"/1.png": "noai"}
    assert "/1.png" not in site.asked
    assert (scrape.discovered, scrape.filtered, scrape.imported) == (2, 1, 1)


def test_a_picture_that_says_so_itself_is_refused(site: Site) -> None:
    gallery_of(site, range(2))
    data = site.answers["/1.png"][2]  # type: ignore[index]
    headers = {"Content-Type": "image/png", "X-Robots-Tag": "noimageai"}
    site.answers["/1.png"] = (200, headers, data)
    scrape = crawl(f"{site.url}/")
    assert reasons(scrape) == {"/1.png": "noai"}
    assert scrape.imported == 1


def test_who_does_not_heed_it_takes_them(site: Site) -> None:
    site.page("/", '<head><meta name="robots" content="noai"></head><img src="1.png">')
    data = site.picture("/1.png", 1)
    headers = {"Content-Type": "image/png", "X-Robots-Tag": "noai"}
    site.answers["/1.png"] = (200, headers, data)
    assert crawl(f"{site.url}/", respect_noai=False).imported == 1


CHALLENGE = (
    "<title>Just a moment...</title>"
    '<script src="/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1"></script>'
)


def test_a_site_that_lets_in_only_people_fails_with_a_sentence(site: Site) -> None:
    headers = {"Content-Type": "text/html", "cf-mitigated": "challenge"}
    site.answers["/"] = (403, headers, CHALLENGE.encode())
    scrape = crawl(f"{site.url}/", obey_robots=False)
    assert job_of(scrape).status == Status.FAILED
    assert job_of(scrape).error == (
        "127.0.0.2 lets in only people (with Cloudflare); crawls do not get around that."
    )
    assert site.asked == ["/"], "it is not tried again"
    assert scrape.targets.get().state == "failed"


def test_a_challenge_in_the_middle_keeps_what_was_taken_and_other_addresses(site: Site) -> None:
    site.page("/", '<img src="1.png"><a href="/wall">x</a>')
    site.picture("/1.png", 1)
    site.put("/wall", CHALLENGE, status=503)
    with Site(OTHER_PUBLIC) as other:
        gallery_of(other, range(20, 22))
        asked = [Asked(f"{site.url}/"), Asked(f"{other.url}/")]
        options = checked({"min_width": 48, "min_height": 48, "depth": 1})
        scrape = start_crawl(asked, "Boats", options)
        execute(scrape.job_id)
    first, second = scrape.targets.all()
    assert job_of(scrape).status == Status.COMPLETED
    assert (first.state, first.imported, first.pages) == ("failed", 1, 1)
    assert "(with Cloudflare)" in first.ended_because
    assert (second.state, second.imported) == ("finished", 2)


def test_a_challenge_for_a_picture_elsewhere_refuses_that_picture(site: Site) -> None:
    with Site(OTHER_PUBLIC) as other:
        site.page("/", f'<img src="{other.url}/1.png"><img src="/2.png">')
        site.picture("/2.png", 2)
        other.put("/1.png", CHALLENGE, status=403)
        scrape = start(f"{site.url}/")
        execute(scrape.job_id)
    scrape = fresh(scrape)
    assert reasons(scrape) == {"/1.png": "status"}
    assert scrape.imported == 1
