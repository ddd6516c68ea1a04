"""Reviewing in the console: one picture, its words, a keystroke for each decision.

The page holds one picture; a script fetches the next ones in parts and sends each decision by
itself, so that a hundred pictures are one page load. Without the script each is a form and a page.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST, require_safe

from gallery.models import RATING_WORDS, Album, Rating
from gallery.token_count import counter
from imagineer.problems import Problem, invalid
from imagineer.words import number_in
from labeling import review, review_actions
from labeling.review import Item, Queue
from labeling.review_actions import Done
from labeling.review_filters import registered

FETCHED = 20
ALBUMS_OFFERED = 30
_RATINGS = tuple((str(number), Rating(word)) for number, word in enumerate(RATING_WORDS, start=1))


def urls(site: AdminSite) -> list[URLPattern]:
    """What imagineer.console mounts."""
    return [
        path("labeling/review/", site.admin_view(_page(site)), name="labeling_review"),
        path("labeling/review/items/", site.admin_view(more), name="labeling_review_items"),
        path("labeling/review/<int:image_id>/", site.admin_view(decide), name="labeling_decide"),
    ]


def _page(site: AdminSite) -> Callable[[HttpRequest], HttpResponse]:
    @require_safe
    def page(request: HttpRequest) -> HttpResponse:
        asked, wrong = request.GET.dict(), ""
        try:
            queue = review.queue_of(asked)
            queue.node()
        except Problem as problem:
            queue, wrong, asked = review.queue_of({}), problem.message, {}
        item = None if wrong else _first(queue, number_in(asked.get("image", "")))
        context = {
            **site.each_context(request),
            "title": "Review",
            "queue": queue,
            "wrong": wrong,
            "item": item,
            "place": review.place_of(queue, item.image.pk) if item else None,
            **_offered(queue),
            **_shared(queue),
        }
        status = 422 if wrong else 200
        return TemplateResponse(request, "admin/labeling/review.html", context, status=status)

    return page


def _first(queue: Queue, image_id: int | None) -> Item | None:
    """The picture that the address names, as long as it is there; else the first of the queue."""
    found = review.items(queue, [image_id]) if image_id is not None else []
    if not found:
        found = review.items(queue, review.image_ids(queue, 1))
    return found[0] if found else None


def _offered(queue: Queue) -> dict[str, Any]:
    """What the queue can be narrowed down to: (title, address, whether it is so)."""
    albums = list(Album.objects.only("name")[:ALBUMS_OFFERED])
    if queue.album and queue.album not in albums:
        albums.insert(0, queue.album)
    return {
        "filters": [
            (each.title, f"?{queue.query(filter=each.key)}", each == queue.filter)
            for each in registered()
        ],
        "albums": [
            ("All pictures", f"?{queue.query(album=None, order=None)}", queue.album is None),
            *(
                (album.name, f"?{queue.query(album=album.pk, order=None)}", album == queue.album)
                for album in albums
            ),
        ],
        "orders": [
            (f"{order.capitalize()} first", f"?{queue.query(order=order)}", order == queue.order)
            for order in review.ORDERS
        ],
    }


def _shared(queue: Queue) -> dict[str, Any]:
    """What every picture's part of the page needs."""
    counts = counter()
    return {
        "query": queue.query(),
        "ratings": _RATINGS,
        "limit": counts.limit,
        "is_exact": counts.is_exact,
    }


@require_safe
def more(request: HttpRequest) -> HttpResponse:
    """Pictures as parts of the page: those behind one, before it (the nearest first), or itself."""
    try:
        queue = review.queue_of(request.GET.dict())
        ids = _asked_for(request, queue)
    except Problem as problem:
        return _refused(problem)
    found = review.items(queue, ids[:FETCHED])
    parts = [{"id": item.image.pk, "html": _part(request, queue, item)} for item in found]
    return JsonResponse({"items": parts, "more": len(ids) > FETCHED})


def _asked_for(request: HttpRequest, queue: Queue) -> list[int]:
    for name in ("behind", "before", "image"):
        number = number_in(request.GET.get(name, ""))
        if number is None:
            continue
        if name == "behind":
            return review.image_ids(queue, FETCHED + 1, behind=number)
        return review.ids_before(queue, FETCHED + 1, number) if name == "before" else [number]
    raise invalid("behind", "Name the picture behind which, or before which, to go on.")


@require_POST
def decide(request: HttpRequest, image_id: int) -> HttpResponse:
    """One decision about one picture; a script gets its part of the page anew."""
    if image_id >= 2**63:
        raise Http404
    scripted = not request.accepts("text/html")
    try:
        queue = review.queue_of(request.GET.dict())
        done = _done(request, image_id)
    except Problem as problem:
        if scripted:
            return _refused(problem, _part_of(request, image_id))
        messages.error(request, problem.message)
        return _back(request, image_id)
    if scripted:
        return JsonResponse(
            {"said": done.said, "undo": done.undo, "html": _part_of(request, image_id)}
        )
    messages.success(request, done.said)
    if request.POST.get("action") == "accept":
        return _back(request, review.place_of(queue, image_id).next)
    return _back(request, image_id)


def _done(request: HttpRequest, image_id: int) -> Done:
    """What the pressed button asks for: "accept", "rate SAFE", "use 12", "add_tag"…"""
    told, by = request.POST, request.user
    action, _, value = told.get("action", "").partition(" ")
    match action:
        case "accept":
            return review_actions.accept(image_id, told.get("text", ""), told.get("seen"), by)
        case "rate":
            return review_actions.rate(image_id, value, told.get("rating"), by)
        case "add_tag":
            return review_actions.change_tags(image_id, told.get("tag", "").split(","), [], by)
        case "remove_tag":
            return review_actions.change_tags(image_id, [], [value], by)
        case "use":
            return review_actions.choose_caption(image_id, _number(value), by)
        case "restore":
            return review_actions.restore_caption(image_id, _number(value), by)
        case "rule":
            return review_actions.follow_rule(image_id, by)
        case "undo":
            return review_actions.undo(image_id, told.get("undo", ""), by)
    raise invalid("action", "Choose what to do with the picture.")


def _number(value: str) -> int:
    number = number_in(value)
    if number is None:
        raise invalid("action", "Name the caption by its number.")
    return number


def _part(request: HttpRequest, queue: Queue, item: Item) -> str:
    context = {"item": item, "queue": queue, **_shared(queue)}
    return render_to_string("admin/labeling/review_item.html", context, request)


def _part_of(request: HttpRequest, image_id: int) -> str:
    """The picture's part of the page as it is now; empty if it is gone."""
    try:
        queue = review.queue_of(request.GET.dict())
    except Problem:
        queue = review.queue_of({})
    found = review.items(queue, [image_id])
    return _part(request, queue, found[0]) if found else ""


def _refused(problem: Problem, html: str = "") -> JsonResponse:
    error = {"code": problem.code, "message": problem.message, "field": problem.field}
    return JsonResponse({"error": error, "html": html}, status=problem.status)


def _back(request: HttpRequest, image_id: int | None) -> HttpResponse:
    try:
        query = review.queue_of(request.GET.dict()).query(image=image_id)
    except Problem:
        query = ""
    return HttpResponseRedirect(f"{reverse('admin:labeling_review')}?{query}")
