import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraping.filters import FileFacts, icon, refusal, too_light, unasked, wanted_addresses
from scraping.options import CrawlOptions
from scraping.same_picture import Candidate

SITE = "https://example.org"


def offered(url: str, rule: str = "src", width: int | None = None, height: int | None = None):
    return Candidate((url if "://" in url else SITE + url,), rule, {}, width, height)


@pytest.mark.parametrize(
    "url",
    [
        "https://www.facebook.com/tr?id=1&ev=PageView",
        "https://www.google-analytics.com/collect?v=1",
        "https://ad.doubleclick.net/ddm/x",
        "https://pixel.example.net/a",
        "/matomo.php?idsite=1",
        "/tracking/pixel.gif",
        "/track.php",
        "/spacer.gif",
        "/img/blank-1x1.png",
        "/assets/1x1.png",
        "/ajax-loader.gif",
        "/loading.gif",
        "/placeholder_300x200.jpg",
        "/favicon-32x32.png",
        "/apple-touch-icon.png",
        "/smilies/wink.gif",
        "/wp-includes/images/rss.png",
        "/theme/sprite@2x.png",
        "/theme/search-icon.png",
    ],
)
def test_trackers_placeholders_and_icons_are_told_by_their_address(url):
    found = icon(offered(url))
    assert found is not None
    assert found.reason == "icon"
    assert found.detail.endswith(".")
    assert wanted_addresses((f"{SITE}/boat.jpg", offered(url).urls[0])) == (f"{SITE}/boat.jpg",)


@pytest.mark.parametrize(
    "url",
    [
        "/boat.jpg", "/icons/saint-nicholas.jpg", "/flags/france.png", "/silicon.png",
        "/blankets.jpg", "/pixel-art/boat.png", "/track/boat.jpg", "/loading-dock.jpg",
        "/photos/counter-top.jpg", "/iconic.jpg", "/transparent-boat.png", "/white.jpg",
        "/novgorod/icon-12.jpg", "https://pixel.example.net/imgs/2024/boat.jpg",
        "https://www.beacon.example.net/photos/boat.webp",
    ],
)  # fmt: skip
def test_pictures_of_things_that_are_called_so_stay(url):
    assert icon(offered(url)) is None
    assert wanted_addresses(offered(url).urls) == offered(url).urls


@pytest.mark.parametrize(
    ("rule", "width", "height", "is_icon"),
    [
        ("src", 1, 1, True), ("src", 0, 0, False), ("src", 32, 32, True), ("srcset", 48, 16, True),
        ("src", 48, 300, False), ("src", 32, None, False), ("src", None, None, False),
        ("link", 32, 32, False), ("anchor", 32, 32, False), ("json_ld", 32, 32, False),
        ("src", 300, 200, False),
    ],
)  # fmt: skip
def test_what_is_shown_very_small_is_an_icon_unless_it_leads_to_a_file(
    rule, width, height, is_icon
):
    found = icon(offered("/boat.jpg", rule, width, height))
    assert (found is not None) is is_icon


def test_what_is_not_taken_or_no_picture_need_not_be_asked_for():
    refused = unasked(offered("/boat.avif"))
    assert refused is not None
    assert (refused.reason, "AVIF" in refused.detail) == ("format", True)
    assert unasked(offered("/spacer.gif")) == icon(offered("/spacer.gif")) is not None
    assert unasked(offered("/boat.jpg")) is None


BOAT = FileFacts("jpeg", 1200, 800, 90_000)


@pytest.mark.parametrize(
    ("file", "chosen", "reason", "detail"),
    [
        (BOAT, CrawlOptions(), None, ""),
        (BOAT, CrawlOptions(min_width=1200, min_height=800), None, ""),
        (BOAT, CrawlOptions(min_width=1201), "small", "1200 × 800 pixels, less than 1201 × 200."),
        (BOAT, CrawlOptions(min_height=801), "small", "1200 × 800 pixels, less than 200 × 801."),
        (BOAT, CrawlOptions(min_megapixels=0.96), None, ""),
        (BOAT, CrawlOptions(min_megapixels=1), "small", "1200 × 800 pixels, less than 1 MP."),
        (BOAT, CrawlOptions(max_aspect_ratio=1.5), None, ""),
        (
            BOAT, CrawlOptions(max_aspect_ratio=1.4), "long",
            "1200 × 800 pixels: the long side is more than 1.4 times the short one.",
        ),
        (FileFacts("png", 800, 1200, 1), CrawlOptions(max_aspect_ratio=1.4), "long", "800 × 1200"),
        (BOAT, CrawlOptions(formats=("jpeg", "png")), None, ""),
        (BOAT, CrawlOptions(formats=("png",)), "format", "JPEG is not asked for; PNG is."),
        (BOAT, CrawlOptions(min_kilobytes=90), None, ""),
        (BOAT, CrawlOptions(min_kilobytes=91), "light", "bytes, less than 91 kB."),
    ],
)  # fmt: skip
def test_a_file_is_refused_by_the_first_thing_that_is_not_asked_for(file, chosen, reason, detail):
    found = refusal(file, chosen)
    if reason is None:
        assert found is None
    else:
        assert found is not None
        assert found.reason == reason
        assert detail in found.detail


def test_a_light_file_is_told_before_it_is_decoded():
    assert too_light(999, CrawlOptions(min_kilobytes=1)) is not None
    assert too_light(1000, CrawlOptions(min_kilobytes=1)) is None
    assert too_light(0, CrawlOptions()) is None


@given(st.text(alphabet="icon-spritepixel1x.0_/", max_size=200))
def test_any_address_is_judged(path: str) -> None:
    found = icon(offered("/" + path + "z"))
    assert found is None or found.reason == "icon"
