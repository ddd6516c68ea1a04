"""Choices for a crawl that belong together, under a name. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

PresetName = Literal["page", "gallery", "site"]


@dataclass(frozen=True)
class CrawlPreset:
    """label: what people call it; told: what it takes; options: of scraping.options."""

    label: str
    told: str
    options: Mapping[str, Any]


CRAWL_PRESETS: dict[str, CrawlPreset] = {
    "page": CrawlPreset(
        "This page only",
        "The pictures of the addresses themselves.",
        {
            "depth": 0,
            "follow_pagination": False,
            "use_sitemaps": False,
            "max_images": 200,
            "max_pages": 20,
            "max_megabytes": 2000,
            "max_minutes": 60,
        },
    ),
    "gallery": CrawlPreset(
        "A gallery",
        "All its pages, and what they link to.",
        {
            "depth": 1,
            "follow_pagination": True,
            "use_sitemaps": False,
            "max_images": 1000,
            "max_pages": 1000,
            "max_megabytes": 5000,
            "max_minutes": 360,
        },
    ),
    "site": CrawlPreset(
        "The whole site",
        "Everything that links and sitemaps lead to; it may take a day.",
        {
            "depth": 10,
            "follow_pagination": True,
            "use_sitemaps": True,
            "max_images": 10_000,
            "max_pages": 10_000,
            "max_megabytes": 20_000,
            "max_minutes": 24 * 60,
        },
    ),
}
"""All speak of the same options, so that one takes the place of another wholly."""
