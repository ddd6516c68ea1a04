"""Words of scraping for templates: ``{% load scrape_words %}``."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from scraping.models import CrawlTarget

register = template.Library()
# The rules of scraping.extract, as people would say it.
RULES = {
    "start": "the address itself",
    "link": "a link to a larger file",
    "anchor": "a link",
    "picture": "<picture>",
    "srcset": "srcset",
    "data": "a lazy image",
    "noscript": "<noscript>",
    "src": "an image",
    "background": "a background",
    "open_graph": "Open Graph",
    "twitter": "a Twitter card",
    "json_ld": "JSON-LD",
    "api": "an API's answer",
    "sitemap": "a sitemap",
}


# A target's state → the class of a job's state that looks the same.
_LOOKS = {
    CrawlTarget.State.WAITING: "queued",
    CrawlTarget.State.RUNNING: "running",
    CrawlTarget.State.FINISHED: "completed",
    CrawlTarget.State.STOPPED: "cancelled",
    CrawlTarget.State.FAILED: "failed",
}


@register.filter
def target_state(target: CrawlTarget) -> SafeString:
    """How an address of a crawl stands, as a dot and a word."""
    look = _LOOKS[CrawlTarget.State(target.state)]
    return format_html('<span class="state state-{}">{}</span>', look, target.get_state_display())


@register.filter
def rule(name: str) -> str:
    """What led to a picture."""
    return RULES.get(name, name.replace("_", " "))
