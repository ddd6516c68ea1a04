"""Dataset versions as flat folders."""

import hashlib
import io
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image as Picture

from gallery import trash
from gallery.add_image import add_image
from gallery.models import Image
from gallery.near_duplicates import merge
from gallery.tests.factories import make_album, make_label, picture, picture_file
from training.datasets import freeze
from training.export import MissingPicture, export

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def dataset_of(*files: bytes) -> Any:
    images = [add_image(file, source_type=Image.Source.UPLOAD).image for file in files]
    for number, image in enumerate(images, start=1):
        make_label(image, f"card {number}")
    return freeze("cards", [make_album("Cards", images)])


def test_pictures_and_captions_lie_side_by_side(tmp_path: Any) -> None:
    files = [picture_file(1), picture_file(2)]
    assert export(dataset_of(*files), tmp_path / "out", "night style") == 2
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["image_0001.png", "image_0001.txt", "image_0002.png", "image_0002.txt"]
    assert (tmp_path / "out/image_0001.png").read_bytes() == files[0]
    assert (tmp_path / "out/image_0002.txt").read_text() == "night style, card 2\n"


def test_a_turned_jpeg_is_written_upright(tmp_path: Any) -> None:
    exif = Picture.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    picture(1, 64, 96).save(file, "JPEG", exif=exif.tobytes())
    export(dataset_of(file.getvalue()), tmp_path / "out")
    with Picture.open(tmp_path / "out/image_0001.png") as written:
        assert written.format == "PNG"
        assert written.size == (96, 64)


def test_a_png_that_is_turned_by_its_exif_is_not_copied(tmp_path: Any) -> None:
    exif = Picture.Exif()
    exif[0x0112] = 6
    turned = picture_file(1, exif=exif.tobytes())
    export(dataset_of(turned), tmp_path / "out")
    with Picture.open(tmp_path / "out/image_0001.png") as written:
        assert written.size == (96, 64)


def test_a_deleted_picture_is_named_and_nothing_is_half_written(tmp_path: Any) -> None:
    dataset = dataset_of(picture_file(1), picture_file(2))
    dataset.items.get(index=2).image.delete()
    with pytest.raises(MissingPicture, match=r"Picture 2 of cards v1 \(“card 2”\) was deleted"):
        export(dataset, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_picture_over_a_limit_that_was_lowered_since_is_named(
    tmp_path: Any, settings: Any
) -> None:
    dataset = dataset_of(picture_file(1))
    settings.MAX_IMAGE_PIXELS = 64
    with pytest.raises(MissingPicture, match=r"Picture 1 of cards v1, .* cannot be used: "):
        export(dataset, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_picture_that_was_deleted_and_added_again_is_found(tmp_path: Any) -> None:
    dataset = dataset_of(picture_file(1))
    dataset.items.get().image.delete()
    add_image(picture_file(1), source_type=Image.Source.UPLOAD)
    assert export(dataset, tmp_path / "out") == 1


def test_a_folder_that_is_there_is_kept_and_a_half_one_is_made_anew(tmp_path: Any) -> None:
    dataset = dataset_of(picture_file(1))
    half = tmp_path / "out.part"
    half.mkdir()
    (half / "image_0009.png").write_bytes(b"left behind")
    export(dataset, tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 2
    (tmp_path / "out/image_0001.txt").write_text("mine")
    export(dataset, tmp_path / "out")
    assert (tmp_path / "out/image_0001.txt").read_text() == "mine"


def test_what_the_report_raises_stops_the_export(tmp_path: Any) -> None:
    def stop(done: Any, total: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(dataset_of(picture_file(1)), tmp_path / "out", report=stop)
    assert not (tmp_path / "out").exists()


def test_a_picture_that_was_merged_into_a_better_one_is_exported_as_it_was(
    tmp_path: Any, django_capture_on_commit_callbacks: Any
) -> None:
    """Until the trash is emptied of it; from then on the better file stands for it."""
    frozen, better = picture_file(1), picture_file(1, 128, 192)
    dataset = dataset_of(frozen)
    item = dataset.items.get()
    assert item.image is not None
    kept = add_image(better, source_type=Image.Source.UPLOAD).image
    merge(kept, item.image)
    item.refresh_from_db()
    assert (item.image, item.sha256) == (kept, hashlib.sha256(frozen).hexdigest())
    export(dataset, tmp_path / "before")
    assert (tmp_path / "before/image_0001.png").read_bytes() == frozen
    with django_capture_on_commit_callbacks(execute=True):
        assert trash.purge(timezone.now()) == 1
    export(dataset, tmp_path / "after")
    assert (tmp_path / "after/image_0001.png").read_bytes() == better
