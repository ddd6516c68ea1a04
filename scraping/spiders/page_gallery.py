"""The spider for plain pages: reads pages of one site, yields their pictures. It only yields."""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any
from urllib.parse import urljoin

from scrapy.http import HtmlResponse, Request, Response, TextResponse, XmlResponse

from scraping import failures
from scraping.crawl_config import CrawlConfig, Sighting, TargetConfig
from scraping.extract import PageContents, extract
from scraping.filters import icon
from scraping.following import Following, Step
from scraping.rendering import needs_browser
from scraping.resolver import refused_hosts
from scraping.same_page import page_key
from scraping.same_picture import Candidate
from scraping.sitemaps import NoSitemap, Sitemap, named_in_robots, read_sitemap
from scraping.spiders.items import CrawlNote, PageRead, PageTrouble, page_tried
from scraping.spiders.memory import Remembered
from scraping.spiders.named_pictures import NamedPictures
from scraping.spiders.pictures import PictureSpider, Yielded, content_type, is_picture
from scraping.user_agent import name_of

MOST_SITEMAPS = 100


class PageGallerySpider(PictureSpider):
    """Starts at the target's address and follows links on the same site, as deep as asked.

    A class for one site overrides ``contents_of`` and says what its pages really offer.
    """

    name = "page_gallery"
    REMEMBERED = (
        *PictureSpider.REMEMBERED, "sites", "pages_seen", "pages_asked", "sitemaps_asked",
        "slow_told", "pages_read", "pages_closed", "named_words",
    )  # fmt: skip
    # Of the pages that sitemaps name.
    named_depth = 1

    def __init__(self, config: CrawlConfig, target: TargetConfig, **kwargs: Any) -> None:
        super().__init__(config, target, **kwargs)
        self.following = Following(target.url, config.options)
        # Addresses of pictures on pages that this process has read.
        self.met: set[str] = set()
        self.sitemaps_asked = Remembered()
        # Keys of pages that were read, and of those that keep their pictures from training.
        self.pages_read = Remembered()
        self.pages_closed = Remembered()
        self.named_pictures = NamedPictures()
        # Patterns that the log speaks of.
        self.slow_told = Remembered()

    @property
    def sites(self) -> Remembered:
        return self.following.sites

    @property
    def pages_seen(self) -> Remembered:
        return self.following.seen

    @property
    def named_words(self) -> Remembered:
        return self.named_pictures.words

    @property
    def pages_asked(self) -> int:
        return self.following.asked

    @pages_asked.setter
    def pages_asked(self, number: int) -> None:
        self.following.asked = number

    async def start(self) -> AsyncIterator[Any]:
        yield self.page_request(Step(self.target.url))
        if self.config.options.use_sitemaps and self.config.options.depth > 0:
            yield self.robots_request()

    # --- Pages ----------------------------------------------------------------------------------

    def page_request(self, page: Step, *, again: bool = False) -> Request:
        """again: with its JavaScript run, since without it shows nothing."""
        return Request(
            page.url,
            callback=self.parse_page,
            errback=self.page_failed,
            cb_kwargs={"page": page},
            meta={
                "download_maxsize": self.config.max_page_bytes,
                "playwright": again or self.target.render_javascript == "on",
                "again": again,
                "keep_page": True,
            },
            dont_filter=page.is_start or again,
        )

    def parse_page(self, response: Response, page: Step) -> Iterator[Yielded]:
        if page.is_start:
            self.following.start_is_at(response.url)
        elif not self.following.arrived(page.url, response.url):
            return
        if not isinstance(response, HtmlResponse) or isinstance(response, XmlResponse):
            yield from self._not_a_page(response, page)
            return
        contents = self.contents_of(response)
        if self._needs_browser(response, contents):
            yield self.page_request(replace(page, url=response.url), again=True)
            if self.target.is_preview:
                return
        else:
            self.following.was_read(page.url, self._new_on(contents.candidates))
            is_closed = self.keeps_from_training(response, contents.robots)
            key = page_key(page.url)
            self.pages_read.add(key)
            if is_closed:
                self.pages_closed.add(key)
            yield from self._ask_or_leave(self.named_pictures.take(page.url), page.url, is_closed)
            yield from self._ask_or_leave(contents.candidates, response.url, is_closed)
            if contents.is_cut:
                yield CrawlNote(f"{response.url} offers more pictures than are taken of one page.")
            yield PageRead(response.url, self.found)
        onward = self._onward(page, contents)
        if self.target.is_preview:
            further = islice(onward, self.config.options.max_pages - 1)
            yield page_tried(further, contents.robots)
            return
        yield from self._page_requests(onward)

    def _ask_or_leave(
        self, candidates: Iterable[Candidate], page_url: str, is_closed: bool
    ) -> Iterator[Yielded]:
        if is_closed:
            yield from self.leave_pictures(candidates, page_url)
        else:
            yield from self.ask_pictures(candidates, page_url)

    def _onward(self, page: Step, contents: PageContents) -> Iterable[Step]:
        if self.config.options.obey_robots and contents.robots & {"nofollow", "none"}:
            return ()
        return self.following.onward(page, contents.links, contents.next_pages)

    def _page_requests(self, steps: Iterable[Step]) -> Iterator[Yielded]:
        for step in steps:
            yield self.page_request(step)
        if self.following.left_out:
            self.cut_short = "pages"
        for pattern in self.following.patterns.slow - self.slow_told:
            self.slow_told.add(pattern)
            yield CrawlNote(
                f"The pattern {pattern} takes too long; pages on which it does are not read."
            )

    def contents_of(self, response: HtmlResponse) -> PageContents:
        """What a page offers."""
        return extract(response.text, response.url, name_of(self.config.user_agent))

    def _needs_browser(self, response: Response, contents: PageContents) -> bool:
        if response.meta.get("playwright"):
            return False
        # A counter's pixel in a noscript shows nothing.
        rules = {each.rule for each in contents.candidates if icon(each) is None}
        return needs_browser(self.target.render_javascript, rules, has_scripts=contents.has_scripts)

    def _new_on(self, candidates: Iterable[Candidate]) -> int:
        """How many pictures no page before has shown."""
        before = len(self.met)
        self.met.update(candidate.urls[0] for candidate in candidates)
        return len(self.met) - before

    def _not_a_page(self, response: Response, page: Step) -> Iterator[Yielded]:
        """A start that is a picture itself is taken; other files behind links are passed over."""
        if is_picture(response):
            if not self.known.has((response.url,)):
                self.known.add(response.url)
                self.found += 1
                rule = "start" if page.is_start else "anchor"
                yield self.kept_or_left(response, Sighting(response.url, response.url, rule))
            yield PageRead(response.url, self.found)
        elif page.is_start:
            kind = content_type(response) or "a file of unknown type"
            yield PageTrouble(response.url, f"The address leads to {kind}, not to a page.", True)

    def page_failed(self, failure: Any) -> Iterator[Yielded]:
        request = failure.request
        reason, detail = failures.worded(failure.value, request.url, refused_hosts)
        is_start = request.cb_kwargs["page"].is_start
        if is_start or reason != "robots":
            yield PageTrouble(request.url, detail, is_start)

    # --- Sitemaps -------------------------------------------------------------------------------

    def robots_request(self) -> Request:
        """For the robots.txt of the target's site, which may name its sitemaps."""
        return Request(
            urljoin(self.target.url, "/robots.txt"),
            callback=self.parse_robots,
            errback=self.robots_failed,
            meta={
                "download_maxsize": self.config.max_page_bytes,
                # It is what says what may be asked for.
                "dont_obey_robotstxt": True,
            },
            dont_filter=True,
        )

    def parse_robots(self, response: Response) -> Iterator[Yielded]:
        text = response.text if isinstance(response, TextResponse) else ""
        named = named_in_robots(text, response.url)
        yield from self.ask_sitemaps(named or (self._usual_sitemap,), is_guess=not named)

    def robots_failed(self, failure: Any) -> Iterator[Yielded]:
        yield from self.ask_sitemaps((self._usual_sitemap,), is_guess=True)

    @property
    def _usual_sitemap(self) -> str:
        return urljoin(self.target.url, "/sitemap.xml")

    def ask_sitemaps(self, urls: Iterable[str], *, is_guess: bool = False) -> Iterator[Request]:
        """Each once, as long as further pages are wanted. is_guess: nobody has named them."""
        for url in urls:
            if self.following.is_full or len(self.sitemaps_asked) >= MOST_SITEMAPS:
                return
            if url not in self.sitemaps_asked:
                self.sitemaps_asked.add(url)
                yield self.sitemap_request(url, is_guess=is_guess)

    def sitemap_request(self, url: str, *, is_guess: bool = False) -> Request:
        return Request(
            url,
            callback=self.parse_sitemap,
            errback=self.sitemap_failed,
            cb_kwargs={"asked": url, "is_guess": is_guess},
            meta={"download_maxsize": self.config.max_page_bytes},
            dont_filter=True,
        )

    def parse_sitemap(self, response: Response, asked: str, is_guess: bool) -> Iterator[Yielded]:
        try:
            sitemap = read_sitemap(response.body, response.url)
        except NoSitemap as no_sitemap:
            is_page = isinstance(response, HtmlResponse)
            yield from self.no_sitemap(asked, str(no_sitemap), is_guess=is_guess, is_page=is_page)
            return
        named = (page.url for page in sitemap.pages)
        requests = list(self._page_requests(self.following.named(named, self.named_depth)))
        yield from self._named_pictures(sitemap)
        yield PageRead(response.url, self.found)
        yield from requests
        yield from self.ask_sitemaps(sitemap.sitemaps)

    def _named_pictures(self, sitemap: Sitemap) -> Iterator[Yielded]:
        """Those of pages that have not been read wait, since these may say noai."""
        for page in sitemap.pages:
            if not page.pictures or not self.following.may_read(page.url):
                continue
            key = page_key(page.url)
            if not self.config.options.respect_noai or key in self.pages_read:
                is_closed = key in self.pages_closed
                yield from self._ask_or_leave(page.pictures, page.url, is_closed)
            elif key in self.pages_seen:
                self.named_pictures.add(page.url, page.pictures)

    def sitemap_failed(self, failure: Any) -> Iterator[Yielded]:
        request = failure.request
        _, detail = failures.worded(failure.value, request.url, refused_hosts)
        yield from self.no_sitemap(**request.cb_kwargs, detail=detail)

    def no_sitemap(
        self, asked: str, detail: str, *, is_guess: bool, is_page: bool = False
    ) -> Iterator[Yielded]:
        """What follows when a sitemap could not be read: nothing, where nobody had named it.

        detail: a sentence. is_page: a page lies there instead.
        """
        if not is_guess:
            yield PageTrouble(asked, detail, False)
