"""Deleting images for good: rows first, so that no page shows what is gone, then their files.

People delete into the trash (gallery.trash), which is emptied through here.
"""

import logging
from collections.abc import Iterable
from pathlib import PurePosixPath

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q

from gallery import renditions
from gallery.models import Image

logger = logging.getLogger(__name__)
_CHUNK = 200
_ANY = Q()


def delete_images(ids: Iterable[int], where: Q = _ANY) -> int:
    """Delete these images with all that belongs to them; how many there were.

    where: asked once more of each row at the moment of deleting.

    The files go once the rows are gone for good (at the end of a surrounding transaction). A kill
    in between leaves files without rows, which the sweep removes.
    """
    wanted = sorted(set(ids))
    deleted = 0
    for start in range(0, len(wanted), _CHUNK):
        with transaction.atomic():
            rows = Image.everything.select_for_update().filter(where)
            images = list(rows.filter(pk__in=wanted[start : start + _CHUNK]))
            Image.everything.filter(pk__in=[image.pk for image in images]).delete()
            names = [name for image in images for name in file_names(image)]
            transaction.on_commit(lambda names=names: _delete_files(names))  # type: ignore[misc]
        deleted += len(images)
    return deleted


def file_names(image: Image) -> list[str]:
    """Every file in the storage that belongs to the image."""
    made = renditions.names_of(image.sha256, image.width, image.sharp_key, image.blurred_key)
    return [str(image.file.name), sidecar_name(str(image.file.name)), *made]


def sidecar_name(name: str) -> str:
    """The JSON file beside an original (there need not be one)."""
    return str(PurePosixPath(name).with_suffix(".json"))


def _delete_files(names: Iterable[str]) -> None:
    for name in names:
        try:
            default_storage.delete(name)
        except OSError:
            # The row is gone, which is what was asked for; the sweep will try this file again.
            logger.warning("The file %s could not be deleted", name, exc_info=True)
