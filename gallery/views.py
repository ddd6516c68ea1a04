"""Public pages of the gallery, and the choices a visitor makes about them."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_cookie, vary_on_headers

from gallery import listing, nsfw, search, search_query, share, similar, tag_names, walks
from gallery.answers import told_parameters
from gallery.captions import best_caption
from gallery.image_tags import TAG_KINDS
from gallery.jobs import IMPORT
from gallery.models import Album, AlbumImage, Image, ImageTag, Label, tag_url
from gallery.parameters import rows
from gallery.tags import normalised
from gallery.templatetags.pictures import alt_text, large
from imagineer.gathered import gathered, rows_of
from imagineer.jobs.models import Job
from imagineer.keyset import PAGE_SIZE
from imagineer.problems import Problem
from imagineer.texts import has_control

YEAR = 365 * 24 * 3600
# A whole deck is seen at once, the largest (78 cards) included.
SPREAD_SIZE = 100
TAGS_SIZE = 200
STRIP_SIZE = 8


@require_safe
@vary_on_cookie
def latest(request: HttpRequest) -> HttpResponse:
    page = listing.page(request, listing.pictures(request))
    context = {
        "page": page,
        "card": share.card(request, settings.SITE_NAME, pictures=page.items),
        "feed_url": reverse("gallery:feed"),
    }
    return render(request, "gallery/latest.html", context)


@require_safe
@vary_on_cookie
def albums(request: HttpRequest) -> HttpResponse:
    page = listing.page(request, listing.album_cards(request), listing.NEWEST_ALBUM, size=24)
    listing.add_covers(request, page.items)
    covers = [image for row in page.items for image in getattr(row, "cover_images", ())]
    card = share.card(request, f"Albums · {settings.SITE_NAME}", pictures=covers)
    return render(request, "gallery/albums.html", {"page": page, "card": card})


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
        "walk": walks.query_of("in", shown.slug),
        "card": share.card(
            request,
            shown.name,
            description=shown.description,
            pictures=(entry.image for entry in page.items),
        ),
        "feed_url": reverse("gallery:album_feed", args=[shown.slug]) if shown.is_public else "",
        "is_spread": is_spread,
        "spread": _named(shown, page.items) if is_spread else [],
        "hidden_count": listing.hidden_count(request, shown),
    }
    return render(request, "gallery/album.html", context)


@require_safe
@vary_on_cookie
def album_source(request: HttpRequest, slug: str) -> HttpResponse:
    """To what made the album: an admin to the run, a visitor to the template it was drawn from."""
    shown = get_object_or_404(listing.albums(request), slug=slug)
    target = _run_behind(shown) if nsfw.is_admin(request) else _template_behind(shown)
    return HttpResponseRedirect(target or shown.get_absolute_url())


def _run_behind(album: Album) -> str | None:
    """The run's page in the console."""
    if (run := album.generation_runs.first()) is not None:
        return reverse("admin:generation_generationrun_change", args=[run.pk])
    if (crawl := album.scrape_jobs.first()) is not None:
        return reverse("admin:scraping_scrapejob_change", args=[crawl.pk])
    # By its number, which stays when it is renamed; by its name while the import still runs.
    known = Q(result__album=album.pk) | Q(params__album=album.name)
    job = Job.objects.filter(known, kind=IMPORT).order_by("-created_at", "-id").first()
    return None if job is None else reverse("admin:jobs_job_change", args=[job.pk])


def _template_behind(album: Album) -> str | None:
    runs = album.generation_runs.filter(template__isnull=False, is_public=True)
    run = runs.select_related("template").first()
    return None if run is None or run.template is None else run.template.get_absolute_url()


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
def tags(request: HttpRequest) -> HttpResponse:
    page = listing.page(request, listing.tags(request), listing.MOST_USED, size=TAGS_SIZE)
    return render(request, "gallery/tags.html", {"page": page})


@require_safe
@vary_on_cookie
def tag(request: HttpRequest, name: str) -> HttpResponse:
    if has_control(name):
        raise Http404
    plain = tag_names.meaning(normalised(name))
    shown = get_object_or_404(listing.tags(request), name=plain)
    if name != plain.replace(" ", "_"):
        return HttpResponseRedirect(shown.get_absolute_url())
    page = listing.page(request, listing.tagged(request, shown), listing.NEWEST_MEMBER)
    context = {
        "tag": shown,
        "page": page,
        "walk": walks.query_of("tag", shown.name),
        "card": share.card(request, shown.name, pictures=(use.image for use in page.items)),
        "feed_url": f"{shown.get_absolute_url()}feed.atom" if shown.open_count else "",
    }
    return render(request, "gallery/tag.html", context)


@require_safe
@vary_on_cookie
def find(request: HttpRequest) -> HttpResponse:
    """The search page. An empty search is the way in, not an error."""
    text = request.GET.get("q", "").strip()
    context: dict[str, Any] = {"text": text[: search_query.MAX_LENGTH]}
    status = 200
    try:
        query = search_query.parse(text)
        if query:
            # What htmx adds to a page are its pictures alone.
            facets = "HX-Request" not in request.headers
            found = search.find(request, query, request.GET.get("after"), with_facets=facets)
            listing.add_captions(found.page.items)
            context |= {"query": query, "found": found, "page": found.page}
            context |= _narrowing(query, found)
            context["walk"] = walks.query_of("q", str(query))
    except search_query.SearchRefused as refused:
        context["refused"] = str(refused)
        status = 400
    except Problem as problem:
        raise Http404(problem.message) from problem
    return render(request, "gallery/search.html", context, status=status)


def _narrowing(query: search_query.Query, found: search.Found) -> dict[str, Any]:
    """The facets that are not chosen yet, and what is, each with the search it leads to."""
    chosen = [term for term in query.terms if term.key]
    return {
        "counted": search.COUNTED_AT_MOST,
        "facets": [
            (title, rows)
            for title, facets in found.facets
            if (
                rows := [
                    (facet.label, facet.count, _search_url(query.with_term(facet.term)))
                    for facet in facets
                    if facet.term not in chosen
                ]
            )
        ],
        "chosen": [
            (str(search_query.Query((term,))), _search_url(query.without(term))) for term in chosen
        ],
    }


def _search_url(query: search_query.Query) -> str:
    return f"{reverse('gallery:search')}?{urlencode({'q': str(query)})}"


@require_safe
@vary_on_cookie
def image(request: HttpRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(walks.with_latest(_with_flags(request), request), pk=pk)
    if not nsfw.may_see(request, shown):
        raise Http404
    sharp = nsfw.may_see_sharp(request, shown)
    _fetch(request, shown)
    labels = list(shown.labels.all())
    caption = best_caption(label for label in labels if label.kind == Label.Kind.CAPTION)
    context = {
        "image": shown,
        "card": share.image_card(request, shown, caption),
        "sharp": sharp,
        "is_hidden": nsfw.needs_consent(shown) and nsfw.choice(request) == "hide",
        "caption": caption,
        "tags": _tags(shown, labels),
        "parameters": rows(told_parameters(request, shown), shown.width, shown.height),
        "walk": walks.walk(request, shown),
        "taught": _taught(shown) if sharp else [],
    }
    return render(request, "gallery/image.html", context)


@require_safe
@vary_on_headers("Cookie", "HX-Request")
def similar_to(request: HttpRequest, pk: int) -> HttpResponse:
    """Pictures that look like this one; to htmx the few that stand beside it."""
    shown = get_object_or_404(Image, pk=pk)
    if not nsfw.may_see(request, shown):
        raise Http404
    found = similar.alike(request, shown)
    listing.add_captions(found)
    context = {
        "image": shown,
        "sharp": nsfw.may_see_sharp(request, shown),
        "found": found,
        "strip": found[:STRIP_SIZE],
    }
    beside = "HX-Request" in request.headers
    template = "gallery/similar_strip.html" if beside else "gallery/similar.html"
    return render(request, template, context)


# Relations of the rooms above are reached by name, so that nothing of them is imported here; what
# an image has none of is not asked for.
RELATIONS = {
    "labels": (),
    "models_used": ("model_version",),
    "generation_items": ("run__template",),
    "scraped_from": (),
}


def _with_flags(request: HttpRequest) -> QuerySet[Any]:
    """Images, each told whether it has any of RELATIONS, its tags, and what was trained on it."""
    same = Image.everything.filter(pk=OuterRef("pk"))
    flags = {f"has_{name}": Exists(same.filter(**{f"{name}__isnull": False})) for name in RELATIONS}
    taught = _model_versions().filter(training_run__dataset__items__image=OuterRef("pk"))
    if not nsfw.is_admin(request):
        taught = taught.filter(is_public=True)
    return Image.objects.annotate(
        **flags,
        carried=gathered(ImageTag.everything.filter(image=OuterRef("pk")), "tag__name"),
        taught=gathered(taught, "pk", "name", "version"),
    )


def _model_versions() -> Any:
    use: Any = Image._meta.get_field("models_used").related_model
    return use._meta.get_field("model_version").related_model._default_manager


def _fetch(request: HttpRequest, image: Image) -> None:
    """Prefetch what the page of this image shows, one query for each relation that it has."""
    shelves = listing.albums(request).order_by("name")
    prefetch_related_objects([image], Prefetch("albums", queryset=shelves, to_attr="shelves"))
    for name, joined in RELATIONS.items():
        related = Image._meta.get_field(name).related_model
        assert related is not None
        rows = related._base_manager.all()
        if not getattr(image, f"has_{name}"):
            rows = rows.none()
        elif joined:
            rows = rows.select_related(*joined)
        prefetch_related_objects([image], Prefetch(name, queryset=rows))


def _taught(image: Any) -> list[Any]:
    """The LoRAs whose training used this image, as far as the request may see them, by name."""
    found = [(int(pk), name, int(version)) for pk, name, version in rows_of(image.taught)]
    model = _model_versions().model
    return [
        model(pk=pk, name=name, version=version)
        for pk, name, version in sorted(found, key=lambda told: (told[1], told[2]))
    ]


def _tags(image: Any, labels: Iterable[Label]) -> list[tuple[str, str]]:
    """The image's tags: those that labels say in their order, then what they mean besides."""
    carried = {name for (name,) in rows_of(image.carried)}
    said = [normalised(label.text) for label in labels if label.kind in TAG_KINDS]
    names = dict.fromkeys([*(name for name in said if name in carried), *sorted(carried)])
    return [(name, tag_url(name)) for name in names]


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
    """Show this one: the visitor asks for one veiled picture while the others stay blurred.

    Scripts get the sharp addresses as JSON, where a browser is sent back to where it came from.
    """
    shown = get_object_or_404(Image, pk=pk)
    if not nsfw.may_see(request, shown):
        raise Http404
    nsfw.reveal(request, shown)
    if not request.accepts("text/html"):
        listing.add_captions([shown])
        seen = large(request, shown)
        words = best_caption(getattr(shown, "captions", ())) or shown.prompt
        return JsonResponse(
            {
                "src": seen["src"],
                "srcset": seen["srcset"],
                "words": words[:300],
                "alt": alt_text(shown, sharp=True),
                "original": reverse("gallery:original", args=[pk]),
            }
        )
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
