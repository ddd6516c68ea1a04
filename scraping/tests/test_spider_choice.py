import pytest
from scrapy.http import HtmlResponse

from scraping.crawl_config import CrawlConfig, TargetConfig
from scraping.spiders import choice
from scraping.spiders.json_api import JsonApiSpider
from scraping.spiders.page_gallery import PageGallerySpider
from scraping.spiders.sitemap import SitemapSpider
from scraping.spiders.wikimedia import WikimediaSpider, original


class BoatsSpider(PageGallerySpider):
    """Of one site."""


@pytest.mark.parametrize(
    ("url", "kind", "spider"),
    [
        ("https://boats.example.org/a", "pages", BoatsSpider),
        ("https://www.boats.example.org/", "pages", BoatsSpider),
        ("https://old.boats.example.org/", "pages", BoatsSpider),
        ("https://boats.example.org/a", "sitemap", SitemapSpider),
        ("https://boats.example.org/a", "api", JsonApiSpider),
        ("https://notboats.example.org/", "pages", PageGallerySpider),
        ("https://commons.wikimedia.org/wiki/Category:Boats", "pages", WikimediaSpider),
        ("https://commons.wikimedia.org/", "api", JsonApiSpider),
    ],
)
def test_a_site_has_the_spider_that_is_written_for_it(
    monkeypatch: pytest.MonkeyPatch, url: str, kind: str, spider: type
) -> None:
    monkeypatch.setitem(choice.OF_SITE, "boats.example.org", BoatsSpider)
    assert choice.spider_for(TargetConfig(1, url, "", kind)) is spider


def test_a_kind_that_nobody_knows_is_refused() -> None:
    with pytest.raises(LookupError):
        choice.spider_for(TargetConfig(1, "https://example.org/", "", "feed"))


UPLOAD = "https://upload.wikimedia.org/wikipedia/commons"


@pytest.mark.parametrize(
    ("url", "file"),
    [
        (f"{UPLOAD}/thumb/a/ab/Boat.jpg/220px-Boat.jpg", f"{UPLOAD}/a/ab/Boat.jpg"),
        (f"{UPLOAD}/thumb/a/ab/Boat.PNG/lossy-page1-220px-x.jpg", f"{UPLOAD}/a/ab/Boat.PNG"),
        (f"{UPLOAD}/thumb/a/ab/Boat.svg/220px-Boat.svg.png", None),
        (f"{UPLOAD}/thumb/a/ab/Boat.tif/lossy-page1-220px-Boat.tif.jpg", None),
        (f"{UPLOAD}/a/ab/Boat.jpg", None),
        ("https://example.org/thumb/a/ab/Boat.jpg/220px-Boat.jpg", None),
    ],
)
def test_the_address_of_a_small_picture_names_the_original(url: str, file: str | None) -> None:
    assert original(url) == file


def test_a_gallery_offers_originals_first() -> None:
    start = "https://commons.wikimedia.org/wiki/Category:Boats"
    spider = WikimediaSpider(CrawlConfig("", "Imagineer", ()), TargetConfig(1, start, ""))
    html = f"""<img alt="A red boat" src="{UPLOAD}/thumb/a/ab/Boat.jpg/220px-Boat.jpg">
    <img src="/static/other.png">"""
    contents = spider.contents_of(HtmlResponse(start, body=html.encode(), encoding="utf-8"))
    first, second = contents.candidates
    assert first.urls == (
        f"{UPLOAD}/a/ab/Boat.jpg",
        f"{UPLOAD}/thumb/a/ab/Boat.jpg/220px-Boat.jpg",
    )
    assert first.alt == "A red boat"
    assert second.urls == ("https://commons.wikimedia.org/static/other.png",)
