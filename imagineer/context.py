"""What every template may know."""

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from gallery import nsfw
from imagineer.accounts.permissions import is_admin

THEMES = ("light", "dark")
NSFW_CHOICES = (("hide", "Hide"), ("blur", "Blur"), ("show", "Show"))
PLACES = (
    ("gallery:latest", "Images"),
    ("gallery:albums", "Albums"),
    ("gallery:tags", "Tags"),
    ("generation:loras", "LoRAs"),
    ("generation:templates", "Templates"),
)


def site(request: HttpRequest) -> dict[str, object]:
    """theme: "light", "dark" or "" for what the system prefers. places: the header's links."""
    theme = request.COOKIES.get("theme", "")
    return {
        "site_name": settings.SITE_NAME,
        "noai": settings.NOAI,
        "viewer_is_admin": is_admin(getattr(request, "user", None)),
        "theme": theme if theme in THEMES else "",
        "nsfw_choices": NSFW_CHOICES,
        "nsfw_choice": nsfw.choice(request),
        "places": _places(request.path),
    }


def _places(path: str) -> list[dict[str, str]]:
    """current is what aria-current says: "page" on the place itself, "true" below it."""
    places = []
    for name, label in PLACES:
        url = reverse(name)
        below = path.startswith("/images/") if url == "/" else path.startswith(url)
        current = "page" if path == url else "true" if below else ""
        places.append({"url": url, "label": label, "current": current})
    return places
