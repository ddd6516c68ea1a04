"""One change of many pictures in the JSON API, and the trash; for admins alone."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from gallery import albums, bulk, full_text, search, trash
from gallery.answers import image_out
from gallery.api_albums import refuse_unknown
from gallery.bulk import Action, Change, ChangeRefused
from gallery.models import Album, Image
from gallery.schemas import BulkChange, BulkDone, Id, ImageOut, Trashed, TrashList
from gallery.search_query import SearchRefused, parse
from imagineer.accounts.permissions import ADMIN
from imagineer.jobs.describe import described
from imagineer.keyset import paginate
from imagineer.problems import Problem, invalid, not_found
from imagineer.words import thin

router = Router(tags=["gallery"])

# What each action needs, and what it takes besides.
_NEEDS: dict[Action, tuple[str, ...]] = {
    Action.SET_RATING: ("rating",),
    Action.MOVE_TO_ALBUM: ("from_album_id",),
    Action.REMOVE_FROM_ALBUM: ("from_album_id",),
}
_INTO = ("album_id", "album")
_TAKES: dict[Action, tuple[str, ...]] = {Action.ADD_TO_ALBUM: _INTO, Action.MOVE_TO_ALBUM: _INTO}
_OPTIONS = ("rating", "from_album_id", *_INTO)


@router.post("/images/bulk", response={200: BulkDone, 202: BulkDone}, auth=ADMIN)
def change_many(request: HttpRequest, payload: BulkChange) -> Any:
    """At once for up to 200 images; a job does it for more, up to 100 000, and 202 names it.

    Images are named by their ids, or by a search as in the search field. If one of the ids is
    unknown, or anything else is wrong, nothing is changed.
    """
    _check_options(payload)
    chosen = _chosen(payload)
    change = _change(payload, request.user)
    if len(chosen) > bulk.AT_ONCE:
        job = bulk.submit_change(change, chosen, created_by=request.user)
        told = described(job, admin=True)
        return Status(202, BulkDone(images=len(chosen), message=f"{job.title}.", job=told))
    try:
        changed = bulk.apply(change, chosen, changed_by=request.user)
    except ChangeRefused as refused:
        raise Problem(409, "gone", str(refused)) from refused
    message = bulk.told(change, len(chosen), changed)
    return BulkDone(images=len(chosen), changed=changed, message=message)


def _check_options(payload: BulkChange) -> None:
    action = payload.action
    needed = _NEEDS.get(action, ())
    taken = (*needed, *_TAKES.get(action, ()))
    for name in _OPTIONS:
        if getattr(payload, name) is not None and name not in taken:
            raise invalid(name, f"The action {action.value} takes no {name}.")
        if getattr(payload, name) is None and name in needed:
            raise invalid(name, f"The action {action.value} needs a {name}.")
    if action in _TAKES and (payload.album_id is None) == (payload.album is None):
        raise invalid("album", "Name the album by its id or by its name, one of the two.")
    if (payload.image_ids is None) == (payload.q is None):
        raise invalid("image_ids", "Name the images by their ids or by a search, one of the two.")
    if payload.q is not None and action == Action.RESTORE:
        raise invalid("q", "No search finds what is in the trash; name the images by their ids.")


def _chosen(payload: BulkChange) -> list[int]:
    """The images' ids in their order, each once. Raises Problem for too many and unknown ones."""
    if payload.q is not None:
        found = _matching(payload.q)
        _check_number("q", len(found), "or more" if len(found) > bulk.AT_MOST else "")
        return found
    ids = list(dict.fromkeys(payload.image_ids or ()))
    if not ids:
        raise invalid("image_ids", "Name at least one image.")
    _check_number("image_ids", len(ids))
    restores = payload.action == Action.RESTORE
    known = bulk.existing(ids, Image.everything.all() if restores else Image.objects.all())
    refuse_unknown([pk for pk in ids if pk not in known], "not in the gallery")
    return ids


def _matching(text: str) -> list[int]:
    try:
        query = parse(text)
    except SearchRefused as refused:
        raise invalid("q", str(refused)) from None
    if not query:
        raise invalid("q", "Name at least one word to search for.")
    node = search.expression_for_admin(query)
    return [] if node is None else full_text.image_ids(node, bulk.AT_MOST + 1)


def _check_number(field: str, number: int, more: str = "") -> None:
    if number > bulk.AT_MOST:
        told = " ".join(filter(None, (thin(number), more)))
        raise invalid(field, f"At most {thin(bulk.AT_MOST)} images at once; these are {told}.")


def _change(payload: BulkChange, user: Any) -> Change:
    """Makes the album that is named if there is none: the last that can be wrong."""
    leaving, into = payload.from_album_id, payload.album_id
    for field, pk in (("from_album_id", leaving), ("album_id", into)):
        if pk is not None and not Album.objects.filter(pk=pk).exists():
            raise Problem(404, "not_found", "There is no such album.", field)
    if payload.album is not None:
        into = albums.named(payload.album, created_by=user).pk
    if into is not None and into == leaving:
        raise invalid("album", "The images are in this album already; name another one.")
    return Change(payload.action, album=into, leaving=leaving, rating=payload.rating or "")


# --- The trash -----------------------------------------------------------------------------------


@router.get("/trash", response=TrashList, auth=ADMIN)
def list_trash(request: HttpRequest, cursor: str | None = None) -> TrashList:
    """What was deleted last comes first."""
    page = paginate(trash.inside().select_related("deleted_by"), cursor, trash.NEWEST)
    return TrashList(items=[_trashed(request, image) for image in page.items], next=page.next)


def _trashed(request: HttpRequest, image: Image) -> Trashed:
    by = image.deleted_by
    assert image.deleted_at is not None
    return Trashed(
        **dict(image_out(request, image)),
        deleted_at=image.deleted_at,
        deleted_by=None if by is None else by.get_username(),
        kept_until=trash.kept_until(image),
    )


@router.delete("/trash", response={202: dict[str, Any]}, auth=ADMIN)
def empty_trash(request: HttpRequest) -> Any:
    """A job deletes for good what is in it now."""
    return Status(202, described(trash.submit_empty(created_by=request.user), admin=True))


@router.post("/trash/{image_id}/restore", response=ImageOut, auth=ADMIN)
def restore_image(request: HttpRequest, image_id: Id) -> ImageOut:
    """Back to where it was, its albums and labels included."""
    if not trash.restore([image_id]):
        raise not_found("image in the trash")
    return image_out(request, Image.objects.get(pk=image_id))


@router.delete("/trash/{image_id}", response={204: None}, auth=ADMIN)
def delete_for_good(request: HttpRequest, image_id: Id) -> Any:
    """The picture and its files; that cannot be undone."""
    if not trash.delete_for_good([image_id]):
        raise not_found("image in the trash")
    return Status(204, None)
