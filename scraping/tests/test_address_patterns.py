import time

import pytest

from scraping.address_patterns import MOST_SLOW, PATIENCE_S, PatternRefused, Patterns, compiled

URL = "https://example.org/Gallery/boats/?page=12&sort=new"
SLOW = "/(a+)+$/"
# On which SLOW would go back and forth for longer than the universe lasts.
TRAP = "https://example.org/" + "a" * 500 + "!"


@pytest.mark.parametrize(
    ("text", "is_match"),
    [
        ("*/gallery/*", True),
        ("*/gallery/", False),
        ("*gallery*boats*new", True),
        ("*boats*gallery*", False),
        ("*", True),
        ("/gallery/*", True),
        ("/gallery/boats/?page=*", True),
        ("/boats/*", False),
        ("example.org/*", True),
        ("ample.org/*", False),
        ("https://example.org/gallery/*", True),
        ("http://example.org/*", False),
        ("*page=1", False),
        ("*page=12*", True),
        ("*[0-9]*", False),
        ("example.org/gallery/boats/?page=12&sort=new", True),
        ("*new*new", False),
        (r"/page=[0-9]+/", True),
        ("/page=[0-9]+$/", False),
        ("/^https:..example/", True),
        ("/Gallery/", True),
        ("/gallery/", False),
        ("/(?i)gallery/", True),
        ("//", False),
    ],
)
def test_a_pattern_matches_an_address_or_not(text: str, is_match: bool) -> None:
    assert compiled(text).matches(URL) is is_match


def test_a_glob_is_laid_over_the_path_of_a_bare_host() -> None:
    assert compiled("/").matches("https://example.org")
    assert compiled("/?a=*").matches("https://example.org?a=1")


def test_a_glob_of_many_stars_takes_no_time() -> None:
    started = time.monotonic()
    assert not compiled("*a" * 200 + "*b").matches("https://example.org/" + "a" * 1900)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "text", ["/(/", "/[/", "/a{5,1}/", "/*/", "/(?P<n/", "/(?<=a+)b/", "/" + "(" * 400 + "/"]
)
def test_what_is_no_regular_expression_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(PatternRefused, match="is no regular expression: "):
        compiled(text)


@pytest.mark.parametrize("text", ["/(((a{999}){999}){999})/", "/a{1001}/", "/(a{100}){,100}/"])
def test_one_that_would_take_all_memory_is_refused(text: str) -> None:
    with pytest.raises(PatternRefused, match="too often"):
        compiled(text)


def test_counted_repetitions_within_reason_are_taken() -> None:
    assert compiled("/^.{10,30}org.[A-Z]/").matches(URL)


def test_a_slow_one_is_given_up_and_leaves_the_page_unread() -> None:
    included, excluded = Patterns(include=[SLOW]), Patterns(exclude=[SLOW])
    started = time.monotonic()
    for _ in range(100):
        assert not included.wants(TRAP)
        assert not excluded.wants(TRAP)
    assert time.monotonic() - started < PATIENCE_S * MOST_SLOW * 2 + 3
    assert included.slow == excluded.slow == {SLOW}


def test_other_patterns_still_count_when_one_is_slow() -> None:
    assert Patterns(include=[SLOW, "*/aaa*"]).wants(TRAP)
    assert Patterns(include=["*/aaa*", SLOW]).slow == set()


@pytest.mark.parametrize(
    ("include", "exclude", "is_wanted"),
    [
        ([], [], True),
        (["*/boats/*"], [], True),
        (["*/cats/*"], [], False),
        (["*/cats/*", "*/boats/*"], [], True),
        ([], ["*/boats/*"], False),
        (["*/boats/*"], ["*sort=*"], False),
        ([], ["*/cats/*"], True),
    ],
)
def test_include_must_match_if_there_is_any_and_exclude_must_not(
    include: list[str], exclude: list[str], is_wanted: bool
) -> None:
    assert Patterns(include, exclude).wants(URL) is is_wanted
