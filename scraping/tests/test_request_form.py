"""Requests as texts: what goes in comes out, and nothing else is let in."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from scrapy.http import Request

from scraping.crawl_config import Sighting
from scraping.request_form import from_text, to_text


class Spider:
    def parse(self, response: Any) -> None: ...

    def failed(self, failure: Any) -> None: ...


SPIDER = Spider()


def again(request: Request) -> Request:
    return from_text(to_text(request, SPIDER), SPIDER)


def test_everything_about_a_request_is_kept() -> None:
    sighting = Sighting("https://example.org/1.png", "https://example.org/", texts={"alt": "A"})
    request = Request(
        "https://example.org/1.png?a=%20b",
        callback=SPIDER.parse,
        errback=SPIDER.failed,
        method="POST",
        body=b"\x00\xff",
        headers={"Accept": "image/png", "X": ["1", "2"]},
        cb_kwargs={"urls": ("a", "b"), "sighting": sighting, "mixed": {1: {"x"}, "y": None}},
        meta={"depth": 2, "download_maxsize": 10, "playwright": True, "list": [1.5, b"x"]},
        priority=-3,
        dont_filter=True,
    )
    kept = again(request)
    for name in Request.attributes:
        assert getattr(kept, name) == getattr(request, name), name
    assert kept.cb_kwargs["sighting"] == sighting
    assert isinstance(kept.cb_kwargs["urls"], tuple)


def test_what_is_of_one_try_alone_is_left_out() -> None:
    request = Request(
        "https://a.org/", meta={"download_slot": "a", "download_latency": 1, "depth": 1}
    )
    assert again(request).meta == {"depth": 1}


def test_a_wrapped_callback_is_kept_by_its_own_name() -> None:
    request = Request("https://a.org/", errback=partial(print, SPIDER.failed))
    assert again(request).errback == SPIDER.failed
    assert again(Request("https://a.org/", errback=partial(print, None))).errback is None


@dataclass
class Foreign:
    """Of a module that does not belong to the package."""

    value: int = 1


Foreign.__module__ = "elsewhere"


@pytest.mark.parametrize("value", [object(), Foreign(), {"x": [print]}])
def test_values_that_cannot_be_kept_are_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot be kept"):
        to_text(Request("https://a.org/", cb_kwargs={"x": value}), SPIDER)


def test_a_callback_that_is_no_method_of_the_spider_is_refused() -> None:
    with pytest.raises(TypeError, match="no method of the spider"):
        to_text(Request("https://a.org/", callback=print), SPIDER)


@pytest.mark.parametrize("name", ["os:system", "scraping.jobs:run", "scraping.frontier:Frontier"])
def test_only_dataclasses_of_the_package_are_made_from_a_text(name: str) -> None:
    text = f'{{"url": "https://a.org/", "meta": {{"__kept__": "{name}", "value": {{}}}}}}'
    with pytest.raises(TypeError, match="no dataclass"):
        from_text(text, SPIDER)


def test_a_dictionary_that_looks_like_a_mark_is_kept_as_it_is() -> None:
    request = Request("https://a.org/", meta={"x": {"__kept__": "os:system", "value": 1}})
    assert again(request).meta == request.meta
