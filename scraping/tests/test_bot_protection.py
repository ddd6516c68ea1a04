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


DATADOME_JSON = '{"url":"https://geo.captcha-delivery.com/captcha/?initialCid=x&hash=y"}'
ANUBIS = (
    "<!doctype html><html lang='de'><head><title>Einen Moment</title>"
    '<script id="anubis_version" type="application/json">"1.21"</script>'
    '<script id="anubis_challenge" type="application/json">{"rules":{"difficulty":4}}</script>'
    '</head><body><img src="/.within.website/x/cmd/anubis/static/img/pensive.webp"></body></html>'
)
SITEGROUND = (
    '<html><head><meta http-equiv="refresh" content="0;/.well-known/sgcaptcha/?r=%2F&y=ipr:1">'
    "</meta></head></html>"
)
SUCURI = (
    "<html><title>You are being redirected...</title><noscript>Javascript is required.</noscript>"
    "<script>var s={},u,c,U,r,i,l=0,a,e=eval,sucuri_cloudproxy_js='';</script>"
)
DDOS_GUARD = (
    "<html><head><title>DDOS-GUARD</title>"
    '<script src="/.well-known/ddos-guard/js-challenge/index.js"></script></head></html>'
)
DISTIL = (
    "<title>Pardon Our Interruption</title>"
    "<script>var isSpa = false; window.onProtectionInitialized = function(p) {};</script>"
)
SORRY = (
    "<title>https://www.google.com/search?q=boats</title><form id='captcha-form'>"
    "<div class='g-recaptcha'></div><script src='https://www.google.com/recaptcha/api.js'></script>"
    "</form><a href='//support.google.com/'>Why did this happen?</a>"
)
# --- Pages of those who are let in.
NAVIGATION = "".join(f'<a href="/{page}">{page}</a>' for page in ("a", "b", "c", "d", "e", "f"))
MEMBERS = (
    "<title>Members only</title><form><input name='user'><input type='password' name='p'>"
    "<div class='g-recaptcha'></div><script src='https://www.google.com/recaptcha/api.js'></script>"
    "</form>"
)
WATCHED_BY_CLOUDFLARE = (
    "<title>403 Forbidden</title>You are no member.<script>(function(){var a=document."
    "createElement('script');a.innerHTML=\"window.__CF$cv$params={r:'9',t:'MTc='};"
    "a.src='/cdn-cgi/challenge-platform/scripts/jsd/main.js';\"})();</script>"
)
WATCHED_BY_DATADOME = (
    "<title>Gone fishing</title><script src='https://js.datadome.co/tags.js'></script>"
)
WATCHED_BY_PERIMETERX = (
    "<title>Not for you</title><script>window._pxAppId='PX1';</script>"
    "<script src='//client.px-cloud.net/PX1/main.min.js'></script>"
)
WATCHED_BY_IMPERVA = (
    "<title>Maintenance</title><script src='/_Incapsula_Resource?SWJIYLWA=719d&ns=2'></script>"
)
WATCHED_BY_AWS = (
    f"<title>Members only</title>{NAVIGATION}"
    "<script src='https://x.edge.sdk.awswaf.com/x/challenge.js'></script>"
)
ABOUT_CHALLENGES = (
    '<title>How Anubis works</title><pre>&lt;script id="anubis_challenge"&gt; _cf_chl_opt</pre>'
)
ART = (
    f"<title>Captcha, oil on canvas</title>{NAVIGATION}<img src='1.png'><form>"
    "<div class='g-recaptcha'></div></form>"
)


@pytest.mark.parametrize(
    ("status", "headers", "body", "who"),
    [
        (403, {"cf-mitigated": "challenge"}, "", "Cloudflare"),
        (200, {"cf-mitigated": "challenge"}, "", "Cloudflare"),
        (503, {"server": "cloudflare"}, CLOUDFLARE, "Cloudflare"),
        (403, {"x-datadome": "protected", "x-dd-b": "1"}, "", "DataDome"),
        (403, {"x-datadome": "protected"}, DATADOME_JSON, "DataDome"),
        (403, {}, DATADOME, "DataDome"),
        (403, {}, PERIMETERX, "PerimeterX"),
        (200, {}, PERIMETERX, "PerimeterX"),
        (200, {}, HCAPTCHA, "a CAPTCHA"),
        (429, {}, RECAPTCHA, "a CAPTCHA"),
        (200, {}, RECAPTCHA, "a CAPTCHA"),
        (403, {}, IMPERVA, "Imperva"),
        (405, {"x-amzn-waf-action": "captcha"}, "", "AWS WAF"),
        (202, {"x-amzn-waf-action": "challenge"}, AWS, "AWS WAF"),
        (405, {}, AWS, "AWS WAF"),
        (429, {"x-vercel-mitigated": "challenge"}, "", "Vercel"),
        (200, {}, ANUBIS, "Anubis"),
        (202, {}, SITEGROUND, "SiteGround"),
        (307, {}, SUCURI, "Sucuri"),
        (403, {}, DDOS_GUARD, "DDoS-Guard"),
        (200, {}, DDOS_GUARD, "DDoS-Guard"),
        (200, {}, DISTIL, "Imperva"),
        (429, {}, SORRY, "a CAPTCHA"),
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
        (403, {"x-datadome": "protected"}, "<title>Members only</title>"),
        (403, {}, MEMBERS),
        (403, {}, FORM + NAVIGATION),
        (403, {}, WATCHED_BY_CLOUDFLARE),
        (503, {"x-datadome": "protected"}, WATCHED_BY_DATADOME),
        (403, {}, WATCHED_BY_PERIMETERX),
        (503, {}, WATCHED_BY_IMPERVA),
        (401, {}, WATCHED_BY_AWS),
        (200, {}, ABOUT_CHALLENGES),
        (200, {}, ART),
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
