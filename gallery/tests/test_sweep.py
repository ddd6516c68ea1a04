import os
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from gallery import ratings, sweep
from gallery.models import Image
from gallery.tests.factories import make_image

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def put(media: Path, name: str, hours: float = 2) -> Path:
    path = media / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"left over")
    age(path, hours)
    return path


def age(path: Path, hours: float = 2) -> None:
    moment = time.time() - hours * 3600
    os.utime(path, (moment, moment))


def age_all(media: Path) -> None:
    for path in media.rglob("*"):
        age(path)


def test_files_of_images_stay(media: Path) -> None:
    image = make_image(1, width=700, height=400, path_prefix="batches/1", sidecar={"a": 1})
    make_image(2)
    ratings.change_rating([image], "ADULT")
    age_all(media)
    swept = sweep.sweep()
    assert swept.removed == []
    assert swept.kept == 6 + 3


@pytest.mark.parametrize(
    "name",
    [
        "uploads/x.png", "batches/12/y.json", "batches/12/deep/er/z.png", "imported/1/.abc.part",
        "thumbnails/ab/" + "0" * 32 + "-300.webp", "thumbnails/ab/other.txt", "scraped/a b.jpg",
    ],
)  # fmt: skip
def test_old_files_without_a_row_go(media: Path, name: str) -> None:
    make_image(1)
    path = put(media, name)
    assert sweep.sweep().removed == [name]
    assert not path.exists()


def test_a_rendition_of_a_width_that_is_not_made_goes(media: Path) -> None:
    image = make_image(1)
    name = f"thumbnails/{image.sha256[:2]}/{image.sharp_key}-999.webp"
    put(media, name)
    assert sweep.sweep().removed == [name]


def test_a_sidecar_of_another_picture_goes(media: Path) -> None:
    image = make_image(1, sidecar={})
    put(media, "uploads/alone.json")
    age_all(media)
    assert sweep.sweep().removed == ["uploads/alone.json"]
    assert (media / str(image.file.name)).with_suffix(".json").exists()


def test_young_files_stay(media: Path) -> None:
    put(media, "uploads/young.png", hours=0.9)
    swept = sweep.sweep()
    assert (swept.removed, swept.waiting) == ([], 1)


def test_other_folders_are_never_touched(media: Path) -> None:
    paths = [put(media, "samples/x.png"), put(media, "y.png"), put(media, "models/lora.png")]
    assert sweep.sweep().removed == []
    assert all(path.exists() for path in paths)


def test_less_than_an_hour_is_refused() -> None:
    with pytest.raises(ValueError, match="hour"):
        sweep.sweep(timedelta(minutes=59))


def test_a_dry_run_removes_nothing(media: Path) -> None:
    path = put(media, "uploads/x.png")
    assert sweep.sweep(dry_run=True).removed == ["uploads/x.png"]
    assert path.exists()


def test_an_empty_storage_is_fine() -> None:
    assert sweep.sweep().removed == []


def test_many_files_are_compared_in_portions(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "_CHUNK", 2)
    for seed in range(3):
        make_image(seed)
    for number in range(5):
        put(media, f"uploads/{number}.png")
    age_all(media)
    assert len(sweep.sweep().removed) == 5


def test_missing_files_are_found_and_made_again(media: Path) -> None:
    image = make_image(1, width=700, height=400)
    kept = {path: path.read_bytes() for path in media.rglob("*.webp")}
    for path in kept:
        path.unlink()
    found = list(sweep.missing())
    assert [(one.image, len(one.names), one.original) for one in found] == [(image, 4, False)]
    assert sweep.repair(found[0])
    assert {path: path.read_bytes() for path in media.rglob("*.webp")} == kept
    assert list(sweep.missing()) == []


def test_a_lost_original_cannot_be_made_again(media: Path) -> None:
    image = make_image(1)
    (media / str(image.file.name)).unlink()
    found = list(sweep.missing())
    assert [one.original for one in found] == [True]
    assert not sweep.repair(found[0])


def test_a_damaged_original_cannot_be_made_again(media: Path) -> None:
    image = make_image(1)
    (media / str(image.file.name)).write_bytes(b"gone bad")
    for path in media.rglob("*.webp"):
        path.unlink()
    assert not sweep.repair(next(iter(sweep.missing())))


def test_the_command_tells_and_repairs(media: Path) -> None:
    make_image(1)
    put(media, "uploads/x.png")
    out = StringIO()
    call_command("sweep_files", stdout=out)
    assert "removed: uploads/x.png" in out.getvalue()
    assert "1 files without an image removed" in out.getvalue()
    for path in media.rglob("*.webp"):
        path.unlink()
    with pytest.raises(CommandError, match="1 images have missing files"):
        call_command("sweep_files", stdout=out)
    call_command("sweep_files", "--repair", stdout=out)
    assert "repaired: thumbnails/" in out.getvalue()
    call_command("sweep_files", stdout=out)
    with pytest.raises(CommandError, match="hour"):
        call_command("sweep_files", "--hours", "0.5", stdout=out)


def test_a_folder_that_vanishes_meanwhile_is_passed_over(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(media, "uploads/x.png")
    monkeypatch.setattr(
        default_storage,
        "get_modified_time",
        lambda name: (_ for _ in ()).throw(FileNotFoundError),
    )
    assert sweep.sweep().removed == []
    assert not Image.objects.exists()
