import pytest

from scraping.robots_directives import asks_not_to_train, directives


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], set()),
        (["noai, NoImageAI"], {"noai", "noimageai"}),
        (["noindex", " noai "], {"noindex", "noai"}),
        (["otherbot: noai, noindex"], set()),
        (["Imagineer: noai"], {"noai"}),
        (["*: noai"], {"noai"}),
        (["otherbot: noindex, imagineer: noai, nofollow"], {"noai", "nofollow"}),
        (["max-snippet: 10, noai"], {"max-snippet: 10", "noai"}),
        (["unavailable_after: 25 Jun 2010 15:00:00 PST"],
         {"unavailable_after: 25 jun 2010 15:00:00 pst"}),
        ([",, ,"], set()),
    ],
)  # fmt: skip
def test_what_holds_for_everybody_and_for_us(headers: list[str], expected: set[str]) -> None:
    assert directives(headers, "Imagineer") == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [({"noai"}, True), ({"noimageai", "x"}, True), ({"noindex", "none"}, False), (set(), False)],
)
def test_only_the_two_words_keep_from_training(found: set[str], expected: bool) -> None:
    assert asks_not_to_train(found) is expected
