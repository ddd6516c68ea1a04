"""The page of one album in the console: its order, its cover, what leaves it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest

from gallery import albums
from gallery.models import Album, AlbumImage, Image
from imagineer.words import number_in

PER_PAGE = 200


def give_covers(listed: Iterable[Any]) -> None:
    """Set ``shown_cover`` on each album: its cover, else its ``first_image``. One query."""
    found = Image.objects.in_bulk(
        [album.first_image for album in listed if album.cover_id is None and album.first_image]
    )
    for album in listed:
        album.shown_cover = album.cover or found.get(album.first_image)


def context(request: HttpRequest, album: Album) -> dict[str, Any]:
    """One page of the album's pictures in their order."""
    entries = AlbumImage.objects.filter(album=album).select_related("image")
    paginator = Paginator(entries.order_by("position", "id"), PER_PAGE)
    # Kept, where counting would walk through the whole album.
    paginator.count = album.live_count
    page = paginator.get_page(request.GET.get("p"))
    tiles = [
        {"image": entry.image, "place": place, "is_cover": entry.image_id == album.cover_id}
        for place, entry in enumerate(page.object_list, start=page.start_index())
    ]
    return {"album": album, "tiles": tiles, "page": page, "total": paginator.count}


def arrange(album: Album, told: Mapping[str, str]) -> None:
    """Do what the tiles say: ``place-<image>`` (from 1), ``remove-<image>``, ``cover=<image>``."""
    leaving = [pk for name in told if (pk := _suffix(name, "remove-")) is not None]
    if leaving:
        albums.remove_many(album, leaving)
    wanted: dict[int, int] = {}
    for name, value in told.items():
        pk = _suffix(name, "place-")
        place = number_in(value)
        if pk is not None and pk not in leaving and place is not None:
            wanted[pk] = place
    if wanted:
        entries = AlbumImage.objects.filter(album=album).order_by("position", "id")
        before = list(entries.values_list("image_id", flat=True))
        after = moved(before, wanted)
        if after != before:
            albums.reorder(album, after)
    _set_cover(album, told.get("cover", ""))


def moved(order: Sequence[int], wanted: Mapping[int, int]) -> list[int]:
    """The order after some ids were given new places (from 1); the others keep theirs around them.

    Ids whose place is the one they have do not move, so that saying every place again changes
    nothing, and saying one new place moves one picture.
    """
    here = {pk: place for place, pk in enumerate(order, start=1)}
    moving = {pk: place for pk, place in wanted.items() if pk in here and here[pk] != place}
    after = [pk for pk in order if pk not in moving]
    for pk, place in sorted(moving.items(), key=lambda item: (item[1], here[item[0]])):
        after.insert(max(0, place - 1), pk)
    return after


def _set_cover(album: Album, value: str) -> None:
    """Keep the cover if it names a picture of the album; "none" takes it away."""
    if value == "none":
        Album.objects.filter(pk=album.pk).update(cover=None)
        return
    image_id = number_in(value)
    if image_id is not None and AlbumImage.objects.filter(album=album, image=image_id).exists():
        Album.objects.filter(pk=album.pk).update(cover_id=image_id)


def _suffix(name: str, prefix: str) -> int | None:
    return number_in(name.removeprefix(prefix)) if name.startswith(prefix) else None
