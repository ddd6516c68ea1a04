"""Images are found by the names of the LoRAs that drew them."""

from collections.abc import Sequence

from django.db.models import Count

from gallery.search_names import Named, Pairs
from generation.models import ImageModel, ModelVersion


def _members(image_ids: Sequence[int]) -> Pairs:
    uses = ImageModel.everything.filter(
        image__in=image_ids, model_version__type=ModelVersion.Type.LORA
    )
    return uses.values_list("image_id", "model_version_id")


def _name(version: ModelVersion) -> str | None:
    return version.name if version.type == ModelVersion.Type.LORA else None


def _facet(image_ids: Sequence[int], everything: bool) -> list[tuple[str, int]]:
    uses = ImageModel.objects.filter(
        image__in=image_ids, model_version__type=ModelVersion.Type.LORA
    )
    if not everything:
        uses = uses.filter(model_version__is_public=True)
    counted = uses.order_by().values_list("model_version__name")
    return list(
        counted.annotate(number=Count("image", distinct=True)).order_by(
            "-number", "model_version__name"
        )
    )


SEARCHED = Named(
    key="lora",
    model=ModelVersion,
    members=_members,
    name=_name,
    is_public=lambda version: version.is_public,
    facet=_facet,
    facet_title="LoRA",
)
