"""What a robots.txt lets this crawler ask for, however long or crooked the file is. No I/O.

Protego keeps each rule once for every name in its group, so that half a megabyte can become
gigabytes: it is given no more than a file may be long, and other crawlers under one name.
"""

import re
import zlib
from functools import lru_cache
from typing import Any

from protego import Protego

# Of one file; RFC 9309 asks for 500 KiB at least.
MOST_BYTES = 512_000
# Files whose rules are held ready; those of the thousands of hosts that a crawl meets lie packed.
_READY = 8
_NAME = re.compile(r"^\s*user[-\s]?agent(?:\s*:|\s)\s*([^#]*)", re.IGNORECASE)
_OTHERS = "User-agent: another-crawler"


def rules_for(body: bytes, agent: str) -> str:
    """The file's text, cut off where it is too long, in which all other crawlers have one name."""
    if len(body) > MOST_BYTES:
        body = body[:MOST_BYTES].rpartition(b"\n")[0]
    lines = body.decode("utf-8-sig", errors="ignore").splitlines()
    return "\n".join(_with_few_names(line, agent.lower()) for line in lines)


def _with_few_names(line: str, agent: str) -> str:
    named = _NAME.match(line)
    if named is None:
        return line
    # Some write a version too.
    name = named[1].partition("/")[0].strip().lower()
    # Protego takes a name with stars for the one without.
    name = name if name == "*" else name.replace("*", "")
    return f"User-agent: {name}" if name == "*" or (name and name in agent) else _OTHERS


class RobotsRules:
    """The rules of one host, as Scrapy wants a ROBOTSTXT_PARSER."""

    def __init__(self, body: bytes, agent: str) -> None:
        self._packed = zlib.compress(rules_for(body, agent).encode(), 1)

    @classmethod
    def from_crawler(cls, crawler: Any, robotstxt_body: bytes) -> "RobotsRules":
        return cls(robotstxt_body, crawler.settings["ROBOTSTXT_USER_AGENT"])

    def allowed(self, url: str, user_agent: str) -> bool:
        return bool(_parsed(self._packed).can_fetch(url, user_agent))

    def crawl_delay(self, user_agent: str) -> float | None:
        """Seconds; None where the file says nothing."""
        delay: float | None = _parsed(self._packed).crawl_delay(user_agent)
        return delay


@lru_cache(maxsize=_READY)
def _parsed(packed: bytes) -> Protego:
    return Protego.parse(zlib.decompress(packed).decode())
