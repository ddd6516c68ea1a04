"""Public pages of the gallery, and the choices a visitor makes about them."""

from collections.abc import Iterable

from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_cookie

from gallery import listing, nsfw
from gallery.answers import told_parameters
from gallery.captions import best_caption
from gallery.models import Album, AlbumImage, Image, Label
from gallery.parameters import rows
from imagineer.keyset import PAGE_SIZE
from imagineer.texts import has_control

YEAR = 365 * 24 * 3600
# A whole deck is seen at once, the largest (78 cards) included.
SPREAD_SIZE = 100


@require_safe
@vary_on_cookie
def latest(request: HttpRequest) -> HttpResponse:
    page = listing.page(request, listing.pictures(request))
    return render(request, "gallery/latest.html", {"page": page})


@require_safe
@vary_on_cookie
def albums(request: HttpRequest) -> HttpResponse:
    page = listing.page(request, listing.album_cards(request), listing.NEWEST_ALBUM, size=24)
    listing.add_covers(request, page.items)
    return render(request, "gallery/albums.html", {"page": page})


@require_safe
@vary_on_cookie
def album(request: HttpRequest, slug: str) -> HttpResponse:
    shown = get_object_or_404(listing.album_cards(request, with_empty=True), slug=slug)
    entries = listing.entries(request, shown)
    is_spread = request.GET.get("view") == "spread"
    if is_spread:
        entries = entries.prefetch_related("image__generation_items__run")
    size = SPREAD_SIZE if is_spread else PAGE_SIZE
    page = listing.page(request, entries, listing.ALBUM_ORDER, size)
    context = {
        "album": shown,
        "page": page,
        "is_spread": is_spread,
        "spread": _named(shown, page.items) if is_spread else [],
        "hidden_count": listing.hidden_count(request, shown),
    }
    return render(request, "gallery/album.html", context)


def _named(album: Album, entries: Iterable[AlbumImage]) -> list[tuple[Image, str]]:
    """The pictures with the names they have in the batch that made the album."""
    named = []
    for entry in entries:
        items = list(entry.image.generation_items.all())
        own = [item for item in items if item.run.album_id == album.pk]
        item = next(iter(own or items), None)
        named.append((entry.image, item.name if item else ""))
    return named


@require_safe
@vary_on_cookie
def image(request: HttpRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(_with_everything(request), pk=pk)
    if not nsfw.may_see(request, shown):
        raise Http404
    inside = request.GET.get("in", "")
    album = None
    if inside and not has_control(inside):
        album = listing.albums(request).filter(slug=inside, entries__image=shown).first()
    sharp = nsfw.may_see_sharp(request, shown)
    labels = list(shown.labels.all())
    context = {
        "image": shown,
        "sharp": sharp,
        "is_hidden": nsfw.needs_consent(shown) and nsfw.choice(request) == "hide",
        "caption": best_caption(label for label in labels if label.kind == Label.Kind.CAPTION),
        "tags": _distinct(labels, Label.Kind.TAG, Label.Kind.CATEGORY),
        "parameters": rows(told_parameters(request, shown), shown.width, shown.height),
        "album": album,
        "neighbours": listing.neighbours(request, shown, album),
    }
    return render(request, "gallery/image.html", context)


def _with_everything(request: HttpRequest) -> QuerySet[Image]:
    # What higher rooms know is reached by name, so that nothing of them is imported here.
    return Image.objects.prefetch_related(
        "labels",
        Prefetch("albums", queryset=listing.albums(request).order_by("name"), to_attr="shelves"),
        "models_used__model_version",
        "generation_items__run__template",
        "scraped_from",
        "dataset_items__dataset__training_runs__output_model",
    )


def _distinct(labels: Iterable[Label], *kinds: Label.Kind) -> list[str]:
    texts = {
        label.text.strip().casefold(): label.text.strip() for label in labels if label.kind in kinds
    }
    return [text for text in texts.values() if text]


# --- Choices -----------------------------------------------------------------------------------


@require_POST
def choose_nsfw(request: HttpRequest) -> HttpResponse:
    response = HttpResponseRedirect(_came_from(request))
    wanted = request.POST.get("choice", "")
    if wanted in nsfw.CHOICES:
        nsfw.remember(response, wanted)
    return response


@require_POST
def reveal(request: HttpRequest, pk: int) -> HttpResponse:
    """Show this one: the visitor asks for one NSFW picture while the others stay blurred."""
    shown = get_object_or_404(Image, pk=pk)
    if not nsfw.may_see(request, shown):
        raise Http404
    nsfw.reveal(request, shown)
    return HttpResponseRedirect(_came_from(request))


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    response = HttpResponseRedirect(_came_from(request))
    wanted = request.POST.get("theme")
    if wanted in ("light", "dark"):
        secure = request.is_secure()
        response.set_cookie("theme", wanted, max_age=YEAR, samesite="Lax", secure=secure)
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response


def _came_from(request: HttpRequest) -> str:
    """The page of ours that a form says it stood on; never another site's."""
    page = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        page, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return page if ours else "/"
