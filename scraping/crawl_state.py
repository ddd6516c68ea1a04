"""What all targets of a crawl's process share."""

import json
import os
from dataclasses import dataclass, field
from typing import Any

from scrapy.exceptions import IgnoreRequest

from scraping.at_once import AtOnce
from scraping.budget import Budget
from scraping.crawl_config import CrawlConfig
from scraping.held_bytes import HeldBytes
from scraping.pace import Pace
from scraping.spool import Spooled


class TargetEnds(IgnoreRequest):  # type: ignore[misc]
    """What a request fails with that was in line when its target had to end."""


@dataclass
class CrawlState:
    """Hangs on each of Scrapy's crawlers as ``crawl_state``."""

    config: CrawlConfig
    budget: Budget
    pace: Pace
    at_once: AtOnce = field(default_factory=AtOnce)
    spooled: Spooled = field(default_factory=Spooled)
    inflated: HeldBytes = field(default_factory=HeldBytes)

    def say(self, event: str, **values: Any) -> None:
        """One line on standard output, at once and whole."""
        data = (json.dumps({"event": event, **values}) + "\n").encode()
        while data:
            data = data[os.write(1, data) :]
