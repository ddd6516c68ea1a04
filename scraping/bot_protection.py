"""Sites that let in only what proves to be a person. Pure.

A crawl does not try to get past them: it ends there, with a sentence. Plain refusals (403 without a
challenge) are no protection in this sense, and neither is a page that has a CAPTCHA in its form, or
the scripts with which such protections watch those whom they have let in.
"""

import re
from collections.abc import Mapping

# Answers with which challenges come instead of the page that was asked for.
_CHALLENGED = frozenset({202, 401, 403, 405, 428, 429, 503})
LARGEST = 60_000
"""Characters of a challenge; a larger page with the same words is about something else."""
# It shows little else: so many links at most, and nothing to sign in with.
_MOST_LINKS = 5
_LINK = re.compile(r"<a\s", re.I)
_PASSWORD = re.compile(r"<input[^>]{0,500}type\s*=\s*[\"']?password", re.I)
_CAPTCHA = "a CAPTCHA"
# Header → its values, by which a challenge is known at once.
_HEADERS: tuple[tuple[str, frozenset[str], str], ...] = (
    ("cf-mitigated", frozenset({"challenge"}), "Cloudflare"),
    ("x-amzn-waf-action", frozenset({"challenge", "captcha"}), "AWS WAF"),
    ("x-vercel-mitigated", frozenset({"challenge"}), "Vercel"),
)
# Elements of challenges that come as if all were well.
_ELEMENTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("Anubis", re.compile(r"<script[^>]{0,200}\bid=[\"']?anubis_challenge\b", re.I)),
    ("SiteGround", re.compile(r"<meta[^>]{0,200}/\.well-known/(?:sg)?captcha/", re.I)),
)
# What stands in a challenge, and not on the pages of those who are let in.
_MARKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "Cloudflare",
        re.compile(
            r"/cdn-cgi/challenge-platform/[^\"'\s]{0,40}orchestrate/|_cf_chl_opt|"
            r"cf-browser-verification|cf_captcha"
        ),
    ),
    ("DataDome", re.compile(r"captcha-delivery\.com", re.I)),
    ("PerimeterX", re.compile(r"px-captcha|_pxCaptcha|captcha\.px-(?:cdn|cloud)\.net", re.I)),
    (
        "Imperva",
        re.compile(
            r"_Incapsula_Resource\?(?!SWJIYLWA)|Incapsula incident|onProtectionInitialized|"
            r"distil_r_",
            re.I,
        ),
    ),
    (
        "AWS WAF",
        re.compile(r"\bgokuProps\b|captcha\.awswaf\.com|awswaf\.com/[^\"'\s]{0,200}captcha"),
    ),
    ("Anubis", re.compile(r"/\.within\.website/x/cmd/anubis/", re.I)),
    ("DDoS-Guard", re.compile(r"/\.well-known/ddos-guard/", re.I)),
    ("Sucuri", re.compile(r"sucuri_cloudproxy", re.I)),
    ("Akamai", re.compile(r"sec-if-cpt-container|sec-cpt-if", re.I)),
)
# What forms of ordinary pages have too; a challenge shows nothing beside it.
_WIDGETS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("AWS WAF", re.compile(r"awswaf\.com|AwsWafIntegration", re.I)),
    (
        _CAPTCHA,
        re.compile(
            r"hcaptcha\.com/1/api|js\.hcaptcha\.com|class=.h-captcha|google\.com/recaptcha|"
            r"recaptcha\.net/recaptcha|class=.g-recaptcha|challenges\.cloudflare\.com/turnstile|"
            r"smartcaptcha\.yandexcloud\.net",
            re.I,
        ),
    ),
)
# Titles of pages that are nothing but a challenge, whatever status they come with.
_TITLE = re.compile(
    r"<title[^>]*>\s*(just a moment|attention required|checking your browser|"
    r"(please )?(verify|confirm|prove)[^<]{0,30}\b(human|robot)|are you (not )?(a )?(human|robot)|"
    r"robot check|robot challenge|security check|captcha|human verification|"
    r"access to this page has been denied|bot verification|ddos-guard|pardon our interruption|"
    r"making sure you[^<]{1,8}re not a bot|vercel security checkpoint|you are being redirected)",
    re.I,
)


def protection(status: int, headers: Mapping[str, str], body: str) -> str | None:
    """Who challenges us, or None if nobody does.

    headers: names in lower case. body: the answer's text; empty for anything else.
    """
    for name, values, who in _HEADERS:
        if headers.get(name, "").strip().lower() in values:
            return who
    refused = status in _CHALLENGED
    if refused and "x-dd-b" in headers:
        return "DataDome"
    if not body or len(body) > LARGEST:
        return None
    if (found := _first(_ELEMENTS, body)) is not None:
        return found
    if not (refused or _TITLE.search(body)):
        return None
    found = _first(_MARKS, body)
    return _first(_WIDGETS, body) if found is None and _is_bare(body) else found


def _first(known: tuple[tuple[str, re.Pattern[str]], ...], body: str) -> str | None:
    return next((who for who, mark in known if mark.search(body)), None)


def _is_bare(body: str) -> bool:
    """Whether a page shows no more than a challenge does."""
    return len(_LINK.findall(body)) <= _MOST_LINKS and not _PASSWORD.search(body)


def sentence(host: str, who: str) -> str:
    """For an admin, why the crawl ends there."""
    by = "with a CAPTCHA" if who == _CAPTCHA else f"with {who}"
    return f"{host} lets in only people ({by}); crawls do not get around that."
