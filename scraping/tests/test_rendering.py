import pytest

from scraping.rendering import needs_browser, stronger


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("off", "off", "off"),
        ("off", "auto", "auto"),
        ("auto", "off", "auto"),
        ("on", "auto", "on"),
        ("off", "on", "on"),
        ("unheard of", "off", "off"),
    ],
)
def test_of_two_wishes_the_stronger_holds(one, other, together):
    assert stronger(one, other) == together


@pytest.mark.parametrize(
    ("rules", "has_scripts", "needed"),
    [
        ([], True, True),
        ([], False, False),
        (["src"], True, False),
        (["open_graph", "twitter", "json_ld"], True, True),
        (["open_graph", "srcset"], True, False),
    ],
)
def test_a_page_that_shows_nothing_but_has_scripts_is_asked_for_again(rules, has_scripts, needed):
    assert needs_browser("auto", rules, has_scripts=has_scripts) == needed


@pytest.mark.parametrize("rendering", ["off", "on"])
def test_only_auto_asks_twice(rendering):
    assert not needs_browser(rendering, [], has_scripts=True)
