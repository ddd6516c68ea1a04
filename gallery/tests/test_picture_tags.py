"""What template tags promise the style sheets and icon files."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template, TemplateSyntaxError

from gallery.templatetags.charts import loss_chart, smoothed
from gallery.templatetags.pictures import enlargement, host, ratio_class

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


@pytest.mark.parametrize("history", [[], [[1, 0.5]], None, "x", [[1], ["a", "b"], [2, None]]])
def test_a_chart_without_two_points_is_left_out(history: object) -> None:
    assert loss_chart(history) == {"points": []}


def test_a_chart_leaves_out_what_is_no_number() -> None:
    chart = loss_chart([[1, 0.5], [2, float("nan")], [3, 0.25], [0, float("inf")]])
    assert chart["points"] == [(1.0, 0.5), (3.0, 0.25)]
    assert chart["raw"] == "M0.0 6.0L600.0 154.0"


def test_the_running_mean_keeps_a_straight_line() -> None:
    line = [(float(step), float(step)) for step in range(100)]
    assert smoothed(line) == line
