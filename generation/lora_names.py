"""Images are found by the names of the LoRAs that drew them."""

from collections.abc import Sequence

from gallery.search_names import Named, Pairs
from generation.models import ImageModel, ModelVersion


def _members(image_ids: Sequence[int]) -> Pairs:
    uses = ImageModel.everything.filter(
        image__in=image_ids, model_version__type=ModelVersion.Type.LORA
    )
    return uses.values_list("image_id", "model_version_id")


def _name(version: ModelVersion) -> str | None:
    return version.name if version.type == ModelVersion.Type.LORA else None


SEARCHED = Named(
    key="lora",
    model=ModelVersion,
    members=_members,
    name=_name,
    is_public=lambda version: version.is_public,
    # Which LoRAs drew a veiled picture is not told on its page.
    told_when_veiled=False,
)
