"""Sites that let in only what proves to be a person. Pure.

A crawl does not try to get past them: it ends there, with a sentence. Plain refusals (403 without a
challenge) are no protection in this sense, and neither is a form that has a CAPTCHA in it.
"""

import re
from collections.abc import Mapping

# Answers with which challenges come instead of the page that was asked for.
_CHALLENGED = frozenset({202, 401, 403, 405, 429, 503})
# A challenge is a small page; a large one with the same words is about something else.
_LARGEST = 60_000
# Who, and what stands in their pages.
_MARKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "Cloudflare",
        re.compile(r"/cdn-cgi/challenge-platform/|_cf_chl_opt|cf-browser-verification|cf_captcha"),
    ),
    ("DataDome", re.compile(r"captcha-delivery\.com|geo\.captcha-delivery|\bdatadome\b", re.I)),
    ("PerimeterX", re.compile(r"px-captcha|_pxCaptcha|captcha\.px-cdn\.net|perimeterx", re.I)),
    ("Imperva", re.compile(r"_Incapsula_Resource|Incapsula incident", re.I)),
    ("AWS WAF", re.compile(r"awswaf\.com|AwsWafIntegration", re.I)),
    ("a CAPTCHA", re.compile(r"hcaptcha\.com/1/api|js\.hcaptcha\.com|class=.h-captcha", re.I)),
    (
        "a CAPTCHA",
        re.compile(
            r"google\.com/recaptcha|recaptcha\.net/recaptcha|class=.g-recaptcha|"
            r"challenges\.cloudflare\.com/turnstile",
            re.I,
        ),
    ),
)
# Titles of pages that are nothing but a challenge, whatever status they come with.
_TITLE = re.compile(
    r"<title[^>]*>\s*(just a moment|attention required|checking your browser|"
    r"(please )?(verify|confirm|prove)[^<]{0,30}\b(human|robot)|are you (a )?(human|robot)|"
    r"robot check|security check|captcha|human verification|access to this page has been denied|"
    r"bot verification|ddos-guard)",
    re.I,
)


def protection(status: int, headers: Mapping[str, str], body: str) -> str | None:
    """Who challenges us, or None if nobody does.

    headers: names in lower case. body: of an HTML page, its text; empty for anything else.
    """
    if headers.get("cf-mitigated", "").strip().lower() == "challenge":
        return "Cloudflare"
    if headers.get("x-amzn-waf-action", "").strip().lower() in ("challenge", "captcha"):
        return "AWS WAF"
    refused = status in _CHALLENGED
    if refused and "x-datadome" in headers and status != 429:
        return "DataDome"
    if not body or len(body) > _LARGEST or not (refused or _TITLE.search(body)):
        return None
    return next((who for who, mark in _MARKS if mark.search(body)), None)


def sentence(host: str, who: str) -> str:
    """For an admin, why the crawl ends there."""
    by = "with a CAPTCHA" if who == "a CAPTCHA" else f"with {who}"
    return f"{host} lets in only people ({by}); crawls do not get around that."
