import pytest

from scraping.crawl_config import Sighting
from scraping.found_labels import labels_in, rating_in


def sighting(alt: str = "", caption: str = "", **texts: str) -> Sighting:
    return Sighting("https://a.org/1.png", "https://a.org/", alt=alt, caption=caption, texts=texts)


def test_captions_and_tags_become_labels_the_best_caption_last() -> None:
    found = sighting("A boat", "A red boat", tags="boat, red boat", author="Ann")
    assert list(labels_in(found)) == [
        ("caption", "A boat"),
        ("caption", "A red boat"),
        ("tag", "boat"),
        ("tag", "red boat"),
    ]


def test_the_same_caption_is_one_label_and_nothing_is_none() -> None:
    assert list(labels_in(sighting("A boat", "A boat"))) == [("caption", "A boat")]
    assert list(labels_in(sighting())) == []


@pytest.mark.parametrize(
    ("said", "rating"),
    [("e", "EXPLICIT"), ("Sketchy", "SUGGESTIVE"), ("sfw", "SAFE"), ("PG-13", "UNRATED")],
)
def test_a_rating_is_understood_or_left(said: str, rating: str) -> None:
    assert rating_in(sighting(rating=said)) == rating
    assert rating_in(sighting()) == "UNRATED"
