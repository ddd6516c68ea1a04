import math

import pytest

from scraping.image_services import served
from scraping.picture_sizes import sized

FLICKR = "https://live.staticflickr.com/65535"
TUMBLR = "https://64.media.tumblr.com"
WIX = "https://static.wixstatic.com/media/c8_1~mv2.jpg"
BLOGGER = "https://blogger.googleusercontent.com/img/b/R29/AVv"
WIKI = "https://upload.wikimedia.org/wikipedia/commons"
CLOUD = "https://res.cloudinary.com/d/image/upload"
SUBSTACK = "https://substackcdn.com/image/fetch"
IIIF = "https://iiif.example.org/2/obj1"
STATION = "https://cdna.artstation.com/p/assets/images/images/001/002/003"
SITE = "https://example.org"


@pytest.mark.parametrize(
    ("sizes", "pixels"),
    [
        # Each size of a photo may have a secret of its own.
        ([f"{FLICKR}/51_ab_m.jpg", f"{FLICKR}/51_ab.jpg", f"{FLICKR}/51_ab_b.jpg",
          f"{FLICKR}/51_cd_k.jpg", f"{FLICKR}/51_ef_o.png"], [240, 500, 1024, 2048, math.inf]),
        ([f"{TUMBLR}/8f/a3-5e/s75x75_c1/b.jpg", f"{TUMBLR}/8f/a3-5e/s640x960/a.jpg",
          f"{TUMBLR}/8f/a3-5e/s2048x3072/c.jpg"], [75, 960, 3072]),
        (["https://66.media.tumblr.com/tumblr_a1_75sq.jpg",
          "https://78.media.tumblr.com/8f/tumblr_a1_1280.jpg"], [75, 1280]),
        ([f"{WIX}/v1/fill/w_147,h_98,al_c,q_80,usm_0.66_1.00_0.01,blur_2,enc_auto/c8.jpg",
          f"{WIX}/v1/fit/w_2500,h_1330,al_c/c8_1~mv2.jpg", WIX], [147, 2500, math.inf]),
        ([f"{BLOGGER}/s72-c/boat.jpg", f"{BLOGGER}/w640-h480-p-k-no-nu/boat.jpg",
          f"{BLOGGER}/s4032/boat.jpg", f"{BLOGGER}/s0/boat.jpg"], [72, 640, 4032, math.inf]),
        (["https://lh3.googleusercontent.com/abc=w200-h100-no",
          "https://lh3.googleusercontent.com/abc=s0"], [200, math.inf]),
        (["https://pbs.twimg.com/media/AbC?format=jpg&name=small",
          "https://pbs.twimg.com/media/AbC.jpg", "https://pbs.twimg.com/media/AbC.jpg:large",
          "https://pbs.twimg.com/media/AbC?format=jpg&name=4096x4096"], [680, 1200, 2048, 4096]),
        ([f"{STATION}/20170101000000/smaller_square/boat.jpg?1", f"{STATION}/large/boat.jpg?1",
          f"{STATION}/4k/boat.jpg?1"], [200, 1920, 3840]),
        ([f"{SITE}/files/styles/thumbnail/public/2020/boat.jpg?itok=a",
          f"{SITE}/files/styles/max_1300x1300/public/2020/boat.jpg?itok=b&h=12ab",
          f"{SITE}/files/2020/boat.jpg"], [100, 1300, math.inf]),
        ([f"{SITE}/content/images/size/w600/2023/01/boat.jpg",
          f"{SITE}/content/images/size/w1000/format/webp/2023/01/boat.jpg",
          f"{SITE}/content/images/2023/01/boat.jpg"], [600, 1000, math.inf]),
        (["https://image.tmdb.org/t/p/w500/b.jpg", "https://image.tmdb.org/t/p/original/b.jpg"],
         [500, math.inf]),
        ([f"{IIIF}/full/300,/0/default.jpg", f"{IIIF}/full/!800,600/0/default.jpg",
          f"{IIIF}/full/max/0/default.jpg"], [300, 800, math.inf]),
        ([f"{WIKI}/thumb/a/ab/Boat.tif/lossy-page1-220px-Boat.tif.jpg",
          f"{WIKI}/thumb/a/ab/Boat.tif/lossy-page1-1200px-Boat.tif.jpg"], [220, 1200]),
        ([f"{WIKI}/thumb/a/ab/Boat.jpg/250px-Boat.jpg", f"{WIKI}/a/ab/Boat.jpg"], [250, math.inf]),
        ([f"{CLOUD}/c_fill,w_300,h_200/v1/boat.jpg", f"{CLOUD}/w_900/q_auto/v1/boat.jpg",
          f"{CLOUD}/f_auto,q_auto/v1/boat.jpg"], [300, 900, math.inf]),
        ([f"{SITE}/cdn-cgi/image/width=400,quality=75/img/boat.jpg", f"{SITE}/img/boat.jpg"],
         [400, math.inf]),
        (["https://i0.wp.com/example.org/boat.jpg?fit=300%2C200&ssl=1", f"{SITE}/boat.jpg"],
         [300, math.inf]),
        ([f"{SITE}/thumb.php?src=/photos/boat.jpg&w=200&zc=1", f"{SITE}/photos/boat.jpg"],
         [200, math.inf]),
    ],
)  # fmt: skip
def test_the_sizes_that_a_service_makes_are_one_picture(sizes, pixels):
    told = [sized(url) for url in sizes]
    assert len({each.picture for each in told}) == 1
    assert [each.pixels for each in told] == pixels


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{FLICKR}/51_ab_b.jpg", f"{FLICKR}/52_ab_b.jpg"),
        (f"{TUMBLR}/8f/a3-5e/s640x960/a.jpg", f"{TUMBLR}/8f/a4-5e/s640x960/a.jpg"),
        (WIX, WIX.replace("c8_1", "c8_2")),
        (f"{IIIF}/full/max/0/default.jpg", f"{IIIF}x/full/max/0/default.jpg"),
        # A part of a picture, and a side of a thing.
        (f"{IIIF}/0,0,100,100/max/0/default.jpg", f"{IIIF}/100,0,100,100/max/0/default.jpg"),
        (f"{CLOUD}/w_300/v1/boats/1.jpg", f"{CLOUD}/w_300/v1/ships/1.jpg"),
        (f"{CLOUD}/my_boats/1.jpg", f"{CLOUD}/my_ships/1.jpg"),
        (f"{SITE}/styles/large/public/1/boat.jpg", f"{SITE}/styles/large/public/2/boat.jpg"),
    ],
)  # fmt: skip
def test_different_pictures_of_a_service_stay_apart(one, other):
    assert sized(one).picture != sized(other).picture


@pytest.mark.parametrize(
    ("url", "original"),
    [
        (f"{WIX}/v1/fill/w_147,h_98,blur_2/c8_1~mv2.jpg", WIX),
        ("https://i0.wp.com/example.org/boat.jpg?w=300", f"{SITE}/boat.jpg"),
        (f"{SITE}/_next/image?url=%2Fm%2Fboat.jpg&w=640&q=75", f"{SITE}/m/boat.jpg"),
        (f"{SITE}/cdn-cgi/image/width=400/https://example.net/boat.jpg",
         "https://example.net/boat.jpg"),
        (f"{SUBSTACK}/$s_!a!,w_1456,c_limit/https%3A%2F%2Fexample.net%2Fboat.png",
         "https://example.net/boat.png"),
        (f"{CLOUD}/w_300/v1/boat.jpg", None),
        (f"{SITE}/thumb.php?src=boat.jpg&w=200", None),
        (f"{SITE}/boat.jpg", None),
    ],
)  # fmt: skip
def test_an_address_that_has_the_file_s_own_in_it_gives_it(url, original):
    assert sized(url).original == original


def test_an_address_in_an_address_is_read_too():
    inner = f"{WIX}/v1/fill/w_147,h_98/c8_1~mv2.jpg"
    told = served(f"https://i0.wp.com/{inner.removeprefix('https://')}?w=100")
    assert (told.url, told.pixels, told.original) == (WIX, 100, WIX)
