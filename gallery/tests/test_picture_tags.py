"""What template tags promise the style sheets and icon files."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template, TemplateSyntaxError

from gallery.templatetags.pictures import enlargement, host, large_sizes, ratio_class, tile_sizes

ROOT = Path(settings.BASE_DIR)


def test_every_shape_of_picture_has_its_class() -> None:
    css = (ROOT / "static/css/ratios.css").read_text()
    known = set(re.findall(r"\.(ratio-\d+) ", css))
    sizes = [(1, 100_000), (100_000, 1)]
    sizes += [(width, 1000) for width in range(200, 3200)]
    assert {ratio_class(width, height) for width, height in sizes} == known


@pytest.mark.parametrize(
    ("size", "steps"),
    [
        ((64, 96), 4),
        ((128, 192), 3),
        ((256, 256), 2),
        ((512, 512), 1),
        ((4000, 3000), 1),
        ((1, 1), 4),
    ],
)
def test_tiny_pictures_are_enlarged(size: tuple[int, int], steps: int) -> None:
    assert enlargement(*size) == steps


@pytest.mark.parametrize(
    ("size", "told"),
    [
        ((900, 600), "(max-width: 719px) 52vw, 345px"),
        ((600, 900), "(max-width: 719px) 23vw, 153px"),
        ((9000, 600), "(max-width: 719px) 52vw, 506px"),
        ((600, 9000), "(max-width: 719px) 14vw, 92px"),
    ],
)
def test_a_tile_tells_about_how_wide_it_is(size: tuple[int, int], told: str) -> None:
    assert tile_sizes(*size) == told


def test_a_large_picture_is_as_wide_as_its_height_lets_it_be() -> None:
    assert large_sizes(600, 900) == (
        "(max-width: 899px) min(100vw, 0.667 * 78vh), min(100vw - 512px, 0.667 * (100vh - 104px))"
    )


def test_every_icon_in_a_template_is_there() -> None:
    files = [*ROOT.glob("templates/**/*.html")]
    used = {name for path in files for name in re.findall(r'{% icon "([^"]+)"', path.read_text())}
    there = {path.stem for path in ROOT.glob("static/icons/lucide/*.svg")}
    assert used
    assert used <= there


def test_an_unknown_icon_says_which_there_are() -> None:
    with pytest.raises(TemplateSyntaxError, match="There is no icon “nothing”"):
        Template('{% load icons %}{% icon "nothing" %}').render(Context())


def test_host_of_an_address() -> None:
    assert host("https://www.example.org:8000/a?b") == "www.example.org"
    assert host("no address") == "no address"
