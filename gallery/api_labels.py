"""Labels in the JSON API: all may be read; those by hand are written here, and none is lost."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest
from ninja import Router, Status

from gallery import label_history, labels, nsfw, ratings
from gallery.answers import label_list
from gallery.image_tags import TAG_KINDS
from gallery.models import NO_RATING, RATING_WORDS, FormerLabel, Image, Label
from gallery.schemas import (
    FormerLabelList,
    FormerLabelOut,
    Id,
    LabelChange,
    LabelList,
    LabelNew,
    LabelOut,
)
from imagineer.accounts.permissions import ADMIN
from imagineer.keyset import paginate
from imagineer.problems import Problem, invalid, not_found

router = Router(tags=["labels"])


@router.get("/images/{image_id}/labels", response=LabelList)
def list_labels(request: HttpRequest, image_id: Id) -> LabelList:
    image = _image(request, image_id)
    return LabelList(items=label_list(request, image))


@router.post("/images/{image_id}/labels", response={201: LabelOut}, auth=ADMIN)
def create_label(request: HttpRequest, image_id: Id, payload: LabelNew) -> Any:
    """A rating by hand rates the picture: it says who may see it sharp."""
    image = _image(request, image_id)
    _check(payload.kind, payload.text)
    if payload.kind == Label.Kind.RATING:
        if payload.seen not in (None, image.rating):
            raise _changed(f"The picture is rated {image.rating} by now")
        # Before the label: a kill in between leaves a rated picture, never a word without effect.
        ratings.change_rating([image], payload.text)
    with transaction.atomic():
        if payload.kind == Label.Kind.CAPTION and payload.seen is not None:
            labels.caption_as_seen(image.pk, payload.seen)
        label = labels.write_label(
            image, payload.kind, payload.text, created_by=request.user, is_pinned=payload.is_pinned
        )
    return Status(201, LabelOut.from_orm(label))


# Before the addresses of single labels, or "history" would be taken for the number of one.
@router.get("/images/{image_id}/labels/history", response=FormerLabelList, auth=ADMIN)
def label_history_of(
    request: HttpRequest, image_id: Id, cursor: str | None = None
) -> FormerLabelList:
    """What was said of the image before, the last to end first: words given up or taken away."""
    image = _image(request, image_id)
    former = image.former_labels.select_related("created_by", "ended_by")
    page = paginate(former, cursor, ("-ended_at", "-id"))
    return FormerLabelList(
        items=[FormerLabelOut.from_orm(each) for each in page.items], next=page.next
    )


@router.post("/images/{image_id}/labels/history/{former_id}/restore", response=LabelOut, auth=ADMIN)
def restore_label(request: HttpRequest, image_id: Id, former_id: Id) -> LabelOut:
    """The words are a label again, as they were; what it says instead by now goes into the history.

    A rating that comes back does not rate the picture.
    """
    former = FormerLabel.objects.filter(pk=former_id, image_id=image_id).first()
    if former is None or not Image.objects.filter(pk=image_id).exists():
        raise not_found("former label")
    label, _ = label_history.restore(former, request.user)
    return LabelOut.from_orm(label)


@router.get("/images/{image_id}/labels/{label_id}", response=LabelOut)
def get_label(request: HttpRequest, image_id: Id, label_id: Id) -> LabelOut:
    for label in label_list(request, _image(request, image_id)):
        if label.id == label_id:
            return label
    raise not_found("label")


@router.patch(
    "/images/{image_id}/labels/{label_id}", response=LabelOut, auth=ADMIN, operation_id="edit_label"
)
@router.put("/images/{image_id}/labels/{label_id}", response=LabelOut, auth=ADMIN)
def change_label(
    request: HttpRequest, image_id: Id, label_id: Id, payload: LabelChange
) -> LabelOut:
    """New words for a label by hand. Any label can be pinned; that unpins the one before."""
    label = _label(image_id, label_id)
    _check_seen(label, payload.seen)
    if payload.text is not None:
        _check_manual(label)
        _check(label.kind, payload.text)
        if label.kind == Label.Kind.RATING:
            ratings.change_rating([label.image], payload.text)
    with transaction.atomic():
        label = _label(image_id, label_id, for_update=True)
        _check_seen(label, payload.seen)
        if payload.text not in (None, label.text):
            labels.reword(label, str(payload.text), request.user)
        if payload.is_pinned is not None:
            labels.pin(label, payload.is_pinned, request.user)
    return LabelOut.from_orm(label)


@router.delete("/images/{image_id}/labels/{label_id}", response={204: None}, auth=ADMIN)
def delete_label(request: HttpRequest, image_id: Id, label_id: Id) -> Any:
    """A label by hand, or any tag: no better one makes up for a wrong one. It can come back."""
    label = _label(image_id, label_id)
    if label.kind not in TAG_KINDS:
        _check_manual(label)
    labels.delete_label(label, request.user)
    return Status(204, None)


def _image(request: HttpRequest, pk: int) -> Image:
    found = Image.objects.filter(pk=pk).first()
    if found is None or not nsfw.may_see(request, found):
        raise not_found("image")
    return found


def _label(image_id: int, label_id: int, *, for_update: bool = False) -> Label:
    rows = Label.objects.select_for_update() if for_update else Label.objects.all()
    found = rows.filter(pk=label_id, image_id=image_id).first()
    if found is None:
        raise not_found("label")
    return found


def _check(kind: str, text: str) -> None:
    if kind == Label.Kind.RATING and text not in RATING_WORDS:
        raise invalid("text", NO_RATING)


def _check_seen(label: Label, seen: str | None) -> None:
    if seen is not None and seen != label.text.strip():
        raise _changed(f"The label says “{label.text[:200]}” by now")


def _changed(what: str) -> Problem:
    return Problem(409, "changed_meanwhile", f"{what}. Nothing was changed.", "seen")


def _check_manual(label: Label) -> None:
    if label.source != Label.Source.MANUAL:
        message = (
            "Only labels written by hand are changed here, and only those and tags are deleted; "
            "add one that is better."
        )
        raise Problem(409, "not_manual", message)
