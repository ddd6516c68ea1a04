"""What the API of crawls and sources takes in, and what it answers."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Field, Schema
from pydantic import BeforeValidator

from imagineer.inputs import Flag, In, RowId, Whole
from imagineer.texts import Line, Text
from scraping.crawl_presets import PresetName
from scraping.models import Source
from scraping.options import BOUNDS, FORMATS, MOST_PATTERNS, CrawlOptions
from scraping.rendering import Rendering
from scraping.runs import MOST_TARGETS
from scraping.source_presets import SOURCE_PRESETS
from scraping.sources import LONGEST_KEY, LONGEST_NAME, MOST_IMAGES, RATES

Number = Annotated[float, Field(strict=True)]
Patterns = Annotated[list[Text], Field(max_length=MOST_PATTERNS)]


def _number(name: str, told: str) -> Any:
    least, most = BOUNDS[name]
    return Field(default=getattr(CrawlOptions, name), ge=least, le=most, description=told)


def _default(name: str, told: str) -> Any:
    value = getattr(CrawlOptions, name)
    return Field(
        default=list(value) if isinstance(value, tuple) else value,
        description=told,
    )


class OptionsIn(In):
    """How a crawl goes about its work. What is left out is as the sources want it, else this."""

    depth: Whole = _number("depth", "Links followed from the start; 0 reads it alone.")
    max_images: Whole = _number(
        "max_images", "Pictures taken at most, in all. Of sources alone: the sum of theirs."
    )
    max_pages: Whole = _number("max_pages", "Pages read at most.")
    max_megabytes: Whole = _number("max_megabytes", "Fetched at most, in 10**6 bytes.")
    max_minutes: Whole = _number("max_minutes", "From the crawl's start.")
    render_javascript: Rendering = _default(
        "render_javascript", "“auto” opens pages that show no picture otherwise in a browser."
    )
    allowed_domains: Patterns = _default(
        "allowed_domains", "Hosts beside the start's own whose pages are read."
    )
    include: Patterns = _default(
        "include",
        "Pages that are read match one of these, if there are any: globs (“*/gallery/*”) or, "
        "between slashes, regular expressions.",
    )
    exclude: Patterns = _default("exclude", "Pages that are read match none of these.")
    follow_pagination: Flag = _default(
        "follow_pagination", "The next pages of a list count as no deeper."
    )
    use_sitemaps: Flag = _default("use_sitemaps", "Also read what the site's sitemaps name.")
    min_width: Whole = _number("min_width", "Pixels.")
    min_height: Whole = _number("min_height", "Pixels.")
    min_megapixels: Number = _number("min_megapixels", "0 for any.")
    max_aspect_ratio: Number = _number("max_aspect_ratio", "Long side by short side; 0 for any.")
    min_kilobytes: Whole = _number("min_kilobytes", "Of the file, in 10**3 bytes.")
    formats: Patterns = _default("formats", f"Of {', '.join(FORMATS)}; empty for all.")
    near_distance: Whole = _number(
        "near_distance", "Bits of 64 in which two pictures that count as the same may differ."
    )
    obey_robots: Flag = _default("obey_robots", "Obey robots.txt and its crawl-delay.")
    respect_noai: Flag = _default("respect_noai", "Leave alone what says noai or noimageai.")
    auto_create_album: Flag = _default("auto_create_album", "Make an album of what is taken.")
    only_new: Flag = _default("only_new", "Of a source crawled before, what is new or changed.")


class SourceAsked(In):
    """A source to crawl; its id alone does as well."""

    id: RowId
    url: Text = Field(default="", description="Where to start instead of at its own address.")
    name: Text = Field(default="", description="What to look up there, instead of an address.")
    max_images: Whole | None = Field(
        default=None,
        ge=BOUNDS["max_images"][0],
        le=BOUNDS["max_images"][1],
        description="Taken from it at most; never more than it says itself.",
    )


def _source_of_id(value: Any) -> Any:
    return {"id": value} if isinstance(value, int | str) else value


class CrawlIn(OptionsIn):
    """Where to start (url, urls, sources, or some of each) and how."""

    url: Text = Field(default="", description="Where to start; http or https.")
    urls: list[Text] = Field(default=[], max_length=MOST_TARGETS, description="Several of them.")
    sources: list[Annotated[SourceAsked, BeforeValidator(_source_of_id)]] = Field(
        default=[], max_length=MOST_TARGETS, description="Ids, or objects of them."
    )
    album_name: Text = Field(default="", description="“Scraped <site>” if empty.")
    preset: Literal[PresetName, ""] = Field(
        default="", description="Options that belong together; each may be given besides."
    )


class CountsOut(Schema):
    pages: int
    discovered: int
    downloaded: int
    filtered: int
    duplicate: int
    imported: int
    errors: int


class CrawlRow(CountsOut):
    """What only admins are told is null for others; of options, those that name addresses."""

    id: int
    job_id: UUID
    status: str
    url: str | None
    album_name: str | None
    album_id: int | None
    options: dict[str, Any]
    message: str | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class TargetOut(CountsOut):
    """One of a crawl's addresses. options: what it does otherwise than the rest."""

    state: str
    url: str | None
    source_id: int | None
    source: str | None
    max_images: int | None
    options: dict[str, Any]
    ended_because: str | None


class CrawlOut(CrawlRow):
    """refusals: reason → pictures refused for it, each counted up to 10 000."""

    targets: list[TargetOut]
    refusals: dict[str, int]


class CrawlsOut(Schema):
    items: list[CrawlRow]
    next: str | None


class SourceChange(In):
    """What is left out stays as it is."""

    name: Line = Field(default="", max_length=LONGEST_NAME)
    base_url: Text = Field(default="", description="Where a crawl of it begins.")
    kind: Literal["pages", "sitemap", "api"] = "pages"
    enabled: Flag = True
    rate_limit: Whole = Field(
        default=60, ge=RATES[0], le=RATES[1], description="Requests a minute to one host, at most."
    )
    trust_level: Literal["high", "medium", "low"] = Field(
        default="medium",
        description="Of two sources with the same picture, whose words and file are preferred.",
    )
    max_images: Whole = Field(
        default=1000,
        ge=MOST_IMAGES[0],
        le=MOST_IMAGES[1],
        description="Pictures that one crawl takes from it, at most.",
    )
    render_javascript: Rendering = "off"
    lookup_url: Text = Field(
        default="", description="Where it is searched by name; {name} stands for that."
    )
    api_key: Text = Field(
        default="",
        max_length=LONGEST_KEY,
        description="Kept encrypted and never shown again; empty takes it away.",
    )
    mapping: dict[str, Any] = Field(
        default={}, description="For an API: where in its answers everything is."
    )
    options: dict[str, Any] = Field(
        default={}, description="What its crawls do otherwise than by default."
    )
    schedule: Text = Field(
        default="",
        description="When what is new is fetched: a cron expression; empty for never.",
    )


class SourceIn(SourceChange):
    """``name`` and ``base_url`` are needed, unless a preset has them."""

    preset: Text = Field(
        default="",
        max_length=50,
        description=f"A site that is known, of {', '.join(SOURCE_PRESETS)}; what is given besides "
        "goes before what it says.",
    )


class SourceOut(Schema):
    """has_api_key: it has one, which nobody is shown. imported: pictures taken from it in all."""

    id: int
    name: str
    base_url: str
    kind: str
    enabled: bool
    rate_limit: int
    trust_level: str
    max_images: int
    render_javascript: str
    lookup_url: str
    has_api_key: bool
    mapping: dict[str, Any]
    options: dict[str, Any]
    schedule: str
    schedule_in_words: str
    next_crawl_at: datetime | None
    imported: int
    last_crawl_id: int | None
    last_crawl_at: datetime | None
    created_at: datetime

    @staticmethod
    def resolve_has_api_key(source: Source | Mapping[str, Any]) -> bool:
        return bool(getattr(source, "sealed_api_key", ""))


class SourcesOut(Schema):
    items: list[SourceOut]
    next: str | None


class TotalsOut(CountsOut):
    crawls: int


class SourceTotalsOut(TotalsOut):
    """source_id, source: null for addresses that belong to none."""

    source_id: int | None
    source: str | None


class DayOut(TotalsOut):
    date: date


class StatsOut(Schema):
    """Of the newest 10 000 crawls, and addresses of crawls; is_all: there are no more."""

    is_all: bool
    totals: TotalsOut
    sources: list[SourceTotalsOut]
    days: list[DayOut]
