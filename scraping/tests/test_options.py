import json
from typing import Any

import pytest

from gallery import image_files
from scraping.options import FORMATS, CrawlOptions, OptionRefused, checked, from_json


def test_what_is_written_is_read_again() -> None:
    chosen = checked({"depth": 0, "formats": ["png"], "include": ["*/a/*"], "min_megapixels": 0.5})
    assert from_json(json.loads(json.dumps(chosen.as_json()))) == chosen


def test_what_an_earlier_version_wrote_gets_defaults_and_what_nobody_knows_is_left() -> None:
    assert from_json({"depth": 1, "gone": True}) == checked({"depth": 1})


def test_choices_go_over_those_of_another() -> None:
    of = checked({"depth": 1, "max_images": 5})
    assert checked({"max_images": 7, "depth": None}, of) == checked({"depth": 1, "max_images": 7})


def test_lines_are_trimmed_and_empty_ones_and_repeats_left_out() -> None:
    assert checked({"exclude": [" */a ", "", "*/a"]}).exclude == ("*/a",)


def test_hosts_are_written_as_addresses_have_them() -> None:
    hosts = ["WWW.Example.org", "example.org.", "bücher.example", "127.0.0.2"]
    assert checked({"allowed_domains": hosts}).allowed_domains == (
        "example.org",
        "xn--bcher-kva.example",
        "127.0.0.2",
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("depth", 11, "from 0 to 10"),
        ("depth", -1, "from 0 to 10"),
        ("depth", 1.5, "whole number"),
        ("depth", True, "whole number"),
        ("depth", "3", "whole number"),
        ("min_megapixels", "a", "a number"),
        ("min_megapixels", float("nan"), "from 0 to 200"),
        ("max_aspect_ratio", 0.75, "never less than once"),
        ("obey_robots", 1, "yes or no"),
        ("render_javascript", "always", "off, auto, on"),
        ("formats", ["svg"], "no format of these"),
        ("include", "a", "list of words"),
        ("include", [1], "list of words"),
        ("include", ["a" * 501], "at most 500"),
        ("include", [str(number) for number in range(51)], "At most 50"),
        ("colour", 1, "no option"),
        ("exclude", ["/(/"], "no regular expression"),
        ("include", ["/a{5000}/"], "too often"),
        ("allowed_domains", ["https://example.org/"], "name of a host"),
        ("allowed_domains", ["example.org/a"], "name of a host"),
        ("allowed_domains", ["a..b"], "name of a host"),
    ],
)
def test_what_is_not_possible_is_refused_with_its_name(name: str, value: Any, words: str) -> None:
    with pytest.raises(OptionRefused, match=words) as refused:
        checked({name: value})
    assert refused.value.field == name


def test_the_defaults_are_possible() -> None:
    defaults = CrawlOptions().as_json()
    assert checked(defaults) == CrawlOptions()


def test_formats_that_can_be_chosen_are_those_that_the_gallery_takes() -> None:
    assert set(FORMATS) == set(image_files.FORMATS)
