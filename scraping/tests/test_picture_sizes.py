import math

import pytest

from scraping.picture_sizes import sized

SITE = "https://example.org"
UPLOAD = "https://res.example.net/shop/image/upload"


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ("/boat-300x200.jpg", "/boat-1024x683.jpg"),
        ("/boat-300x200.jpg", "/boat.jpg"),
        ("/boat-75x75.jpg", "/boat.jpg"),
        ("/boat-1024x683.jpg", "/boat-scaled.jpg"),
        ("/boat-scaled.jpg", "/boat.jpg"),
        ("/boat-300x200.jpg.webp", "/boat.jpg.webp"),
        ("/boat_300x.jpg?v=1", "/boat_1024x1024.jpg?v=1"),
        ("/boat_1024x1024@2x.progressive.jpg?v=1", "/boat_master.jpg?v=1"),
        ("/boat_300x300_crop_center.jpg", "/boat_grande.jpg"),
        ("/boat.jpg?w=300", "/boat.jpg?w=1200&q=80"),
        ("/boat.jpg?w=300&cs=tinysrgb&auto=compress", "/boat.jpg"),
        ("/boat.jpg?resize=300%2C200&ssl=1", "/boat.jpg?ssl=1"),
        ("/boat.jpg?fit=crop&w=300", "/boat.jpg"),
        ("/boat?w=300&s=0123456789abcdef0123456789abcdef", "/boat?w=900&fit=max"),
        ("/boat.jpg?format=300w", "/boat.jpg?format=2500w"),
        ("/boat.jpg?q=w_400,c_fill", "/boat.jpg?q=w_1110,c_fill"),
        ("/boat_thumb.jpg", "/boat.jpg"),
        ("/thumb_boat.jpg", "/normal_boat.jpg"),
        ("/thumbs/boat.jpg", "/boat.jpg"),
        ("/small/boat.jpg", "/large/boat.jpg"),
        ("/large/boat.jpg", "/original/boat.jpg"),
        ("/web-large/boat.jpg", "/original/boat.jpg"),
        ("/_next/image?url=%2Fboat.jpg&w=640&q=75", "/boat.jpg"),
        ("/media/AbC?format=jpg&name=small", "/media/AbC?format=jpg&name=orig"),
        ("/image?id=4&width=200", "/image?id=4&width=900"),
        (f"{UPLOAD}/w_300,c_fill/boat.jpg", f"{UPLOAD}/w_900,c_fill/boat.jpg"),
        ("/photos/12/master/w_320,c_limit/boat.jpg", "/photos/12/master/w_1600,c_limit/boat.jpg"),
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
        ("/media/AbC?name=small", "/media/AbC?name=large"),
        ("/2024x/1.jpg", "/1.jpeg"),
        (":8000/boat.jpg", "/boat.jpg"),
        # Paper, not pixels.
        ("/poster-18x24.jpg", "/poster-24x36.jpg"),
        ("/20x30/plate.jpg", "/30x40/plate.jpg"),
        # Catalogue numbers that look like a service's sizes.
        ("/products/s100/front.jpg", "/products/s200/front.jpg"),
        ("/w1234/1.jpg", "/w1235/1.jpg"),
        ("/w_10/1.jpg", "/w_20/1.jpg"),
        ("/photo=s12", "/photo=s99"),
        ("/51_ab_m.jpg", "/51_ab_b.jpg"),
        # Words of the name.
        ("/full-moon.jpg", "/moon.jpg"),
        ("/small-table.jpg", "/large-table.jpg"),
        ("/square_table.jpg", "/table.jpg"),
        ("/cars/mini/1.jpg", "/cars/compact/1.jpg"),
        ("/master/1.jpg", "/raw/1.jpg"),
        # Parameters that are no sizes.
        ("/i.php?h=ab12cd", "/i.php?h=ef34ab"),
        ("/i.php?q=boat", "/i.php?q=ship"),
        ("/i.php?image=1.jpg&page=2", "/i.php?image=1.jpg&page=3"),
        ("/i.php?src=1.jpg&album=1", "/i.php?src=1.jpg&album=2"),
        ("/map?zoom=3&x=1", "/map?zoom=4&x=1"),
        ("/boat.jpg?crop=0,0,10,10", "/boat.jpg?crop=10,10,20,20"),
        ("/boat?s=0123456789abcdef0123456789abcdef", "/boat?s=1123456789abcdef0123456789abcdef"),
    ],
)
def test_different_pictures_stay_apart(one, other):
    assert sized(SITE + one).picture != sized(SITE + other).picture


def test_an_address_without_a_size_is_the_original():
    assert sized(f"{SITE}/boat.jpg").pixels == math.inf
    assert sized(f"{SITE}/boat-640x480.jpg").pixels == 640


def test_the_shape_is_told_where_the_name_has_both_sides():
    assert sized(f"{SITE}/boat-640x480.jpg").shape == pytest.approx(4 / 3)
    for path in ("/boat.jpg", "/boat-150x150.jpg", "/boat_640x.jpg", "/boat-640x00.jpg"):
        assert sized(SITE + path).shape is None
