"""Rules are read as they are meant, whatever stands around them."""

import pytest

from scraping.robots_rules import MOST_BYTES, RobotsRules, rules_for

URL = "https://example.org/closed/1.png"


def allows(text: str, url: str = URL) -> bool:
    return RobotsRules(text.encode(), "Imagineer").allowed(url, "Imagineer")


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("", True),
        ("User-agent: *\nDisallow: /closed/", False),
        ("\ufeffUser-agent: *\r\nDisallow: /closed/", False),
        ("User-agent: Imagineer\nDisallow: /closed/\n\nUser-agent: *\nDisallow:", False),
        ("USER-AGENT: IMAGINEER\nDisallow: /closed/", False),
        ("User-agent: Imagineer/0.1\nDisallow: /closed/", False),
        ("User-agent: Imagineer # us\nDisallow: /closed/", False),
        ("User-agent: imagineer*\nDisallow: /closed/", False),
        ("user agent imagineer\nDisallow: /closed/", False),
        ("User-agent: other\nUser-agent: Imagineer\nDisallow: /closed/", False),
        ("User-agent: other\nDisallow: /closed/", True),
        ("User-agent: other\nDisallow: /\n\nUser-agent: third\nDisallow: /closed/", True),
        ("User-agent: *\nDisallow: /\n\nUser-agent: Imagineer\nDisallow: /none", True),
        ("User-agent: *\nAllow: /\nDisallow: /closed/\nAllow: /closed/*.png$", True),
        ("User-agent: other\nDisallow: /\nUser-agent: *\nDisallow: /closed/", False),
    ],
)
def test_rules_of_our_group_count(text: str, may: bool) -> None:
    assert allows(text) is may


def test_a_crawl_delay_is_ours_alone() -> None:
    text = b"User-agent: other\nCrawl-delay: 9\n\nUser-agent: *\nCrawl-delay: 2\n"
    assert RobotsRules(text, "Imagineer").crawl_delay("Imagineer") == 2
    assert RobotsRules(b"", "Imagineer").crawl_delay("Imagineer") is None


def test_a_file_is_read_as_far_as_half_a_megabyte_and_to_the_end_of_a_line() -> None:
    line = b"Disallow: /closed/\n"
    before = b"User-agent: *\n" + b"#" * (MOST_BYTES - len(b"User-agent: *\n") - len(line) - 1)
    assert not RobotsRules(before + b"\n" + line + b"#more", "Imagineer").allowed(URL, "Imagineer")
    assert RobotsRules(before + b"##\n" + line, "Imagineer").allowed(URL, "Imagineer")


def test_other_crawlers_have_one_name() -> None:
    text = rules_for(b"User-agent: one\nUser-agent: two*\nUser-agent:\nDisallow: /x\n", "Imagineer")
    assert len(set(text.splitlines())) == 2
