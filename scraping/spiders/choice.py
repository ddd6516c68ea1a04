"""Which spider crawls a target: one written for its site, else the generic one of its kind.

A site whose pages need more than the generic spider gets a module beside this one, with a small
subclass of PageGallerySpider that overrides what is different (most often ``contents_of``), and a
line in OF_SITE.
"""

from typing import Any

from scraping.addresses import same_site
from scraping.crawl_config import TargetConfig
from scraping.spiders.json_api import JsonApiSpider
from scraping.spiders.page_gallery import PageGallerySpider
from scraping.spiders.sitemap import SitemapSpider
from scraping.spiders.wikimedia import WikimediaSpider

# Of a source's kind.
GENERIC: dict[str, type[Any]] = {
    "pages": PageGallerySpider,
    "sitemap": SitemapSpider,
    "api": JsonApiSpider,
}
# Of a site whose pages are read; it stands for what lies below it too.
OF_SITE: dict[str, type[Any]] = {
    "wikimedia.org": WikimediaSpider,
    "wikipedia.org": WikimediaSpider,
}


def spider_for(target: TargetConfig) -> type[Any]:
    """Raises LookupError for a kind that nobody knows."""
    if target.kind == "pages":
        for site, spider in OF_SITE.items():
            if same_site(target.url, [site]):
                return spider
    return GENERIC[target.kind]
