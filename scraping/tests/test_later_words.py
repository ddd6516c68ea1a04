"""A picture stands on several pages of a crawl: the best words count, whichever page has them."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from gallery.captions import best_caption
from gallery.models import Image, Label
from gallery.tests.factories import picture_file
from scraping import later_words
from scraping.crawl_config import Sighting
from scraping.crawl_events import Work
from scraping.models import CrawlTarget, ScrapeJob, Source
from scraping.options import checked
from scraping.runs import Asked, start_crawl
from scraping.take_picture import refuse, take
from scraping.tests.factories import crawl
from scraping.tests.site import Site

pytestmark = pytest.mark.django_db
FILE = picture_file(1, 640, 960)
URL = "https://example.org/1.png"


def target_of(source: Source | None = None) -> CrawlTarget:
    options = checked({"min_width": 48, "min_height": 48})
    asked = [Asked("https://example.org/", source)]
    scrape = start_crawl(asked, f"Album {ScrapeJob.objects.count()}", options)
    target = scrape.targets.select_related("source").get()
    target.scrape_job = scrape
    return target


def seen(page: str, **texts: str) -> Sighting:
    best = next(iter(texts.values()), "")
    alt, address = texts.get("alt", ""), f"https://example.org/{page}"
    return Sighting(URL, address, "src", len(texts), alt, best, texts)


def caption_of(image: Image) -> str:
    return best_caption(image.labels.filter(kind=Label.Kind.CAPTION))


def test_better_words_of_a_later_page_count_and_it_is_where_the_picture_is_from() -> None:
    target = target_of()
    image = take(target, seen("overview", alt="Boat"), FILE)
    assert image is not None
    later = seen("boat", figcaption="A red boat in the harbour", alt="Boat")
    assert later_words.give(target, later, ["https://example.org/1-small.png", URL])
    assert caption_of(image) == "A red boat in the harbour"
    found = image.scraped_from.get()
    assert (found.page_url, found.position) == ("https://example.org/boat", 2)
    assert (found.alt_text, found.caption_text) == ("Boat", "A red boat in the harbour")
    assert found.texts == later.texts


@pytest.mark.parametrize(
    "texts", [{"alt": "Another"}, {"title": "Another"}, {"page_title": "Another"}, {}]
)
def test_words_that_say_no_more_change_nothing(texts: dict[str, str]) -> None:
    target = target_of()
    image = take(target, seen("overview", alt="Boat"), FILE)
    assert image is not None
    assert later_words.give(target, seen("boat", **texts), [URL])
    assert caption_of(image) == "Boat"
    assert image.scraped_from.get().page_url == "https://example.org/overview"


def test_words_of_a_source_that_is_trusted_more_stay_the_last() -> None:
    target = target_of()
    image = take(target, seen("overview", alt="Boat"), FILE)
    assert image is not None
    source = Source.objects.create(
        name="Museum", base_url="https://example.org/", trust_level="high"
    )
    take(target_of(source), seen("museum", alt="The sloop Mary"), FILE)
    assert later_words.give(target, seen("boat", figcaption="A red boat"), [URL])
    assert caption_of(image) == "The sloop Mary"
    assert image.scraped_from.get().caption_text == "A red boat"


def test_a_picture_that_was_not_taken_there_is_told_of_nowhere() -> None:
    target, other = target_of(), target_of()
    image = take(target, seen("overview", alt="Boat"), FILE)
    assert image is not None
    assert not later_words.give(other, seen("boat", figcaption="A red boat"), [URL])
    assert not later_words.give(target, seen("x", figcaption="X"), ["https://example.org/2.png"])
    assert caption_of(image) == "Boat"


def test_an_image_that_was_deleted_for_good_gets_no_words() -> None:
    target = target_of()
    image = take(target, seen("overview", alt="Boat"), FILE)
    assert image is not None
    image.delete()
    assert later_words.give(target, seen("boat", figcaption="A red boat"), [URL])
    assert target.scraped_images.get().caption_text == "Boat"


def test_of_a_picture_on_its_way_the_better_words_are_kept() -> None:
    target = target_of()
    work = Work(Mock(), target.scrape_job, target.chosen, Path(), {}, Mock())
    found = replace(seen("overview", alt="Boat"), etag="x")
    work.heard[target.pk, URL] = seen("list", page_title="Boats")
    assert work.best_told(target, found) == found
    work.heard[target.pk, URL] = better = seen("boat", figcaption="A red boat")
    assert work.best_told(target, found) == replace(better, etag="x")
    assert work.heard == {}
    assert work.best_told(target, found) == found


def test_a_picture_that_is_refused_is_known_to_need_no_words() -> None:
    target, other = target_of(), target_of()
    refuse(target, seen("overview"), "small", "Too small.")
    assert later_words.is_refused(target, ["https://example.org/2.png", URL])
    assert not later_words.is_refused(other, [URL])


OVERVIEW = '<a href="/boat"><img src="/1.png"></a>'
DETAIL = '<figure><img src="/1.png" alt="Boat"><figcaption>A red boat</figcaption></figure>'


@pytest.mark.parametrize("slow", ["the picture", "the page"])
def test_a_crawl_gives_the_words_of_the_page_behind_the_overview(site: Site, slow: str) -> None:
    """Whether the picture comes before that page or after it."""
    site.page("/", OVERVIEW)
    site.page("/boat", DETAIL)
    site.picture("/1.png", 1)
    held = "/1.png" if slow == "the picture" else "/boat"
    site.answers[held] = _after(site, "/boat" if held == "/1.png" else "/1.png", held)
    scrape = crawl(f"{site.url}/")
    found = scrape.scraped_images.get()
    assert (found.page_url, found.caption_text) == (f"{site.url}/boat", "A red boat")
    assert found.image is not None
    assert caption_of(found.image) == "A red boat"
    assert (scrape.discovered, scrape.imported, scrape.duplicate) == (1, 1, 0)
    assert site.asked.count("/1.png") == 1


def _after(site: Site, first: str, then: str) -> Any:
    """The answer, but only when the first one has been given."""
    answer = site.answers[then]

    def wait() -> Any:
        for _ in range(300):
            if any(path == first for path, _ in site.told):
                break
            site.closing.wait(0.1)
        site.closing.wait(0.5)
        return answer

    return wait
