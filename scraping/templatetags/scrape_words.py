"""Words of scraping for templates: ``{% load scrape_words %}``."""

from django import template

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


@register.filter
def rule(name: str) -> str:
    """What led to a picture."""
    return RULES.get(name, name.replace("_", " "))
