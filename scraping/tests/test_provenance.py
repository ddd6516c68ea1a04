"""Where a picture was found, on its public page and in the console."""

import pytest
from django.test import Client

from gallery.captions import choose
from gallery.models import Label, Rating
from gallery.tests.factories import make_admin, picture_file
from scraping.crawl_config import Sighting
from scraping.models import CrawlTarget, RefusedImage, ScrapedImage
from scraping.runs import Asked, start_crawl
from scraping.take_picture import take

pytestmark = pytest.mark.django_db
PAGE = "https://example.org/boats?id=4"


def target(album: str) -> CrawlTarget:
    scrape = start_crawl([Asked("https://example.org/")], album)
    found = scrape.targets.get()
    found.scrape_job = scrape
    return found


@pytest.fixture
def found() -> ScrapedImage:
    seen = Sighting(
        "https://example.org/1.png", PAGE, "srcset", 2, alt="A boat", caption="By the sea",
        texts={"figcaption": "By the sea", "alt": "A boat", "page_title": "Boats & ships"},
    )  # fmt: skip
    image = take(target("Boats"), seen, picture_file(1, 640, 960))
    assert image is not None
    again = Sighting("https://example.org/2.png", "https://example.org/again", caption="Other")
    take(target("Ships"), again, picture_file(1, 640, 960))
    image.rating = Rating.SAFE
    image.save(update_fields=["rating"])
    return image.scraped_from.get()


def test_visitors_are_told_the_page_and_how_it_describes_the_picture(client: Client, found):
    html = client.get(found.image.get_absolute_url()).content.decode()
    assert f'<a href="{PAGE}" rel="noopener noreferrer nofollow">example.org</a>' in html
    assert "picture 3 of that page, described there as “By the sea”" in html
    assert "/admin/" not in html
    assert "1.png" not in html


def test_admins_are_led_to_the_crawl(client: Client, found):
    client.force_login(make_admin())
    html = client.get(found.image.get_absolute_url()).content.decode()
    assert f"/admin/scraping/scrapejob/{found.scrape_job_id}/change/" in html


def test_the_console_shows_page_place_texts_and_crawl(client: Client, found):
    client.force_login(make_admin())
    html = client.get(f"/admin/gallery/image/{found.image_id}/change/").content.decode()
    assert f'<a href="{PAGE}" rel="noreferrer noopener">' in html
    for words in (
        "picture 3 of that page", "<dt>Found by</dt><dd>srcset</dd>",
        "<dt>Caption</dt><dd>By the sea</dd>",
        "<dt>Alternative text</dt><dd>A boat</dd>", "Boats &amp; ships",
        f"/admin/scraping/scrapejob/{found.scrape_job_id}/change/",
        "https://example.org/again",
    ):  # fmt: skip
        assert words in html, words


def test_what_is_as_before_is_not_told_as_found_again(client: Client, found):
    client.force_login(make_admin())
    RefusedImage.objects.update(reason="unchanged")
    html = client.get(f"/admin/gallery/image/{found.image_id}/change/").content.decode()
    assert "https://example.org/again" not in html


def test_the_best_text_is_the_caption_that_counts(found):
    captions = found.image.labels.filter(kind=Label.Kind.CAPTION)
    best = choose(captions)
    assert best is not None
    assert (best.text, best.source) == ("By the sea", Label.Source.SCRAPER)
    assert {label.text for label in captions} == {"By the sea", "A boat"}
