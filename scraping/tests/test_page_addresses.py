import math

import pytest

from scraping.page_addresses import is_foreign_file, is_image_file, sized

SITE = "https://example.org"
FLICKR = "https://live.staticflickr.com/65535"
UPLOAD = "https://res.example.net/shop/image/upload"


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ("/boat-300x200.jpg", "/boat-1024x683.jpg"),
        ("/boat-300x200.jpg", "/boat.jpg"),
        ("/boat-1024x683.jpg", "/boat-scaled.jpg"),
        ("/boat-300x200.jpg.webp", "/boat.jpg.webp"),
        ("/boat_300x.jpg?v=1", "/boat_1024x1024.jpg?v=1"),
        ("/boat.jpg?w=300", "/boat.jpg?w=1200&q=80"),
        ("/boat.jpg?resize=300%2C200&ssl=1", "/boat.jpg?ssl=1"),
        ("/boat.jpg?fit=crop&w=300", "/boat.jpg"),
        ("/boat_thumb.jpg", "/boat.jpg"),
        ("/thumb_boat.jpg", "/normal_boat.jpg"),
        ("/thumbs/boat.jpg", "/boat.jpg"),
        ("/small/boat.jpg", "/large/boat.jpg"),
        ("/thumb/a/ab/Boat.jpg/220px-Boat.jpg", "/a/ab/Boat.jpg"),
        ("/photo=s320", "/photo=w1600-h1200-no"),
        ("/b/s320/boat.jpg", "/b/s1600/boat.jpg"),
        ("/_next/image?url=%2Fboat.jpg&w=640&q=75", "/boat.jpg"),
        ("/thumb.php?src=/photos/boat.jpg&w=200", "/photos/boat.jpg"),
        ("/media/AbC?format=jpg&name=small", "/media/AbC?format=jpg&name=orig"),
        ("/image?id=4&width=200", "/image?id=4&width=900"),
        (f"{FLICKR}/123_abc_m.jpg", f"{FLICKR}/123_abc_b.jpg"),
        (f"{UPLOAD}/w_300,c_fill/boat.jpg", f"{UPLOAD}/w_900,c_fill/boat.jpg"),
        ("https://i0.wp.com/example.org/boat.jpg?w=300", "/boat.jpg"),
        ("http://www.example.org/boat-150x150.jpg", "/boat.jpg"),
    ],
)
def test_sizes_of_one_picture_are_told(small, large):
    one, other = (sized(url if "://" in url else SITE + url) for url in (small, large))
    assert one.picture == other.picture
    assert one.pixels < other.pixels


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/boat-1.jpg", "/boat-2.jpg"),
        ("/plate_a.jpg", "/plate_b.jpg"),
        ("/IMG-1200.jpg", "/IMG-1201.jpg"),
        ("/1/boat.jpg", "/2/boat.jpg"),
        ("/image?id=4", "/image?id=5"),
        ("/image?id=4&w=200", "/image?id=5&w=200"),
        ("/my_boats/1.jpg", "/my_ships/1.jpg"),
        ("/boat.jpg", "/boat.png"),
        ("/media/AbC?name=boat", "/media/AbC?name=ship"),
        ("/2024x/1.jpg", "/1.jpeg"),
        (":8000/boat.jpg", "/boat.jpg"),
    ],
)
def test_different_pictures_stay_apart(one, other):
    assert sized(SITE + one).picture != sized(SITE + other).picture


def test_an_address_without_a_size_is_the_original():
    assert sized(f"{SITE}/boat.jpg").pixels == math.inf
    assert sized(f"{SITE}/boat-640x480.jpg").pixels == 640


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
