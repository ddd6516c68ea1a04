from typing import Any

import pytest

from scraping.following import MOST_ASKED, MOST_BARREN, MOST_NEXT_PAGES, Following, Step
from scraping.options import checked

START = "https://www.example.org/boats/"


def following(start: str = START, **chosen: Any) -> Following:
    return Following(start, checked(chosen))


def urls(steps: Any) -> list[str]:
    return [step.url for step in steps]


def onward(follow: Following, *links: str, page: Step | None = None) -> list[str]:
    return urls(follow.onward(page or Step(START), links))


@pytest.mark.parametrize(
    ("link", "is_read"),
    [
        ("https://example.org/cats/", True),
        ("http://example.org/cats/", True),
        ("https://pictures.example.org/", True),
        ("https://example.com/", False),
        ("https://notexample.org/", False),
        ("https://example.org.evil.net/", False),
        ("https://friends.net/", True),
        ("https://deep.friends.net/a", True),
        ("https://example.org/all.zip", False),
        ("https://example.org/film.mp4", False),
        ("mailto:a@example.org", False),
    ],
)
def test_pages_of_the_site_and_of_allowed_hosts_are_read(link: str, is_read: bool) -> None:
    follow = following(allowed_domains=["Friends.net"])
    assert bool(onward(follow, link)) is is_read


def test_the_same_page_under_two_addresses_is_read_once() -> None:
    follow = following()
    links = (
        "https://example.org/a?x=1&y=2",
        "https://example.org/a?y=2&x=1&utm_source=mail",
        "http://example.org/a/?y=2&x=1#top",
        "https://example.org/boats",
    )
    assert onward(follow, *links) == [links[0]]
    assert onward(follow, *links) == []


def test_an_address_is_asked_for_without_what_tells_visitors_apart() -> None:
    assert onward(following(), "https://example.org/a?utm_source=x&b=1") == [
        "https://example.org/a?b=1"
    ]


def test_patterns_decide_what_is_read_below_the_start() -> None:
    follow = following(include=["*/boats/*", "/page=[0-9]+/"], exclude=["*/boats/old/*"])
    links = [
        f"https://example.org{path}"
        for path in ("/boats/1", "/cats/1", "/boats/old/1", "/cats/?page=2", "/about")
    ]
    assert onward(follow, *links) == [links[0], links[3]]


def test_links_are_followed_as_deep_as_asked() -> None:
    follow = following(depth=2)
    first = list(follow.onward(Step(START), ["https://example.org/1"]))
    second = list(follow.onward(first[0], ["https://example.org/2"]))
    assert second == [Step("https://example.org/2", 2, 0)]
    assert list(follow.onward(second[0], ["https://example.org/3"])) == []


def test_next_pages_of_a_list_do_not_count_as_deeper() -> None:
    follow = following(depth=1)
    page = Step(START)
    for number in range(2, 8):
        url = f"{START}?page={number}"
        steps = list(follow.onward(page, [f"{START}picture/{number}", url], [url]))
        assert steps == [Step(url, 0, number - 1), Step(f"{START}picture/{number}", 1, 0)]
        page = steps[0]


def test_unless_they_shall() -> None:
    follow = following(depth=1, follow_pagination=False)
    url = f"{START}?page=2"
    steps = list(follow.onward(Step(START), [url], [url]))
    assert steps == [Step(url, 1, 0)]
    assert list(follow.onward(steps[0], [], [f"{START}?page=3"])) == []


def test_a_start_alone_has_no_next_page() -> None:
    follow = following(depth=0)
    assert list(follow.onward(Step(START), [f"{START}a"], [f"{START}?page=2"])) == []


def test_next_pages_need_not_match_what_is_included_but_may_be_excluded() -> None:
    follow = following(include=["*/photo/*"], exclude=["*page=3"])
    steps = follow.onward(
        Step(START), [f"{START}photo/1", f"{START}x"], [f"{START}?page=2", f"{START}?page=3"]
    )
    assert urls(steps) == [f"{START}?page=2", f"{START}photo/1"]


def test_a_list_that_never_ends_is_left_at_some_point() -> None:
    follow = following(depth=1, max_pages=100_000)
    page, read = Step(START), 0
    while True:
        follow.was_read(page.url, new_pictures=1)
        steps = list(follow.onward(page, [], [f"{START}?page={read + 2}"]))
        if not steps:
            break
        page, read = steps[0], read + 1
    assert read == MOST_NEXT_PAGES


def test_pages_are_asked_for_to_a_bound_above_what_may_be_read() -> None:
    follow = following(max_pages=4)
    most = 4 * MOST_ASKED
    assert len(onward(follow, *(f"https://example.org/{n}" for n in range(most - 1)))) == most - 1
    assert (follow.is_full, follow.left_out) == (True, False)
    assert urls(follow.named(["https://example.org/2", "https://example.org/x"])) == []
    assert follow.left_out


def test_a_calendar_without_pictures_is_left_and_a_gallery_is_not() -> None:
    follow = following(max_pages=100_000, depth=10)
    for number in range(MOST_BARREN + 20):
        [gallery] = follow.onward(Step(START), [f"{START}photo/{number}"])
        follow.was_read(gallery.url, new_pictures=1)
        for day in follow.onward(Step(START), [f"{START}calendar?day={number}"]):
            follow.was_read(day.url, new_pictures=0)
    assert len([key for key in follow.seen if "calendar" in key]) == MOST_BARREN
    assert onward(follow, f"{START}about") == [f"{START}about"]


def test_a_picture_now_and_then_keeps_a_list_alive() -> None:
    follow = following(max_pages=100_000)
    for number in range(3 * MOST_BARREN):
        assert onward(follow, f"{START}day/{number}")
        follow.was_read(f"{START}day/{number}", new_pictures=int(number % (MOST_BARREN - 1) == 0))


def test_a_maze_of_addresses_is_not_entered() -> None:
    assert (
        onward(following(), "https://example.org/a/b/a/b/a/b/a/b", f"{START}?add-to-cart=1") == []
    )


def test_a_start_that_redirects_still_names_the_site() -> None:
    follow = following("https://old.net/")
    follow.start_is_at("https://www.new.org/home")
    assert onward(follow, "https://new.org/a", "https://old.net/b", "https://new.org/home/") == [
        "https://new.org/a",
        "https://old.net/b",
    ]


def test_a_page_that_is_another_one_or_elsewhere_is_not_read_where_it_arrives() -> None:
    follow = following()
    assert onward(follow, f"{START}a", f"{START}b", f"{START}c")
    assert follow.arrived(f"{START}a", f"{START}a/")
    assert not follow.arrived(f"{START}b", f"{START}a")
    assert not follow.arrived(f"{START}b", "https://example.com/")
    assert follow.arrived(f"{START}b", f"{START}new")
    assert not follow.arrived(f"{START}c", f"{START}new")
    assert onward(follow, f"{START}new") == []


def test_pages_that_a_sitemap_names_are_read_once_and_by_the_same_rules() -> None:
    follow = following(exclude=["*/old/*"])
    named = [f"{START}1", f"{START}old/2", f"{START}3", f"{START}1", "https://example.com/"]
    assert list(follow.named(named)) == [Step(f"{START}1", 1), Step(f"{START}3", 1)]
