"""Wikipedia, Wikimedia Commons and their sisters: a small picture's address names the original."""

import re
from dataclasses import replace

from scrapy.http import HtmlResponse

from scraping.extract import PageContents
from scraping.same_picture import Candidate
from scraping.spiders.page_gallery import PageGallerySpider

# Of drawings the small picture is another format than the original.
_SMALL = re.compile(
    r"(https?://upload\.wikimedia\.org/[^?#]+)/thumb(/[0-9a-f]/[0-9a-f]{2}/[^/?#]+\.(?:jpe?g|png|webp|gif))"
    r"/[^/?#]+",
    re.IGNORECASE,
)


def original(url: str) -> str | None:
    """The address of the file that a small picture was made from; None for any other address."""
    found = _SMALL.fullmatch(url)
    return found[1] + found[2] if found else None


class WikimediaSpider(PageGallerySpider):
    """Takes originals from galleries and categories, without reading the page of every file."""

    name = "wikimedia"

    def contents_of(self, response: HtmlResponse) -> PageContents:
        contents = super().contents_of(response)
        return replace(contents, candidates=tuple(map(_with_original, contents.candidates)))


def _with_original(candidate: Candidate) -> Candidate:
    originals = (original(url) for url in candidate.urls)
    first = next((url for url in originals if url is not None), None)
    if first is None:
        return candidate
    return replace(candidate, urls=tuple(dict.fromkeys((first, *candidate.urls))))
