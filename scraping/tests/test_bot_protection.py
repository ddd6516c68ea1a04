"""Challenges are told from pages and from plain refusals."""

import pytest

from scraping.bot_protection import protection, sentence

CLOUDFLARE = (
    "<html><head><title>Just a moment...</title></head><body>"
    "<script>window._cf_chl_opt={cvId:'3'};</script>"
    '<script src="/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1"></script></body></html>'
)
DATADOME = (
    "<html><head><title>example.org</title></head><body><script>var dd={'host':"
    "'geo.captcha-delivery.com','cookie':'x'}</script></body></html>"
)
PERIMETERX = (
    "<html><head><title>Access to this page has been denied</title></head>"
    '<body><div id="px-captcha"></div><script src="//captcha.px-cdn.net/x.js"></script></body>'
)
HCAPTCHA = (
    "<title>Please verify you are human</title>"
    '<script src="https://js.hcaptcha.com/1/api.js"></script><div class="h-captcha"></div>'
)
RECAPTCHA = (
    "<title>Robot Check</title><script src='https://www.google.com/recaptcha/api.js'></script>"
)
IMPERVA = (
    "<html><iframe src='/_Incapsula_Resource?CWUDNSAI=9'>Request unsuccessful. "
    "Incapsula incident ID: 1</iframe></html>"
)
AWS = "<title>Human Verification</title><script src='https://x.awswaf.com/challenge.js'></script>"
FORM = (
    "<title>Write to us</title><form><div class='g-recaptcha'></div>"
    "<script src='https://www.google.com/recaptcha/api.js'></script></form>"
)


@pytest.mark.parametrize(
    ("status", "headers", "body", "who"),
    [
        (403, {"cf-mitigated": "challenge"}, "", "Cloudflare"),
        (200, {"cf-mitigated": "challenge"}, "", "Cloudflare"),
        (503, {"server": "cloudflare"}, CLOUDFLARE, "Cloudflare"),
        (403, {"x-datadome": "protected"}, "", "DataDome"),
        (403, {}, DATADOME, "DataDome"),
        (403, {}, PERIMETERX, "PerimeterX"),
        (200, {}, PERIMETERX, "PerimeterX"),
        (200, {}, HCAPTCHA, "a CAPTCHA"),
        (429, {}, RECAPTCHA, "a CAPTCHA"),
        (200, {}, RECAPTCHA, "a CAPTCHA"),
        (403, {}, IMPERVA, "Imperva"),
        (405, {"x-amzn-waf-action": "captcha"}, "", "AWS WAF"),
        (202, {"x-amzn-waf-action": "challenge"}, AWS, "AWS WAF"),
    ],
)
def test_challenges_are_known(status: int, headers: dict[str, str], body: str, who: str) -> None:
    assert protection(status, headers, body) == who


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {}, "<title>Boats</title><img src='1.png'>"),
        (200, {"server": "cloudflare", "cf-ray": "1"}, "<title>Boats</title>"),
        (200, {"x-datadome": "protected"}, "<title>Boats</title>"),
        (200, {}, FORM),
        (403, {}, "<title>403 Forbidden</title><h1>nginx</h1>"),
        (429, {"retry-after": "10"}, "Too many requests"),
        (503, {}, "<title>Down for maintenance</title>"),
        (404, {}, CLOUDFLARE.replace("Just a moment", "Not here")),
        (200, {}, "<title>Just a moment in time, a novel</title><img src='1.png'>"),
        (403, {}, "x" * 70_000 + "px-captcha"),
        (403, {"cf-mitigated": "nothing"}, ""),
    ],
)
def test_pages_and_plain_refusals_are_no_challenges(
    status: int, headers: dict[str, str], body: str
) -> None:
    assert protection(status, headers, body) is None


def test_an_admin_reads_who_it_was() -> None:
    assert sentence("example.org", "DataDome") == (
        "example.org lets in only people (with DataDome); crawls do not get around that."
    )
    assert "(with a CAPTCHA)" in sentence("example.org", "a CAPTCHA")
