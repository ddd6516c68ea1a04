"""Which links of a page a crawl goes on to read. Pure; the spiders ask it and fetch.

A link is read if it lies on the crawl's sites, matches the patterns, is near enough to the start,
was not asked for before under this or another address, and does not look like a maze's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scraping.address_patterns import Patterns
from scraping.addresses import same_site, site_of
from scraping.options import CrawlOptions
from scraping.same_page import cleaned, leads_nowhere, page_key, shape, surely_no_page
from scraping.spiders.memory import Remembered

# Pages that a list may have: the next page of the next page, and so on.
MOST_NEXT_PAGES = 500
# Requests for each page that may be read: some lead to pages that were read, or to none. How many
# are read is counted when they are (see scraping.budget).
MOST_ASKED = 3
# Pages of one shape that may show no new picture, one after the other; then no more are asked for.
MOST_BARREN = 60
MOST_SHAPES = 5_000
MOST_KNOWN_LINKS = 50_000


@dataclass(frozen=True)
class Step:
    """A page to read. depth: links from the start; nth: its number in a list of pages, from 0."""

    url: str
    depth: int = 0
    nth: int = 0

    @property
    def is_start(self) -> bool:
        """Whether it is the page that the crawl began at."""
        return self.depth == self.nth == 0


class Following:
    """What one target of a crawl has asked for, and what it asks for next.

    is_page: whether the start is a page itself, which counts as asked for. sites, seen: what it
    remembers, for whoever keeps that. left_out: a page was not asked for because there were enough.
    """

    def __init__(self, start: str, options: CrawlOptions, *, is_page: bool = True) -> None:
        self.options = options
        self.sites = Remembered((site_of(start), *options.allowed_domains))
        self.patterns = Patterns(options.include, options.exclude)
        self.seen = Remembered([page_key(start)] if is_page else [])
        self.asked = int(is_page)
        self.left_out = False
        # Links, as they are written, that need not be looked at again.
        self._known_links: set[str] = set()
        # Shape → pages of it in a row that showed no new picture.
        self.barren: dict[str, int] = {}

    @property
    def is_full(self) -> bool:
        """Whether more pages were asked for than the options let a crawl read."""
        return self.asked >= self.options.max_pages * MOST_ASKED

    def start_is_at(self, url: str) -> None:
        """A start that redirects (to www., to another host) still names the site."""
        self.sites.add(site_of(url))
        self.seen.add(page_key(url))

    def arrived(self, step_url: str, url: str) -> bool:
        """Whether what was asked for at one address and came from another is read.

        It is not if it lies on another site, or was asked for at its own address.
        """
        if not same_site(url, self.sites):
            return False
        key = page_key(url)
        if key == page_key(step_url):
            return True
        if key in self.seen:
            return False
        self.seen.add(key)
        return True

    def was_read(self, url: str, new_pictures: int) -> None:
        """Remember whether a page of this shape shows anything."""
        form = shape(url)
        if new_pictures:
            self.barren.pop(form, None)
        elif form in self.barren or len(self.barren) < MOST_SHAPES:
            self.barren[form] = self.barren.get(form, 0) + 1

    def onward(
        self, page: Step, links: Iterable[str], next_pages: Iterable[str] = ()
    ) -> Iterator[Step]:
        """The pages to read after this one, next pages of its list first; each is counted.

        Next pages go with the page that they continue: they need not match include, and are as
        near as it is. A crawl of depth 0 reads its start alone.
        """
        if self.options.depth == 0:
            return
        if self.options.follow_pagination and page.nth < MOST_NEXT_PAGES:
            for url in next_pages:
                yield from self._asked(Step(cleaned(url), page.depth, page.nth + 1), is_next=True)
        if page.depth < self.options.depth:
            yield from self.named(links, page.depth + 1)

    def named(self, urls: Iterable[str], depth: int = 1) -> Iterator[Step]:
        """The pages to read of those that a page or a sitemap names; each is counted."""
        for url in urls:
            # Most links stand on every page of a site.
            if url not in self._known_links:
                yield from self._asked(Step(cleaned(url), depth), link=url)

    def may_read(self, url: str) -> bool:
        """Whether a page lies on the crawl's sites and matches its patterns."""
        return same_site(url, self.sites) and self.patterns.wants(url)

    def _asked(self, step: Step, *, link: str = "", is_next: bool = False) -> Iterator[Step]:
        if self.left_out:
            return
        if same_site(step.url, self.sites):
            key = page_key(step.url)
            if key not in self.seen:
                if not self._is_wanted(step.url, is_next):
                    return
                if self.is_full:
                    self.left_out = True
                    return
                self.seen.add(key)
                self.asked += 1
                yield step
        if link and len(self._known_links) < MOST_KNOWN_LINKS:
            self._known_links.add(link)

    def _is_wanted(self, url: str, is_next: bool) -> bool:
        if surely_no_page(url) or leads_nowhere(url):
            return False
        if self.barren.get(shape(url), 0) >= MOST_BARREN:
            return False
        if is_next:
            return not self.patterns.excludes(url)
        return self.patterns.wants(url)
