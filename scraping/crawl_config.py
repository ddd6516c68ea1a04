"""What a crawl in a child process is told, and the lines that it answers with.

The child gets one :class:`CrawlConfig` as JSON on its standard input and writes one JSON object a
line on its standard output; ``event`` says which, ``target`` the number of the target it is about:

- ``target_start``: Its requests begin, or go on after a kill.
- ``resumed``: pages, found, errors, trouble. How far the attempts before came; trouble: what was
  wrong with the target's start, or empty.
- ``page``: url, number. A page was read, the target's so many-th.
- ``found``: number. So many different pictures have been found so far.
- ``picture``: file (name in the spool folder), and what Sighting holds. Downloaded.
- ``refused``: what Sighting holds, reason, detail. A picture that was not kept.
- ``trouble``: url, detail, is_start, number. A page that could not be read, the so many-th.
- ``tried``: number, urls, robots. Of a preview's page: how many pages a crawl would go on to, the
  first of them, and what the page asks of robots.
- ``note``: text, level. A line for the log.
- ``target_end``: reason. Nothing more comes of this target; reason: finished, stopped, a limit
  that was reached (images, pages, bytes, minutes, downloads), or a sentence.
- ``end``: The last line of a whole crawl.

Numbers count over all attempts. After the CrawlConfig, which is one line, the process reads lines
``{"stop": a target's number, "reason": as in target_end}``.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from scraping import options
from scraping.addresses import PORTS, Reach, reach_from
from scraping.options import CrawlOptions
from scraping.rendering import Rendering


@dataclass(frozen=True)
class Sighting:
    """A picture where a page has it.

    found_by: the rule that found it. position: its place among the page's pictures, from 0.
    texts: what stands with it, by where: figcaption (of an API or a sitemap: its caption), alt,
    title, json_ld, heading, page_title; author (a credit, if it is no API's); of an API also tags
    (between commas) and rating.
    alt: the alternative text; caption: the best of all texts; both may be empty.
    """

    image_url: str
    page_url: str
    found_by: str = ""
    position: int | None = None
    alt: str = ""
    caption: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    etag: str = ""
    last_modified: str = ""

    def told_by(self, other: "Sighting") -> "Sighting":
        """The same file, as the other's page has it."""
        return replace(
            other, image_url=self.image_url, etag=self.etag, last_modified=self.last_modified
        )


@dataclass(frozen=True)
class TargetConfig:
    """One address of a crawl.

    number: the target's own, which its events bear. kind: which spider (scraping.spiders.choice).
    source: what all targets of one source share. rate_limit: requests a minute to all hosts of that
    source together, at most; 0 for no limit. max_downloads: picture files fetched at most.
    options: what is otherwise than in the whole crawl's. mapping, api_key: of a source that is an
    API. known_urls: pictures settled before at this target. validators: picture address → (ETag,
    Last-Modified) of the crawl before; where both are empty, the picture is passed over.
    pages_folder: where pages are kept for the next crawl; empty for nowhere. is_preview: links are
    told, and not followed. folder: where the target keeps what it goes on from after a
    kill.
    """

    number: int
    url: str
    folder: str
    kind: str = "pages"
    source: str = ""
    rate_limit: float = 0
    max_downloads: int = 2000
    render_javascript: Rendering = "off"
    options: dict[str, Any] = field(default_factory=dict)
    api_key: str = field(default="", repr=False)
    mapping: dict[str, Any] = field(default_factory=dict)
    known_urls: frozenset[str] = frozenset()
    validators: dict[str, tuple[str, str]] = field(default_factory=dict)
    pages_folder: str = ""
    is_preview: bool = False


@dataclass(frozen=True)
class CrawlConfig:
    """spool: a folder for downloads. max_bytes, max_page_bytes: of one picture, of one page.

    seconds_left: until the crawl's time is up.
    delay_s: pause between two requests to one host, at least. timeout_s: for one answer, whole.
    allowed_networks, allowed_hosts, allowed_ports: see scraping.addresses.reach_from. browser: path
    of a Chromium; without one, no page is opened in it. pace_folder: see scraping.shared_pace;
    empty where this crawl is the only one.
    """

    spool: str
    user_agent: str
    targets: tuple[TargetConfig, ...]
    options: CrawlOptions = field(default_factory=CrawlOptions)
    max_bytes: int = 50_000_000
    max_page_bytes: int = 10_000_000
    delay_s: float = 0.5
    timeout_s: float = 30.0
    seconds_left: float = 6 * 3600.0
    allowed_networks: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    allowed_ports: tuple[int, ...] = PORTS
    browser: str = ""
    pace_folder: str = ""

    @property
    def reach(self) -> Reach:
        return reach_from(self.allowed_networks, self.allowed_hosts, self.allowed_ports)

    def of(self, target: TargetConfig) -> "CrawlConfig":
        """With the options that hold for one of its targets."""
        chosen = options.from_json(self.options.as_json() | target.options)
        return replace(self, options=chosen)


def to_json(config: CrawlConfig) -> str:
    data = asdict(config) | {"options": config.options.as_json()}
    for target in data["targets"]:
        target["known_urls"] = sorted(target["known_urls"])
    return json.dumps(data)


def from_json(text: str) -> CrawlConfig:
    data: dict[str, Any] = json.loads(text)
    data["targets"] = tuple(_target(target) for target in data["targets"])
    data["options"] = options.from_json(data["options"])
    for name in ("allowed_networks", "allowed_hosts", "allowed_ports"):
        data[name] = tuple(data[name])
    return CrawlConfig(**data)


def _target(data: dict[str, Any]) -> TargetConfig:
    data["known_urls"] = frozenset(data["known_urls"])
    data["validators"] = {url: (etag, last) for url, (etag, last) in data["validators"].items()}
    return TargetConfig(**data)
