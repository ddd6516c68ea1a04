"""Which pictures a next dataset version would hold otherwise than the last one does.

Told to the search index as a fact of each picture (gallery.search_facts), so that they are found
among all others, and offered as a filter where captions are reviewed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Max

from gallery import full_text, image_index, search
from gallery.full_text import AllOf, AnyOf
from gallery.models import Album, AlbumImage, Image
from gallery.search_facts import Fact
from labeling.review_filters import ReviewFilter
from training.captions import caption_of, captions_of
from training.models import DatasetItem, DatasetVersion

CHANGED = "changed"
_PART = 500
_QUOTED = 300


@dataclass(frozen=True)
class Held:
    """The last dataset version that concerns a picture, and its caption there.

    caption: empty where the version is an album's that the picture is in, but does not hold it.
    """

    dataset: int
    caption: str = ""


def changed(images: Sequence[Image]) -> dict[int, Held]:
    """By their ids, the images that a next version would hold with another caption, or not at all,
    or for the first time.
    """
    held = _held([image.pk for image in images])
    captions = captions_of(list(held))
    found = {}
    for image in images:
        if image.pk in held:
            now = caption_of(captions.get(image.pk, ()), image.prompt)
            if (now.text if now else "") != held[image.pk].caption:
                found[image.pk] = held[image.pk]
    return found


def _held(image_ids: Sequence[int]) -> dict[int, Held]:
    versions: dict[int, set[int]] = {}
    items = DatasetItem.objects.filter(image__in=image_ids)
    for image_id, dataset in items.values_list("image_id", "dataset_id"):
        versions.setdefault(image_id, set()).add(dataset)
    newest = {image_id: max(datasets) for image_id, datasets in versions.items()}
    found = {
        image_id: Held(dataset, caption)
        for image_id, dataset, caption in items.filter(
            dataset__in=set(newest.values())
        ).values_list("image_id", "dataset_id", "caption")
        if newest[image_id] == dataset
    }
    for image_id, dataset in _of_albums(image_ids):
        if dataset not in versions.get(image_id, ()):
            found[image_id] = Held(dataset)
    return found


def _of_albums(image_ids: Sequence[int]) -> Iterable[tuple[int, int]]:
    """(image, the last version of an album that it is in)."""
    entries = AlbumImage.objects.filter(image__in=image_ids)
    shelves = DatasetVersion.albums.through.objects.filter(album__in=entries.values("album"))
    last = dict(shelves.values_list("album").annotate(Max("datasetversion")))
    inside = entries.filter(album__in=last).order_by("album_id") if last else entries.none()
    return [(image_id, last[album]) for image_id, album in inside.values_list("image_id", "album")]


def tell(image_ids: Sequence[int]) -> Iterable[tuple[int, Fact]]:
    """The fact that the index keeps; see gallery.search_facts."""
    images = Image.objects.filter(pk__in=image_ids).only("prompt")
    return [(image_id, (CHANGED, 1)) for image_id in changed(list(images))]


def refresh(albums: Iterable[Album]) -> None:
    """A version of these albums was frozen: what had changed is as the last version holds it."""
    shelves = AnyOf(tuple(search.fact("album", album.pk) for album in albums))
    node = AllOf((search.fact(CHANGED, 1), shelves))
    last = None
    while found := full_text.image_ids(node, _PART, last):
        image_index.refresh(found)
        last = found[-1]


def notes(images: Sequence[Image]) -> dict[int, str]:
    """What is said beside each picture that changed."""
    found = changed(images)
    wanted = {held.dataset for held in found.values()}
    names = {each.pk: str(each) for each in DatasetVersion.objects.filter(pk__in=wanted)}
    return {pk: _note(names[held.dataset], held.caption) for pk, held in found.items()}


def _note(dataset: str, caption: str) -> str:
    if not caption:
        return f"Not in {dataset}."
    quoted = caption if len(caption) <= _QUOTED else f"{caption[:_QUOTED]}…"
    return f"In {dataset}: “{quoted}”"


FILTER = ReviewFilter(
    CHANGED,
    "Changed since the last dataset",
    "Nothing here differs from the last dataset version.",
    lambda: search.fact(CHANGED, 1),
    notes,
)
