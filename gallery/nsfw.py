"""Who sees which picture, and how sharply: the one place that decides.

A picture is veiled if it is rated 18+, or if nobody has rated it and it comes from where that
counts (setting VEIL_UNRATED). A visitor chooses for all pages (cookie ``nsfw``): ``hide`` leaves
veiled pictures out, ``blur`` (the default) gives only their blurred files, ``show`` gives the sharp
ones. Under ``blur`` one picture can be revealed by a click, which the visitor's session remembers.
"""

from typing import Literal, TypeVar, cast

from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest, HttpResponse

from gallery import renditions
from gallery.models import Exposure, Image, is_veiled
from imagineer.accounts.permissions import is_admin_request

COOKIE = "nsfw"
CHOICES = ("hide", "blur", "show")
DEFAULT = "blur"
Choice = Literal["hide", "blur", "show"]
_REVEALED = "nsfw_revealed"
_REVEALED_AT_MOST = 200
_YEAR = 365 * 24 * 3600
Row = TypeVar("Row", bound=Model)


def choice(request: HttpRequest) -> Choice:
    """What this visitor wants of veiled pictures."""
    value = getattr(request, "_gallery_nsfw_choice", None) or request.COOKIES.get(COOKIE, DEFAULT)
    return cast(Choice, value if value in CHOICES else DEFAULT)


def choose_for(request: HttpRequest, value: Choice | None) -> None:
    """Let this one request say otherwise than the cookie; None: it does not."""
    request._gallery_nsfw_choice = value  # type: ignore[attr-defined]


def remember(response: HttpResponse, value: str) -> None:
    """Keep the choice for a year. Raises ValueError for a word that is none of CHOICES."""
    if value not in CHOICES:
        raise ValueError(f"{value!r} is not one of {', '.join(CHOICES)}.")
    response.set_cookie(COOKIE, value, max_age=_YEAR, samesite="Lax", httponly=True)


def is_admin(request: HttpRequest) -> bool:
    """Whether an admin asks (by session or token); looked up once a request."""
    known = getattr(request, "_gallery_is_admin", None)
    if known is None:
        known = is_admin_request(request)
        request._gallery_is_admin = known  # type: ignore[attr-defined]
    return bool(known)


def condition(request: HttpRequest, prefix: str = "", image: str | None = None) -> Q:
    """The filter for images that this request's lists may hold.

    prefix: the path to the row that carries the exposure: an image, or what puts one somewhere;
    image: the path to the image itself where that is another.
    """
    if not is_admin(request):
        most = Exposure.OPEN if choice(request) == "hide" else Exposure.VEILED
        return Q(**{f"{prefix}exposure__lte": most})
    allowed = Q(**{f"{prefix}exposure__lte": Exposure.PRIVATE})
    if choice(request) == "hide":
        allowed &= Q(**{f"{prefix if image is None else image}is_veiled": False})
    return allowed


def visible(
    queryset: QuerySet[Row], request: HttpRequest, prefix: str = "", image: str | None = None
) -> QuerySet[Row]:
    """The rows whose image this request's lists may hold; used by every public list."""
    return queryset.filter(condition(request, prefix, image))


def count(request: HttpRequest) -> Combinable:
    """How many pictures of an album, a tag or a LoRA this request may list: from kept counts."""
    counted: Combinable = F("open_count")
    if choice(request) != "hide":
        counted = counted + F("veiled_count")
    return counted + F("private_count") if is_admin(request) else counted


def tells_of_veiled(request: HttpRequest) -> bool:
    """Whether a list may tell this request words and tags of veiled pictures."""
    return is_admin(request) or choice(request) == "show"


def may_see(request: HttpRequest, image: Image) -> bool:
    """Whether the image exists for this visitor at all (its page, its blurred file)."""
    return image.exposure <= Exposure.VEILED or is_admin(request)


def is_open(image: Image) -> bool:
    """Whether everyone may see it sharp, so that public places may name it."""
    return image.exposure == Exposure.OPEN and not needs_consent(image)


def needs_consent(image: Image) -> bool:
    """Whether it is blurred until the visitor says otherwise.

    Also by the setting as it is now: rows follow a change of it only after a while.
    """
    return image.is_veiled or is_veiled(image.rating, image.source_type)


def may_see_sharp(request: HttpRequest, image: Image) -> bool:
    """Whether the sharp renditions and the original may be sent."""
    if not may_see(request, image):
        return False
    if not needs_consent(image):
        return True
    return choice(request) == "show" or is_revealed(request, image)


def reason(image: Image) -> str:
    """Why a picture is veiled, as it stands after "Picture"."""
    return "rated 18+" if image.is_nsfw else "that nobody has rated yet"


def reveal(request: HttpRequest, image: Image) -> None:
    """Remember in the session that this visitor asked to see this picture."""
    revealed = [pk for pk in _revealed(request) if pk != image.pk]
    request.session[_REVEALED] = [*revealed, image.pk][-_REVEALED_AT_MOST:]


def is_revealed(request: HttpRequest, image: Image) -> bool:
    return image.pk in _revealed(request)


def _revealed(request: HttpRequest) -> list[int]:
    session = getattr(request, "session", None)
    return list(session.get(_REVEALED, ())) if session is not None else []


def thumbnail_for(request: HttpRequest, image: Image, width: int) -> str:
    """The address of the rendition that this request may see, for ``width`` CSS pixels."""
    return image.thumbnail_url(width, sharp=may_see_sharp(request, image))


def srcset_for(request: HttpRequest, image: Image) -> str:
    """The ``srcset`` of all renditions this request may see; empty where there is but one."""
    if not may_see_sharp(request, image):
        return ""
    widths = renditions.sharp_widths(image.width)
    if len(widths) < 2:
        return ""
    return ", ".join(f"{renditions.url(image.sharp_key, width)} {width}w" for width in widths)
