"""Which of a picture's models visitors may not know of, told to the gallery."""

from gallery.infotext import tag_name
from gallery.models import Image
from gallery.private_models import PrivateModels
from generation.models import ModelVersion


def private_models(image: Image) -> PrivateModels | None:
    """The private ones among the models that drew the image; None if all are public."""
    used = [use.model_version for use in image.models_used.all()]
    private = [version for version in used if not version.is_public]
    if not private:
        return None
    return PrivateModels(
        ids=frozenset(version.pk for version in private),
        shown=frozenset(tag_name(version.name) for version in used if _is_shown(version)),
        hides_base=any(version.type == ModelVersion.Type.BASE for version in private),
    )


def _is_shown(version: ModelVersion) -> bool:
    return version.is_public and version.type == ModelVersion.Type.LORA
