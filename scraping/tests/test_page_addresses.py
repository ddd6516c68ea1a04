import pytest

from scraping.page_addresses import is_foreign_file, is_image_file

SITE = "https://example.org"


@pytest.mark.parametrize(
    ("url", "is_file"),
    [
        ("/boat.jpg", True),
        ("/boat.JPEG?x=1", True),
        ("/boat", False),
        ("/boat.html?file=boat.jpg", False),
        ("/wiki/File:Boat.jpg", False),
        ("/wiki/Datei%3ABoat.jpg", False),
    ],
)
def test_a_picture_file_is_told_by_its_name(url, is_file):
    assert is_image_file(SITE + url) is is_file


def test_formats_that_are_not_taken_are_told():
    assert is_foreign_file(f"{SITE}/boat.avif?w=300")
    assert not is_foreign_file(f"{SITE}/boat.webp")
