"""The captions of one image in the console: which one counts, and what was said before."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from gallery import label_history, labels
from gallery.models import FormerLabel, Image, Label
from imagineer.words import number_in

GONE = "This caption is gone by now."


def context(image: Image) -> dict[str, Any]:
    """standing: the captions that there are, the one that counts first; former: those that were."""
    said = image.labels.filter(kind=Label.Kind.CAPTION).select_related("created_by", "pinned_by")
    former = image.former_labels.filter(kind=Label.Kind.CAPTION)
    told = label_history.captions(said, former.select_related("created_by", "ended_by"))
    return {
        "standing": [each for each in told if each.former is None],
        "former": [each for each in told if each.former is not None],
    }


@require_POST
def view(request: HttpRequest, pk: int) -> HttpResponse:
    """ "use 12" lets a caption count, "rule" the rule choose, "restore 5" former words count."""
    image = get_object_or_404(Image, pk=pk)
    action, _, number = request.POST.get("action", "").partition(" ")
    said = _act(request, image, action, number_in(number))
    if said:
        messages.success(request, said)
    else:
        messages.error(request, GONE)
    return HttpResponseRedirect(reverse("admin:gallery_image_change", args=[pk]))


def _act(request: HttpRequest, image: Image, action: str, number: int | None) -> str:
    """What was done; empty if there was nothing to do it with."""
    captions = Label.objects.filter(image=image, kind=Label.Kind.CAPTION)
    label: Label | None = None
    with transaction.atomic():
        if action == "rule":
            for label in captions.filter(is_pinned=True):
                labels.pin(label, False)
            return "The rule chooses the caption again."
        if action == "use" and number is not None:
            label = captions.filter(pk=number).first()
        elif action == "restore" and number is not None:
            former = FormerLabel.objects.filter(
                pk=number, image=image, kind=Label.Kind.CAPTION
            ).first()
            label = label_history.restore(former, request.user)[0] if former else None
        if label is None:
            return ""
        labels.pin(label, pinned_by=request.user)
    return "This caption counts now."
