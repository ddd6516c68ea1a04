"""Which models that drew a picture are kept private, without this room knowing any model.

The room above registers in its ``ready()`` a function that tells it for an image. Whatever this
room then gives to visitors leaves those models out: parameters, and the text within the file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gallery.models import Image


@dataclass(frozen=True)
class PrivateModels:
    """What visitors must not read of an image's models.

    ids: the private ones; shown: the LoRAs that may be named, as they stand in the file's text (an
    allow-list, since a model may have had another name when it drew); hides_base: whether the base
    model is private too.
    """

    ids: frozenset[int]
    shown: frozenset[str] = frozenset()
    hides_base: bool = False


Finder = Callable[[Image], PrivateModels | None]
_finders: list[Finder] = []


def register_private_models(finder: Finder) -> None:
    """Ask this function about every picture that visitors get; None: nothing is private."""
    if finder not in _finders:
        _finders.append(finder)


def private_models(image: Image) -> PrivateModels | None:
    """What is private of the image's models; None if nothing is."""
    found = [told for finder in _finders if (told := finder(image)) is not None]
    if not found:
        return None
    return PrivateModels(
        ids=frozenset().union(*(told.ids for told in found)),
        shown=frozenset.intersection(*(told.shown for told in found)),
        hides_base=any(told.hides_base for told in found),
    )


def without_private(params: Mapping[str, Any], private: PrivateModels | None) -> dict[str, Any]:
    """Generation parameters as visitors may read them."""
    told = dict(params)
    if private is None:
        return told
    loras = told.get("loras")
    if isinstance(loras, list):
        told["loras"] = [lora for lora in loras if not _is_private(lora, private)]
    if private.hides_base:
        told.pop("model", None)
    return told


def _is_private(lora: Any, private: PrivateModels) -> bool:
    return not isinstance(lora, dict) or lora.get("model") in private.ids
