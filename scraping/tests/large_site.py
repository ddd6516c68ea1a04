"""A site that takes a while to crawl, and what is said of a crawl that was killed in the middle."""

import time
from collections import Counter
from typing import Any

from scraping.tests.site import Answer, Site

PAGES = 24
A_PAGE = 3
# Scrapy's own limit on requests on their way.
ON_THEIR_WAY = 16


def fill(site: Site, pages: int = PAGES, slowness: float = 0.02) -> None:
    """Pages that link to three others each; every second has a picture that is too small."""
    for page in range(pages):
        links = [3 * page + n for n in (1, 2, 3) if 3 * page + n < pages]
        shown = range(page * A_PAGE, (page + 1) * A_PAGE)
        tags = "".join(f'<img src="/{n}.png" alt="Boat {n}">' for n in shown)
        if page % 2:
            tags += f'<img src="/tiny{page}.png">'
            site.picture(f"/tiny{page}.png", page, 8, 8)
        site.page(
            f"/{page}" if page else "/", tags + "".join(f'<a href="/{n}">n</a>' for n in links)
        )
        for number in shown:
            site.picture(f"/{number}.png", number)
    for path, answer in list(site.answers.items()):
        site.answers[path] = _slowly(answer, slowness)


def _slowly(answer: Any, seconds: float) -> Any:
    def after_a_while() -> Answer:
        time.sleep(seconds)
        made: Answer = answer
        return made

    return after_a_while


def files(pages: int = PAGES) -> tuple[int, int]:
    """(pictures that are taken, pictures that are too small)."""
    return pages * A_PAGE, pages // 2


def check_nothing_twice(site: Site, killed_after: list[int]) -> int:
    """Only what was on its way at a kill was asked for again; how many that were.

    killed_after: numbers of requests that the site had got by then.
    """
    paths = [path for path in site.asked if path != "/robots.txt"]
    again = {path: count for path, count in Counter(paths).items() if count > 1}
    for path, count in again.items():
        assert count <= len(killed_after) + 1
        first = site.asked.index(path)
        assert any(0 < kill - first <= 2 * ON_THEIR_WAY for kill in killed_after), path
    assert sum(count - 1 for count in again.values()) <= ON_THEIR_WAY * len(killed_after)
    return len(again)
