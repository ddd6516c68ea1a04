"""Small makers of what the tests of this and of the higher rooms need."""

import io
import itertools
import random
from typing import Any

from django.contrib.auth import get_user_model
from PIL import Image as Picture
from PIL import ImageDraw

from gallery import image_index
from gallery.add_image import add_image
from gallery.models import Album, AlbumImage, Image, Label

_numbers = itertools.count(1)


def picture(seed: int | None = None, width: int = 64, height: int = 96) -> Picture.Image:
    """An RGB picture with some structure; the same seed draws the same."""
    chance = random.Random(next(_numbers) * 7919 if seed is None else seed)
    drawn = Picture.new("RGB", (width, height), _colour(chance))
    pen = ImageDraw.Draw(drawn)
    for _ in range(6):
        xs = sorted(chance.randrange(width + 1) for _ in range(2))
        ys = sorted(chance.randrange(height + 1) for _ in range(2))
        pen.ellipse((xs[0], ys[0], xs[1], ys[1]), fill=_colour(chance))
    return drawn


def picture_file(
    seed: int | None = None, width: int = 64, height: int = 96, kind: str = "PNG", **save: Any
) -> bytes:
    """The bytes of a picture file; kind: as Pillow names formats."""
    file = io.BytesIO()
    picture(seed, width, height).save(file, kind, **save)
    return file.getvalue()


def make_image(seed: int | None = None, **facts: Any) -> Image:
    """An image with all its files, through add_image. facts: its keyword arguments."""
    size = {name: facts.pop(name) for name in ("width", "height") if name in facts}
    facts.setdefault("source_type", Image.Source.UPLOAD)
    facts.setdefault("original_name", f"picture {next(_numbers)}.png")
    return add_image(picture_file(seed, **size), **facts).image


def make_row(**columns: Any) -> Image:
    """An image's row without files: fast, for lists and queries."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "file": f"uploads/row-{number}.png",
        "original_name": f"row {number}.png",
        "sha256": f"{number:064x}",
        "width": 640,
        "height": 480,
        "bytes": 1000,
        "format": "png",
        "source_type": Image.Source.UPLOAD,
    }
    image = Image.objects.create(**{**defaults, **columns})
    image_index.refresh([image.pk])
    return image


def make_album(name: str = "", images: Any = (), **columns: Any) -> Album:
    """An album holding these images in this order."""
    album = Album.objects.create(name=name or f"Album {next(_numbers)}", **columns)
    AlbumImage.objects.bulk_create(
        AlbumImage(album=album, image=image, position=place) for place, image in enumerate(images)
    )
    image_index.refresh(image.pk for image in images)
    return album


def make_label(image: Image, text: str = "a round thing", **columns: Any) -> Label:
    label = Label.objects.create(
        **{"image": image, "text": text, "kind": Label.Kind.CAPTION, **columns}
    )
    image_index.refresh([image.pk])
    return label


def make_tagged(*names: str, source: str = Label.Source.MANUAL, **columns: Any) -> Image:
    """An image's row that labels give these tags."""
    image = make_row(**columns)
    Label.objects.bulk_create(
        Label(image=image, kind=Label.Kind.TAG, text=name, source=source) for name in names
    )
    image_index.refresh([image.pk])
    return image


def make_admin(username: str = "") -> Any:
    """A user who may write."""
    return get_user_model().objects.create_user(
        username or f"admin{next(_numbers)}", password="secret", is_staff=True, is_superuser=True
    )


def _colour(chance: random.Random) -> tuple[int, int, int]:
    return chance.randrange(256), chance.randrange(256), chance.randrange(256)
