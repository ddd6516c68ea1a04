"""A crawl's process alone, without a job: what it says of a site."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from scraping.crawl_config import CrawlConfig, TargetConfig, to_json
from scraping.find_browser import find_browser
from scraping.options import CrawlOptions
from scraping.tests.site import OPEN_HOSTS

Names = dict[str, list[list[str]]]


@dataclass
class Told:
    """What a crawl said. log: its standard error."""

    events: list[dict[str, Any]]
    log: str
    code: int

    def all(self, event: str) -> list[dict[str, Any]]:
        return [one for one in self.events if one["event"] == event]

    @property
    def pictures(self) -> list[str]:
        return sorted(path(one["image_url"]) for one in self.all("picture"))

    @property
    def pages(self) -> list[str]:
        return sorted(path(one["url"]) for one in self.all("page"))

    @property
    def refused(self) -> dict[str, str]:
        return {path(one["image_url"]): one["reason"] for one in self.all("refused")}

    @property
    def troubles(self) -> list[str]:
        return [one["detail"] for one in self.all("trouble")]


def path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def config_of(url: str, spool: Path, **changes: Any) -> CrawlConfig:
    """One target, no pauses. changes: of CrawlConfig; options: a dict; rendering: as it says."""
    folder = spool / f"crawl-{len(list(spool.iterdir()))}"
    folder.mkdir()
    chosen = CrawlOptions(**{"depth": 1} | changes.pop("options", {}))
    rendering = changes.pop("rendering", "off")
    target = TargetConfig(1, url, str(folder), render_javascript=rendering)
    values: dict[str, Any] = {
        "spool": str(folder),
        "user_agent": "Imagineer/0.1 (test)",
        "targets": (target,),
        "options": chosen,
        "delay_s": 0,
        "timeout_s": 20.0,
        "allowed_hosts": tuple(OPEN_HOSTS),
        "browser": find_browser() or "" if rendering != "off" else "",
    }
    return CrawlConfig(**values | changes)


def command(names: Names | None) -> list[str]:
    """names: what a name server says (see child_with_names); None asks the real one."""
    if names is None:
        return [sys.executable, "-m", "scraping.crawl_process"]
    return [sys.executable, "-m", "scraping.tests.child_with_names", json.dumps(names)]


def crawl_alone(config: CrawlConfig, names: Names | None = None, timeout_s: float = 200) -> Told:
    done = subprocess.run(
        command(names), input=to_json(config).encode(), capture_output=True,
        cwd=settings.BASE_DIR, timeout=timeout_s, check=False,
    )  # fmt: skip
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return Told(events, done.stderr.decode(errors="replace"), done.returncode)
