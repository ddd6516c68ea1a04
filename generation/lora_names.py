"""Images are found by the names of the LoRAs that drew them."""

from collections import Counter
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


def _facet(image_ids: Sequence[int], everything: bool) -> list[tuple[str, int]]:
    # No condition on the models: the database would begin with them, and look for each image in
    # each. Versions of one name count an image once.
    uses = ImageModel.everything.filter(image__in=image_ids).values_list(
        "image_id", "model_version__name", "model_version__type", "model_version__is_public"
    )
    found = {
        (image, name)
        for image, name, kind, is_public in uses
        if kind == ModelVersion.Type.LORA and (is_public or everything)
    }
    counted = Counter(name for _, name in found)
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))


SEARCHED = Named(
    key="lora",
    model=ModelVersion,
    members=_members,
    name=_name,
    is_public=lambda version: version.is_public,
    facet=_facet,
    facet_title="LoRA",
)
