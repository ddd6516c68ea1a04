"""What all targets of a crawl's process share."""

import json
import os
from dataclasses import dataclass
from typing import Any

from scrapy.exceptions import IgnoreRequest

from scraping.budget import Budget
from scraping.crawl_config import CrawlConfig
from scraping.pace import Pace


class TargetEnds(IgnoreRequest):  # type: ignore[misc]
    """What a request fails with that was in line when its target had to end."""


@dataclass
class CrawlState:
    """Hangs on each of Scrapy's crawlers as ``crawl_state``."""

    config: CrawlConfig
    budget: Budget
    pace: Pace

    def say(self, event: str, **values: Any) -> None:
        """One line on standard output, at once and whole."""
        data = (json.dumps({"event": event, **values}) + "\n").encode()
        while data:
            data = data[os.write(1, data) :]
