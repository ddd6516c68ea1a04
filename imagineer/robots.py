"""What this site asks of crawlers: ``/robots.txt``, and a header on every answer."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

# Who collects pictures and texts to train models on, by what each calls itself in its own
# documentation.
COLLECTORS = (
    "GPTBot", "ClaudeBot", "anthropic-ai", "CCBot", "Google-Extended", "Applebot-Extended",
    "meta-externalagent", "FacebookBot", "Bytespider", "Amazonbot", "cohere-ai", "Diffbot",
    "ImagesiftBot", "omgili", "PetalBot", "img2dataset",
)  # fmt: skip
NO_AI = "noai, noimageai"
# Pages without end, and what is no page.
CLOSED = ("/admin/", "/accounts/", "/api/", "/search/", "/*?*after=", "/preferences/")


@require_safe
def robots_txt(request: HttpRequest) -> HttpResponse:
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in CLOSED), ""]
    if settings.NOAI:
        lines += [*(f"User-agent: {name}" for name in COLLECTORS), "Disallow: /", ""]
    lines.append(f"Sitemap: {request.build_absolute_uri(reverse('gallery:sitemap_index'))}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


def robots_middleware(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """``X-Robots-Tag: noai, noimageai`` on pages and files alike, where NOAI says so."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if settings.NOAI:
            response.headers.setdefault("X-Robots-Tag", NO_AI)
        return response

    return middleware
