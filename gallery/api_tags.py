"""Tags in the JSON API: their lists are read by all; rules and changes are for admins."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Status

from gallery import label_changes, listing, nsfw, tag_counts, tag_derivation, tag_names
from gallery.answers import image_out
from gallery.api_albums import visible_album
from gallery.label_changes import Change, UndoRefused
from gallery.label_preview import Preview, preview
from gallery.models import Image, tag_url
from gallery.schemas import Id, Viewing
from gallery.selections import Selection, SelectionRefused
from gallery.tag_completion import beginning_with, completions
from gallery.tag_models import LabelChange, TagAlias, TagImplication
from gallery.tag_names import Ruled, TagRefused
from gallery.tag_schemas import (
    AlbumTags,
    AliasList,
    AliasMade,
    AliasNew,
    AliasOut,
    CompletionList,
    CompletionOf,
    CompletionOut,
    CountOut,
    ImplicationList,
    ImplicationMade,
    ImplicationNew,
    ImplicationOut,
    LabelChangeAnswer,
    LabelChangeIn,
    LabelChangeList,
    LabelChangeOut,
    PreviewOut,
    RuleGone,
    SampleOut,
    SelectionIn,
    SilencedOut,
    TagList,
    TagOut,
    TagsOf,
)
from gallery.tags import normalised
from imagineer.accounts.permissions import ADMIN
from imagineer.jobs.describe import described
from imagineer.jobs.models import Job
from imagineer.keyset import paginate
from imagineer.problems import Problem, invalid, not_found

router = Router(tags=["tags"])


@router.get("/tags", response=TagList)
def list_tags(request: HttpRequest, asked: Query[TagsOf], cursor: str | None = None) -> TagList:
    """The most used first, or by name those that begin with q."""
    nsfw.choose_for(request, asked.nsfw)
    rows = listing.tags(request)
    if asked.q is None:
        page = paginate(rows, cursor, listing.MOST_USED)
    else:
        beginning = normalised(asked.q)
        if not beginning:
            raise invalid("q", "Write the beginning of a tag; signs alone are none.")
        page = paginate(beginning_with(rows, beginning), cursor, ("name",))
    return TagList(items=[_tag(tag.name, tag.image_count) for tag in page.items], next=page.next)  # type: ignore[attr-defined]


def _tag(name: str, count: int) -> TagOut:
    return TagOut(name=name, count=count, url=tag_url(name))


@router.get("/tags/complete", response=CompletionList)
def complete(request: HttpRequest, asked: Query[CompletionOf]) -> CompletionList:
    """At most 12 tags whose names, or other names, begin with q, the most used first."""
    nsfw.choose_for(request, asked.nsfw)
    found = completions(request, asked.q)
    return CompletionList(
        items=[
            CompletionOut(**dict(_tag(each.name, each.count)), alias=each.alias or None)
            for each in found
        ]
    )


@router.get("/albums/{album_id}/tags", response=AlbumTags)
def list_album_tags(
    request: HttpRequest, album_id: Id, viewing: Query[Viewing], cursor: str | None = None
) -> AlbumTags:
    """How many of the album's pictures carry each tag, the most frequent first.

    Of an album of more than 20 000 pictures the first are counted.
    """
    nsfw.choose_for(request, viewing.nsfw)
    uses = tag_counts.of_album(request, visible_album(request, album_id), cursor)
    return AlbumTags(
        items=[_tag(use.tag.name, use.count) for use in uses.items],
        next=uses.next,
        counted=uses.counted,
        is_more=uses.is_more,
    )


# --- Rules ---------------------------------------------------------------------------------------


@router.get("/tags/aliases", response=AliasList, auth=ADMIN)
def list_aliases(request: HttpRequest, cursor: str | None = None) -> AliasList:
    """Other names of tags, in their order."""
    page = paginate(TagAlias.objects.select_related("tag"), cursor, ("name",))
    return AliasList(items=[AliasOut(**_alias(row)) for row in page.items], next=page.next)


@router.post("/tags/aliases", response={200: AliasMade, 201: AliasMade}, auth=ADMIN)
def create_alias(request: HttpRequest, payload: AliasNew) -> Any:
    """Labels keep their words, and count for the tag from now on. 200 if it was so before."""
    ruled, job = _ruled(request, tag_names.add_alias, payload.name, payload.to)
    made = AliasMade(**_alias(ruled.row), job=_told(job))
    return Status(201 if ruled.is_new else 200, made)


@router.delete("/tags/aliases/{alias_id}", response=RuleGone, auth=ADMIN)
def delete_alias(request: HttpRequest, alias_id: Id) -> RuleGone:
    """The name stands for itself again. What its own tag implied stays with the other."""
    alias = TagAlias.objects.filter(pk=alias_id).first()
    if alias is None:
        raise not_found("alias")
    change = partial(tag_names.remove_alias, alias)
    _, job = tag_derivation.settle(change, created_by=request.user)
    return RuleGone(job=_told(job))


@router.get("/tags/implications", response=ImplicationList, auth=ADMIN)
def list_implications(request: HttpRequest, cursor: str | None = None) -> ImplicationList:
    """The newest first, one step each: what is implied may imply further tags."""
    rows = TagImplication.objects.select_related("tag", "implied")
    page = paginate(rows, cursor, ("-id",))
    items = [ImplicationOut(**_implication(row)) for row in page.items]
    return ImplicationList(items=items, next=page.next)


@router.post(
    "/tags/implications", response={200: ImplicationMade, 201: ImplicationMade}, auth=ADMIN
)
def create_implication(request: HttpRequest, payload: ImplicationNew) -> Any:
    """Pictures with the tag carry the implied one too from now on. 200 if it was so before."""
    ruled, job = _ruled(request, tag_names.add_implication, payload.tag, payload.implied)
    made = ImplicationMade(**_implication(ruled.row), job=_told(job))
    return Status(201 if ruled.is_new else 200, made)


@router.delete("/tags/implications/{implication_id}", response=RuleGone, auth=ADMIN)
def delete_implication(request: HttpRequest, implication_id: Id) -> RuleGone:
    row = TagImplication.objects.filter(pk=implication_id).first()
    if row is None:
        raise not_found("implication")
    change = partial(tag_names.remove_implication, row)
    _, job = tag_derivation.settle(change, created_by=request.user)
    return RuleGone(job=_told(job))


def _ruled(
    request: HttpRequest, rule: Callable[..., Ruled], name: str, other: str
) -> tuple[Ruled, Job | None]:
    """Make the rule. Raises Problem for one that cannot be."""
    try:
        return tag_derivation.settle(
            partial(rule, name, other, request.user), created_by=request.user
        )
    except TagRefused as refused:
        raise invalid(refused.field, str(refused)) from None


def _alias(row: TagAlias) -> dict[str, Any]:
    return {"id": row.pk, "name": row.name, "tag": row.tag.name, "created_at": row.created_at}


def _implication(row: TagImplication) -> dict[str, Any]:
    names = {"tag": row.tag.name, "implied": row.implied.name}
    return {"id": row.pk, **names, "created_at": row.created_at}


def _told(job: Job | None) -> dict[str, Any] | None:
    return None if job is None else described(job, admin=True)


# --- Changes of many pictures --------------------------------------------------------------------


@router.post("/tags/change", response={200: LabelChangeAnswer, 202: LabelChangeAnswer}, auth=ADMIN)
def change_tags(request: HttpRequest, payload: LabelChangeIn) -> Any:
    """At once for up to 200 pictures; a job does it for more, and 202 names it.

    Labels keep their words: a tag comes as a label by hand, and goes for good, whoever says it
    again. The last change can be undone for 30 days.
    """
    change = Change(
        action=payload.action,
        tags=tuple(payload.tags),
        to=payload.to or "",
        fewer_than=payload.fewer_than or 0,
        trigger_word=payload.trigger_word or "",
    )
    try:
        selection = _selection(payload.selection)
        if payload.preview:
            return LabelChangeAnswer(preview=_preview(request, preview(change, selection)))
        row = label_changes.start(change, selection, created_by=request.user)
    except (TagRefused, SelectionRefused) as refused:
        raise invalid(refused.field, str(refused)) from None
    if row is None:
        return LabelChangeAnswer()
    told = LabelChangeAnswer(change=_change(row), job=_told(row.job))
    return Status(200 if row.job is None else 202, told)


def _selection(told: SelectionIn) -> Selection:
    ids = tuple(dict.fromkeys(told.image_ids or ()))
    known = set(Image.objects.filter(pk__in=ids).values_list("pk", flat=True))
    unknown = [str(pk) for pk in ids if pk not in known]
    if unknown:
        named = ", ".join(unknown[:10]) + (" …" if len(unknown) > 10 else "")
        raise SelectionRefused(
            f"These images are not in the gallery: {named}.", "selection.image_ids"
        )
    return Selection(
        album=told.album_id, images=ids, q=(told.q or "").strip(), everything=told.everything
    )


def _preview(request: HttpRequest, told: Preview) -> PreviewOut:
    return PreviewOut(
        images=told.images,
        is_more=told.is_more,
        off=[CountOut(name=name, count=count) for name, count in told.off],
        on=[CountOut(name=name, count=count) for name, count in told.on],
        tags=told.tags,
        silenced=[SilencedOut(**asdict(each)) for each in told.silenced],
        notes=list(told.notes),
        samples=[
            SampleOut(
                image=image_out(request, sample.image),
                before=list(sample.before),
                after=list(sample.after),
            )
            for sample in told.samples
        ],
    )


@router.get("/tags/changes", response=LabelChangeList, auth=ADMIN)
def list_changes(request: HttpRequest, cursor: str | None = None) -> LabelChangeList:
    """The newest first."""
    page = paginate(LabelChange.objects.all(), cursor, ("-id",))
    last = label_changes.last_undoable()
    return LabelChangeList(items=[_change(row, last) for row in page.items], next=page.next)


@router.post(
    "/tags/changes/{change_id}/undo",
    response={200: LabelChangeAnswer, 202: LabelChangeAnswer},
    auth=ADMIN,
)
def undo_change(request: HttpRequest, change_id: Id) -> Any:
    """Take the last change back; words that were edited since stay. A job does it for many."""
    row = LabelChange.objects.filter(pk=change_id).select_related("job").first()
    if row is None:
        raise not_found("change")
    try:
        job = label_changes.undo(row, asked_by=request.user)
    except UndoRefused as refused:
        raise Problem(409, "cannot_undo", str(refused)) from None
    row.refresh_from_db()
    told = LabelChangeAnswer(change=_change(row), job=_told(job))
    return Status(200 if job is None else 202, told)


def _change(row: LabelChange, last: LabelChange | None = None) -> LabelChangeOut:
    return LabelChangeOut(
        id=row.pk,
        action=LabelChange.Action(row.action),
        title=row.title,
        images=row.images,
        created_at=row.created_at,
        undone_at=row.undone_at,
        can_undo=row == (last or label_changes.last_undoable()),
    )
