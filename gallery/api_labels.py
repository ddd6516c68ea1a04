"""Labels in the JSON API: all may be read; those by hand are written here."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from gallery import labels, nsfw
from gallery.answers import label_list
from gallery.models import NO_RATING, RATING_WORDS, Image, Label
from gallery.schemas import Id, LabelChange, LabelList, LabelNew, LabelOut
from imagineer.accounts.permissions import ADMIN
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
    label = labels.write_label(
        image, payload.kind, payload.text, created_by=request.user, is_pinned=payload.is_pinned
    )
    return Status(201, LabelOut.from_orm(label))


@router.put("/images/{image_id}/labels/{label_id}", response=LabelOut, auth=ADMIN)
def change_label(
    request: HttpRequest, image_id: Id, label_id: Id, payload: LabelChange
) -> LabelOut:
    """New words for a label by hand. Any label can be pinned; that unpins the one before."""
    label = _label(image_id, label_id)
    if payload.text is not None:
        _check_manual(label)
        _check(label.kind, payload.text)
        labels.reword(label, payload.text, by=request.user)
    if payload.is_pinned is not None:
        labels.pin(label, payload.is_pinned)
    return LabelOut.from_orm(label)


@router.delete("/images/{image_id}/labels/{label_id}", response={204: None}, auth=ADMIN)
def delete_label(request: HttpRequest, image_id: Id, label_id: Id) -> Any:
    label = _label(image_id, label_id)
    _check_manual(label)
    labels.delete_label(label)
    return Status(204, None)


def _image(request: HttpRequest, pk: int) -> Image:
    found = Image.objects.filter(pk=pk).first()
    if found is None or not nsfw.may_see(request, found):
        raise not_found("image")
    return found


def _label(image_id: int, label_id: int) -> Label:
    found = Label.objects.filter(pk=label_id, image_id=image_id).first()
    if found is None:
        raise not_found("label")
    return found


def _check(kind: str, text: str) -> None:
    if kind == Label.Kind.RATING and text not in RATING_WORDS:
        raise invalid("text", NO_RATING)


def _check_manual(label: Label) -> None:
    if label.source != Label.Source.MANUAL:
        message = "Only labels written by hand are changed or deleted here; add one that is better."
        raise Problem(409, "not_manual", message)
