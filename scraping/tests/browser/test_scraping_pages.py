"""The console's pages of scraping in a real browser: whole, open to everyone, and used."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from gallery.tests.browser.whole import PICTOGRAMS, RIGHT_TO_LEFT, UNBROKEN, assert_whole
from gallery.tests.browser.window import Visit, sign_in
from gallery.tests.factories import make_image
from imagineer.jobs.models import Job, JobLog, Status
from scraping.models import CrawlTarget, RefusedImage, ScrapedImage, ScrapeJob, Source
from scraping.options import NAMES
from scraping.runs import Asked, start_crawl
from scraping.source_presets import SOURCE_PRESETS
from scraping.tests.factories import make_source

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
START = "/admin/scraping/scrapejob/start/"
SOURCES = "/admin/scraping/source/"
LONG = f"https://example.org/{'a-very-long-path/' * 12}{'x' * 160}?page=7"


def many_sources() -> list[Source]:
    names = ["Boats", UNBROKEN[:100], RIGHT_TO_LEFT[:100].strip(), PICTOGRAMS[:60]]
    names += [f"Source {number:02}" for number in range(56)]
    return [
        make_source(
            name,
            base_url=f"https://site-{number}.example/{'x' * 200 * (number == 1)}",
            enabled=number % 7 != 6,
            rate_limit=6000,
            max_images=100_000,
            api_key="sesame" if number == 0 else "",
            lookup_url=f"https://site-{number}.example/?q={{name}}",
            mapping=SOURCE_PRESETS["flickr"].mapping if number == 0 else {},
            options={"depth": 1, "include": ["*/gallery/*"]} if number == 0 else {},
        )
        for number, name in enumerate(names)
    ]


def crawl(sources: list[Source], status: Status = Status.RUNNING) -> ScrapeJob:
    """One of three addresses and the sources, with pictures, refusals and a log."""
    asked = [Asked(LONG), Asked("https://a.example/"), *(Asked(source=one) for one in sources)]
    scrape = start_crawl(asked, f"{len(sources)} {UNBROKEN}")
    states = list(CrawlTarget.State.values)
    for number, target in enumerate(scrape.targets.all()):
        target.state = states[number % len(states)]
        target.ended_because = f"{LONG}: the server says 403 Forbidden." if number % 2 else ""
        target.pages, target.discovered, target.imported = 1234, 56_789, 12_345
        target.save()
    for number in range(8):
        image = make_image(number + 1)
        ScrapedImage.objects.create(scrape_job=scrape, image=image, page_url=LONG, image_url=LONG)
    for number in range(60):
        RefusedImage.objects.create(
            scrape_job=scrape, page_url=LONG, image_url=f"{LONG}&{number}", found_by="srcset",
            address_digest=f"{number:064}", reason=RefusedImage.Reason.values[number % 16],
            detail="8 × 8 pixels, less than 200 × 200.",
        )  # fmt: skip
    ScrapeJob.objects.filter(pk=scrape.pk).update(
        pages=1234, discovered=123_456, downloaded=99_999, filtered=60, imported=8, errors=3
    )
    for number in range(30):
        JobLog.objects.create(job=scrape.job, seq=number + 1, text=f"Took {LONG}{number}")
    Job.objects.filter(pk=scrape.job_id).update(
        status=status, progress_done=68, progress_total=123_456, started_at=timezone.now(),
        message=f"site-1.example and 2 more: 1234 pages read, 8 pictures taken {UNBROKEN}",
    )  # fmt: skip
    return scrape


def page_of(row: Any) -> str:
    return reverse(f"admin:scraping_{row._meta.model_name}_change", args=[row.pk])


def unfold(page: Page) -> None:
    folded = page.locator("main details:not(.filter-menu):not([open]) > summary")
    while folded.count():
        folded.first.click()


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_pages_are_whole_and_open_to_everyone(
    visit: Visit, admin_client: Client, size: str
) -> None:
    visitor = sign_in(visit(size), admin_client)
    for name, path in {"none-start": START, "none-sources": SOURCES}.items():
        assert_whole(visitor.open(path), name)
    sources = many_sources()
    running = crawl(sources[:3])
    failed = crawl(sources[:1], Status.FAILED)
    Job.objects.filter(pk=failed.job_id).update(error=f"No: {LONG}", finished_at=timezone.now())
    pages = {
        "start": START,
        "start-source": f"{START}?sources={sources[0].pk}&url={LONG}",
        "sources": SOURCES,
        "source": page_of(sources[0]),
        "new-source": f"{SOURCES}add/?preset=flickr",
        "crawls": "/admin/scraping/scrapejob/",
        "statistics": "/admin/scraping/scrapejob/statistics/",
        "running": page_of(running),
        "failed": f"{page_of(failed)}?reason=small",
    }
    for name, path in pages.items():
        page = visitor.open(path)
        unfold(page)
        assert_whole(page, name)
    Job.objects.update(status=Status.CANCELLED)


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_what_is_wrong_stands_at_its_field(visit: Visit, admin_client: Client, size: str) -> None:
    visitor = sign_in(visit(size), admin_client)
    page = visitor.open(START)
    page.get_by_role("textbox", name="Addresses").fill(
        f"https://a.example/\nhttp://127.0.0.1/{'x' * 300}"
    )
    page.locator("summary", has_text="Which pictures").click()
    page.get_by_label("Width at least").fill("0")
    page.get_by_role("button", name="Scrape").click()
    expect(page.locator(".field-urls .field-error")).to_contain_text("Line 2")
    # The folded group is open where something in it is wrong.
    expect(page.get_by_label("Width at least")).to_be_visible()
    assert_whole(page, "errors")
    assert ["422" in error for error in visitor.errors] == [True]
    visitor.errors.clear()
    visitor.open(f"{SOURCES}add/")
    page.get_by_label("Name", exact=True).fill("Boats")
    page.get_by_label("Address", exact=True).fill("https://boats.example/")
    page.locator("summary", has_text="Search and API").click()
    page.get_by_label("Mapping").fill('{"items": 1,}')
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".field-mapping .errorlist")).to_contain_text("line 1, column")
    assert_whole(page, "source errors")


def test_a_preset_fills_in_its_options_and_leaves_what_was_typed(
    visit: Visit, admin_client: Client
) -> None:
    page = sign_in(visit(), admin_client).open(START)
    page.get_by_role("textbox", name="Addresses").fill("https://a.example/\nhttps://b.example/")
    page.get_by_label("Name of the album").fill("Boats")
    page.get_by_label("Only pages like these").fill("*/boats/*")
    page.get_by_label("The whole site").check()
    expect(page.get_by_label("Links to follow")).to_have_value("10")
    expect(page.get_by_label("Also read what the site's sitemaps name")).to_be_checked()
    page.get_by_label("This page only").check()
    expect(page.get_by_label("Links to follow")).to_have_value("0")
    expect(page.get_by_label("Also read what the site's sitemaps name")).not_to_be_checked()
    expect(page.get_by_label("Only pages like these")).to_have_value("*/boats/*")
    expect(page.locator("[data-verb]")).to_have_text("Scrape a.example and 1 more")
    # One option changed by hand is a choice of one's own: the default is meant as such.
    page.get_by_label("Links to follow").fill("3")
    expect(page.get_by_label("As chosen below")).to_be_checked()
    page.locator("[data-verb]").click()
    expect(page.locator("#targets-title")).to_be_visible()
    scrape = ScrapeJob.objects.get()
    chosen = scrape.chosen
    assert (chosen.depth, chosen.follow_pagination, chosen.max_pages) == (3, False, 20)
    assert (chosen.include, scrape.album_name) == (("*/boats/*",), "Boats")


def test_the_form_works_without_javascript(visit: Visit, admin_client: Client) -> None:
    source = make_source()
    page = sign_in(visit(java_script_enabled=False), admin_client).open(SOURCES)
    page.get_by_role("link", name=re.compile("Crawl it.*Boats")).click()
    expect(page.get_by_label("Boats (boats.example)")).to_be_checked()
    page.get_by_label("A gallery").check()
    page.locator("summary", has_text="How politely").click()
    expect(page.get_by_label("Obey robots.txt")).to_be_checked()
    page.locator("[data-verb]").click()
    chosen = ScrapeJob.objects.get().chosen
    assert (chosen.depth, chosen.max_pages, chosen.obey_robots) == (1, 1000, True)
    assert ScrapeJob.objects.get().targets.get().source == source
    expect(page.locator(".state-queued").first).to_be_visible()


def test_a_crawl_s_page_follows_it_to_its_end(visit: Visit, admin_client: Client) -> None:
    scrape = start_crawl([Asked("https://a.example/")], "Boats")
    Job.objects.update(status=Status.RUNNING, started_at=timezone.now())
    page = sign_in(visit(), admin_client).open(page_of(scrape))
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    image = make_image(1)
    ScrapedImage.objects.create(scrape_job=scrape, image=image, page_url=LONG, image_url=LONG)
    ScrapeJob.objects.update(imported=41, errors=3)
    scrape.targets.update(state="running", imported=41)
    JobLog.objects.create(job=scrape.job, seq=1, text="Took https://a.example/1.png")
    expect(page.locator("[data-log]")).to_contain_text("Took https://a.example/1.png")
    expect(page.locator(".collect-counts")).to_contain_text("41Taken")
    expect(page.locator(".scrape-targets .state-running")).to_be_visible()
    expect(page.locator(".thumbs a")).to_have_count(1)
    RefusedImage.objects.create(
        scrape_job=scrape, page_url=LONG, image_url=LONG, reason="small", found_by="data"
    )
    scrape.targets.update(state="failed", ended_because="The site asks for a password.")
    Job.objects.update(status=Status.FAILED, error="The end.", finished_at=timezone.now())
    # At the end the whole page is loaded again, with what was not taken.
    expect(page.locator("#refused-title")).to_be_visible()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    expect(page.locator(".scrape-targets")).to_contain_text("asks for a password")


def test_every_option_can_be_reached_by_its_label(visit: Visit, admin_client: Client) -> None:
    page = sign_in(visit("phone"), admin_client).open(START)
    unfold(page)
    for name in NAMES:
        expect(page.locator(f"[name={name}]").first).to_be_visible()
