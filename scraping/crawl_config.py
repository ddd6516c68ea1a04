"""What a crawl in a child process is told, and the lines that it answers with.

The child gets one :class:`CrawlConfig` as JSON on its standard input and writes one JSON object a
line on its standard output; ``event`` says which:

- ``page``: url. A page was read.
- ``found``: number. So many different pictures have been found so far.
- ``picture``: file (name in the spool folder), image_url, page_url, alt, caption. Downloaded.
- ``refused``: image_url, page_url, reason, detail, downloaded. A picture that was not kept.
- ``trouble``: url, detail, is_start. A page that could not be read.
- ``end``: reason: finished, stopped, or a limit that was reached. The last line of a whole crawl.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class CrawlConfig:
    """url: where to start. depth: links followed from there. spool: a folder for downloads.

    max_downloads: picture files fetched at most. max_bytes, max_total_bytes: of one picture, of
    all. delay_s: pause between two requests to one host. known_urls: pictures settled before.
    """

    url: str
    spool: str
    user_agent: str
    depth: int = 1
    max_pages: int = 100
    max_downloads: int = 2000
    max_bytes: int = 50_000_000
    max_page_bytes: int = 10_000_000
    max_total_bytes: int = 2_000_000_000
    delay_s: float = 0.5
    timeout_s: float = 30.0
    allowed_networks: tuple[str, ...] = ()
    known_urls: frozenset[str] = field(default_factory=frozenset)


def to_json(config: CrawlConfig) -> str:
    data = asdict(config)
    data["known_urls"] = sorted(config.known_urls)
    return json.dumps(data)


def from_json(text: str) -> CrawlConfig:
    data: dict[str, Any] = json.loads(text)
    data["known_urls"] = frozenset(data["known_urls"])
    data["allowed_networks"] = tuple(data["allowed_networks"])
    return CrawlConfig(**data)
