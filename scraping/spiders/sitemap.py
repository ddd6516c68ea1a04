"""The spider for a site that names its pages itself: reads what its sitemaps list, no links."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

from scraping.addresses import site_of
from scraping.following import Following
from scraping.spiders.items import PageTrouble
from scraping.spiders.page_gallery import PageGallerySpider
from scraping.spiders.pictures import Yielded


class SitemapSpider(PageGallerySpider):
    """Starts at a sitemap, or at a site whose robots.txt or /sitemap.xml leads to one."""

    name = "sitemap"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        options = self.config.options
        self.following = Following(self.target.url, options, is_page=False)
        # As deep as a crawl goes: their links lead no further, next pages of their lists do.
        self.named_depth = max(1, options.depth)

    async def start(self) -> AsyncIterator[Any]:
        if urlsplit(self.target.url).path in ("", "/"):
            yield self.robots_request()
        else:
            self.sitemaps_asked.add(self.target.url)
            yield self.sitemap_request(self.target.url)

    def no_sitemap(
        self, asked: str, detail: str, *, is_guess: bool, is_page: bool = False
    ) -> Iterator[Yielded]:
        is_start = asked == self.target.url
        if is_guess:
            site = site_of(asked)
            sentence = f"{site} names no sitemap, and /sitemap.xml is none. {detail}"
            yield PageTrouble(asked, sentence, True)
        elif is_start and is_page:
            # The address of a site may have a path too.
            yield self.robots_request()
        else:
            yield PageTrouble(asked, detail, is_start)
