"""Pictures that a crawl before has seen: asked for only in case they changed, or not at all."""

from scraping.crawl_config import TargetConfig

UNCHANGED = "unchanged"
NOT_MODIFIED = 304
TOLD_BY_SERVER = "Its server says that it has not changed."
NOT_ASKED = "Seen before; its server does not tell whether it has changed."


def is_seen(target: TargetConfig, url: str) -> bool:
    return url in target.validators


def is_settled(target: TargetConfig, url: str) -> bool:
    """Whether it was seen at a server that told nothing to ask again with."""
    return target.validators.get(url) == ("", "")


def conditional_headers(target: TargetConfig, url: str) -> dict[str, str]:
    """Headers with which a server sends the picture only if it is another one now."""
    etag, last_modified = target.validators.get(url, ("", ""))
    headers = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    return {name: value for name, value in headers.items() if value}
