"""What of the runs and templates a request may know: the one rule for pages and API."""

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from gallery import nsfw
from gallery.models import Album
from generation.models import BatchTemplate, GenerationItem, ModelVersion
from imagineer.jobs.models import Job, Status


def shown_runs(request: HttpRequest, prefix: str = "") -> Q:
    """Admins see every run; visitors those that are public, done, and in an album open to them.

    prefix: the path to the run ("run__").
    """
    if nsfw.is_admin(request):
        return Q()
    # Not by joins: the database would begin with the albums, and then sort all of their runs.
    done = Job.objects.filter(
        pk=OuterRef(f"{prefix}job_id"), status__in=(Status.COMPLETED, Status.PARTIAL)
    )
    shelf = Album.objects.filter(pk=OuterRef(f"{prefix}album_id"), is_public=True)
    return Q(Exists(done), Exists(shelf), **{f"{prefix}is_public": True})


def shown_items(request: HttpRequest) -> QuerySet[GenerationItem]:
    """All items for admins; for visitors those whose picture they may see."""
    items = GenerationItem.objects.select_related("image")
    if nsfw.is_admin(request):
        return items
    return nsfw.visible(items.filter(status=GenerationItem.Status.DONE), request, "image__")


def names_item(request: HttpRequest, item: GenerationItem) -> bool:
    """Whether the name that its row gave a picture is told: of a veiled one no word is."""
    return item.image is None or nsfw.may_see_sharp(request, item.image)


def leave_out_private_bases(request: HttpRequest, loras: Iterable[ModelVersion]) -> None:
    """Take base models that visitors may not know of out of LoRAs; the rows must not be saved."""
    if nsfw.is_admin(request):
        return
    for lora in loras:
        if lora.base_model is not None and not lora.base_model.is_public:
            lora.base_model = None


def leave_out_private_loras(request: HttpRequest, templates: Iterable[BatchTemplate]) -> None:
    """Take what visitors may not know out of the templates' lists; the rows must not be saved."""
    if nsfw.is_admin(request):
        return
    listed = [template for template in templates if template.loras]
    ids = {lora.get("model") for template in listed for lora in template.loras}
    public = set(
        ModelVersion.objects.filter(pk__in=ids, is_public=True).values_list("pk", flat=True)
        if ids
        else ()
    )
    for template in listed:
        template.loras = [lora for lora in template.loras if lora.get("model") in public]
