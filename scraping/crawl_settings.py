"""What this installation's settings and a source say to a crawl's process."""

from pathlib import Path
from typing import Any

from django.conf import settings

from imagineer.jobs.registry import JobFailed
from scraping.crawl_config import CrawlConfig
from scraping.models import Source
from scraping.options import CrawlOptions
from scraping.rendering import Rendering, stronger
from scraping.sealed import SealBroken, unseal
from scraping.user_agent import with_contact


def configured(**own: Any) -> CrawlConfig:
    """A configuration as the settings want it. own: what the crawl alone knows."""
    return CrawlConfig(
        user_agent=with_contact(settings.SCRAPE_USER_AGENT, settings.SCRAPE_CONTACT),
        max_bytes=settings.MAX_IMAGE_BYTES,
        delay_s=settings.SCRAPE_DELAY,
        allowed_networks=tuple(settings.SCRAPE_ALLOWED_NETWORKS),
        allowed_hosts=tuple(settings.SCRAPE_ALLOWED_HOSTS),
        allowed_ports=tuple(int(port) for port in settings.SCRAPE_ALLOWED_PORTS),
        pace_folder=str(Path(settings.DATA_DIR) / "pace"),
        **own,
    )


def of_source(source: Source | None) -> dict[str, Any]:
    """A target's part that its source says. Raises JobFailed for a key that cannot be opened."""
    if source is None:
        return {}
    return {
        "kind": source.kind,
        "source": str(source.pk),
        "rate_limit": source.rate_limit,
        "api_key": _api_key(source),
        "mapping": source.mapping,
    }


def rendering_of(chosen: CrawlOptions, source: Source | None) -> Rendering:
    """What holds for the source's pages: its wish or the crawl's, whichever is stronger."""
    return stronger(chosen.render_javascript, source.render_javascript if source else "off")


def _api_key(source: Source) -> str:
    try:
        return unseal(source.sealed_api_key) if source.sealed_api_key else ""
    except SealBroken as broken:
        raise JobFailed(f"“{source}”: {broken}") from broken
