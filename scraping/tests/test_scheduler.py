"""What a request leads to is kept and told, or was never there."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy.http import Request, Response

from scraping import spool
from scraping.budget import Budget
from scraping.crawl_config import CrawlConfig, Sighting, TargetConfig
from scraping.crawl_state import CrawlState, TargetEnds
from scraping.frontier import FILE
from scraping.pace import Pace
from scraping.scheduler import Consumption, FrontierScheduler
from scraping.spiders.items import PageRead, PageTrouble, PictureFound, PictureRefused
from scraping.spiders.memory import Remembered

URL = "https://example.org/"
SIGHTING = Sighting(f"{URL}1.png", URL)


class Listening(CrawlState):
    """Keeps what is said."""

    def say(self, event: str, **values: Any) -> None:
        self.said.append((event, values))  # type: ignore[attr-defined]


class Spider:
    REMEMBERED = ("known", "found")

    def __init__(self) -> None:
        self.known = Remembered()
        self.found = 0

    def parse(self, response: Any) -> None: ...

    def failed(self, failure: Any) -> Iterator[Any]:
        yield PageTrouble(URL, "It is gone.", True)

    def stumbling(self, failure: Any) -> Iterator[Any]:
        raise KeyError("nothing")


Open = Callable[..., FrontierScheduler]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Opens the target's scheduler, as often as it is asked: each time another process."""

    def open_it(settled: frozenset[str] = frozenset(), max_pages: int = 10) -> FrontierScheduler:
        target = TargetConfig(3, URL, str(tmp_path), known_urls=settled)
        config = CrawlConfig(str(tmp_path), "Agent", (target,))
        state = Listening(config, Budget(max_pages, 10**6), Pace())
        state.said = []  # type: ignore[attr-defined]
        crawler = SimpleNamespace(crawl_state=state, target=target)
        scheduler = FrontierScheduler(crawler)
        crawler.engine = SimpleNamespace(scheduler=scheduler)
        scheduler.open(Spider())
        return scheduler

    return open_it


def said(scheduler: FrontierScheduler) -> list[tuple[str, dict[str, Any]]]:
    return list(scheduler.state.said)  # type: ignore[attr-defined]


def page(scheduler: FrontierScheduler, path: str = "", **more: Any) -> Request:
    return Request(f"{URL}{path}", callback=scheduler.spider.parse, **more)


def answer(scheduler: FrontierScheduler, *yielded: Any) -> Request:
    """The next request is sent and its callback yields so; an exception is raised."""
    request = scheduler.next_request()
    assert request is not None

    async def result() -> AsyncIterator[Any]:
        for each in yielded:
            if isinstance(each, Exception):
                raise each
            yield each

    async def consumed() -> list[Any]:
        response = Response(request.url, request=request)
        middleware = Consumption(scheduler.crawler)
        return [each async for each in middleware.process_spider_output(response, result())]

    assert asyncio.run(consumed()) == []
    return request


def test_what_a_callback_yields_is_told_and_its_requests_wait(opened: Open, tmp_path: Path) -> None:
    scheduler = opened()
    scheduler.enqueue_request(page(scheduler))
    scheduler.spider.found = 2
    refused = PictureRefused(Sighting(f"{URL}2.png", URL), "small", "Too small.")
    answer(
        scheduler, page(scheduler, "more"), PictureFound(SIGHTING, b"bytes"), refused,
        PageRead(URL, 2),
    )  # fmt: skip
    assert [event for event, _ in said(scheduler)] == ["page", "found", "refused", "picture"]
    (path,) = spool.waiting(tmp_path)
    held = spool.read(path)
    assert held is not None
    assert held[1] == b"bytes"
    assert held[0]["image_url"] == SIGHTING.image_url
    following = scheduler.next_request()
    assert following is not None
    assert following.url == f"{URL}more"
    assert scheduler.next_request() is None


def test_another_process_knows_what_was_found_and_tells_refusals_again(opened: Open) -> None:
    first = opened()
    first.enqueue_request(page(first, meta={"is_start_request": True}, dont_filter=True))
    first.spider.found = 4
    first.spider.known.add("seen")
    refused = PictureRefused(SIGHTING, "status", "Not there.")
    answer(first, refused, PageRead(URL, 4), PageTrouble(URL, "Odd.", True))
    first.close("killed")
    second = opened()
    second.enqueue_request(page(second, meta={"is_start_request": True}, dont_filter=True))
    assert second.next_request() is None, "the start is not asked for anew"
    assert second.spider.found == 4
    assert second.spider.known == {"seen"}
    assert second.spider.known.new() == []
    assert said(second) == [
        ("resumed", {"target": 3, "pages": 1, "found": 4, "errors": 1, "trouble": "Odd."}),
        ("refused", {"target": 3, **vars(SIGHTING), "reason": "status", "detail": "Not there."}),
    ]
    second.close("killed")
    assert [event for event, _ in said(opened(frozenset([SIGHTING.image_url])))] == ["resumed"]


def test_a_callback_that_stumbles_is_told_of_and_what_it_yielded_before_is_kept(
    opened: Open,
) -> None:
    scheduler = opened()
    scheduler.enqueue_request(page(scheduler))
    with pytest.raises(KeyError):
        answer(scheduler, page(scheduler, "more"), KeyError("nothing"))
    ((event, values), _) = said(scheduler)
    assert event == "trouble"
    assert values["detail"] == "This could not be understood (KeyError)."
    following = scheduler.next_request()
    assert following is not None
    assert following.url == f"{URL}more"


def fail(scheduler: FrontierScheduler, error: Exception) -> None:
    request = scheduler.next_request()
    assert request is not None
    assert request.errback(SimpleNamespace(request=request, value=error)) == []


@pytest.mark.parametrize(
    ("errback", "detail"),
    [("failed", "It is gone."), (None, "example.org could not be read (ValueError).")],
)
def test_failures_are_told(opened: Open, errback: str | None, detail: str) -> None:
    scheduler = opened()
    back = getattr(scheduler.spider, errback) if errback else None
    scheduler.enqueue_request(page(scheduler, errback=back))
    fail(scheduler, ValueError())
    assert said(scheduler)[0][1]["detail"] == detail
    assert not scheduler.has_pending_requests()


def test_an_errback_that_stumbles_over_a_picture_refuses_it(opened: Open) -> None:
    scheduler = opened()
    request = page(
        scheduler, "1.png", errback=scheduler.spider.stumbling, cb_kwargs={"sighting": SIGHTING}
    )
    scheduler.enqueue_request(request)
    with pytest.raises(KeyError):
        fail(scheduler, ValueError())
    ((event, values),) = said(scheduler)
    assert (event, values["reason"]) == ("refused", "unreachable")


def test_what_was_in_line_when_the_target_ended_waits_for_the_next_process(opened: Open) -> None:
    first = opened()
    first.enqueue_request(page(first, errback=first.spider.failed))
    fail(first, TargetEnds())
    assert said(first) == []
    first.close("minutes")
    assert opened().has_pending_requests()


def test_pages_beyond_the_crawl_s_number_wait_and_pictures_do_not(opened: Open) -> None:
    scheduler = opened(max_pages=1)
    scheduler.enqueue_request(page(scheduler))
    picture = page(scheduler, "1.png", cb_kwargs={"sighting": SIGHTING}, dont_filter=True)
    answer(scheduler, picture, page(scheduler, "more"), PageRead(URL, 1))
    asked = scheduler.next_request()
    assert asked is not None
    assert asked.url == SIGHTING.image_url
    assert not scheduler.has_pending_requests()
    assert scheduler.pages_left


def test_a_request_sent_elsewhere_goes_on_as_itself(opened: Open, tmp_path: Path) -> None:
    scheduler = opened()
    scheduler.enqueue_request(page(scheduler))
    request = scheduler.next_request()
    assert request is not None
    assert scheduler.enqueue_request(request.replace(url=f"{URL}moved"))
    answer(scheduler, PageRead(f"{URL}moved", 0))
    assert not scheduler.has_pending_requests()
    scheduler.close("finished")
    assert (tmp_path / FILE).exists()
    assert opened().next_request() is None


def test_nothing_is_asked_for_while_the_spool_is_full(opened: Open, tmp_path: Path) -> None:
    scheduler = opened()
    scheduler.state.spooled.most_bytes = 1000
    scheduler.enqueue_request(page(scheduler))
    scheduler.enqueue_request(page(scheduler, "more"))
    answer(scheduler, PictureFound(SIGHTING, b"x" * 1000))
    assert scheduler.next_request() is None
    assert scheduler.has_pending_requests()
    (path,) = spool.waiting(tmp_path)
    path.unlink()
    assert scheduler.next_request() is not None
