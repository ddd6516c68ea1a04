"""The JSON API of this room: near-duplicates, for admins alone."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from gallery import near_duplicates
from gallery.answers import image_out
from gallery.models import NearDuplicate
from gallery.near_duplicates import NotAPair
from gallery.schemas import Id, Merge, Search, TwinList, Twins
from imagineer.accounts.permissions import ADMIN
from imagineer.jobs.describe import described
from imagineer.keyset import paginate
from imagineer.problems import Problem, invalid, not_found

router = Router(tags=["gallery"])


@router.get("/duplicates", response=TwinList, auth=ADMIN)
def list_duplicates(request: HttpRequest, cursor: str | None = None) -> TwinList:
    """Pairs that nobody has settled yet, the newest first. better: the file worth keeping."""
    page = paginate(near_duplicates.open_pairs(), cursor, ("-id",))
    return TwinList(items=[_twins(request, pair) for pair in page.items], next=page.next)


def _twins(request: HttpRequest, pair: NearDuplicate) -> Twins:
    return Twins(
        id=pair.pk,
        distance=pair.distance,
        first=image_out(request, pair.first),
        second=image_out(request, pair.second),
        better=near_duplicates.better(pair.first, pair.second).pk,
    )


@router.post("/duplicates/find", response={202: dict[str, Any]}, auth=ADMIN)
def find_duplicates(request: HttpRequest, payload: Search) -> Any:
    """A job compares what came since the last search, or (everything) all pictures."""
    job = near_duplicates.submit_find(everything=payload.everything, created_by=request.user)
    return Status(202, described(job, admin=True))


@router.post("/duplicates/{pair_id}/merge", response={204: None}, auth=ADMIN)
def merge_duplicates(request: HttpRequest, pair_id: Id, payload: Merge) -> Any:
    """Keep one of the two; the other goes into the trash. keep: its id, by default the better."""
    pair = _pair(pair_id)
    both = {image.pk: image for image in (pair.first, pair.second)}
    kept = near_duplicates.better(*both.values())
    if payload.keep is not None:
        if payload.keep not in both:
            raise invalid("keep", "Name one of the pair's two images.")
        kept = both[payload.keep]
    other = pair.second if kept == pair.first else pair.first
    try:
        near_duplicates.merge(kept, other, request.user)
    except NotAPair as refused:
        raise Problem(409, "gone", str(refused)) from refused
    return Status(204, None)


@router.post("/duplicates/{pair_id}/dismiss", response={204: None}, auth=ADMIN)
def dismiss_duplicates(request: HttpRequest, pair_id: Id) -> Any:
    """Both stay, and are not shown as a pair again."""
    near_duplicates.dismiss(_pair(pair_id), request.user)
    return Status(204, None)


def _pair(pk: int) -> NearDuplicate:
    found = near_duplicates.open_pairs().filter(pk=pk).first()
    if found is None:
        raise not_found("pair")
    return found
