"""Which spider crawls a target: one written for its site, else the generic one of its kind."""

from typing import Any

from scraping.addresses import same_site
from scraping.crawl_config import TargetConfig
from scraping.spiders.page_gallery import PageGallerySpider
from scraping.spiders.sitemap import SitemapSpider

# Of a source's kind.
GENERIC: dict[str, type[Any]] = {"pages": PageGallerySpider, "sitemap": SitemapSpider}
# Of a site; it stands for what lies below it too.
OF_SITE: dict[str, type[Any]] = {}


def spider_for(target: TargetConfig) -> type[Any]:
    """Raises LookupError for a kind that nobody knows."""
    for site, spider in OF_SITE.items():
        if same_site(target.url, [site]):
            return spider
    return GENERIC[target.kind]
