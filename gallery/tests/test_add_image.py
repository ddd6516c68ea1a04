"""The one door: what is written, what is refused, and that calling twice is safe."""

import hashlib
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from PIL import Image as Picture

from gallery import add_image as door
from gallery import image_files, image_index, renditions
from gallery.add_image import ImageRefused, add_image
from gallery.models import Album, AlbumImage, Image, SearchDocument
from gallery.storage import DurableFileSystemStorage
from gallery.tests import files
from gallery.tests.factories import make_admin, make_album, picture_file

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def names(media: Path) -> list[str]:
    return sorted(str(path.relative_to(media)) for path in media.rglob("*") if path.is_file())


def test_it_keeps_bytes_facts_and_hashes(media: Path) -> None:
    data = picture_file(1, 640, 480)
    admin = make_admin()
    added = add_image(
        data,
        source_type="generated",
        original_name="Queen of Hearts.png",
        prompt="a queen",
        negative_prompt="a king",
        generation_params={"seed": 7},
        rating="SAFE",
        is_public=False,
        created_by=admin,
        path_prefix="batches/12",
    )
    assert added.created
    image = Image.objects.get(pk=added.image.pk)
    assert (image.width, image.height, image.format, image.bytes) == (640, 480, "png", len(data))
    assert image.sha256 == hashlib.sha256(data).hexdigest()
    assert (image.prompt, image.negative_prompt) == ("a queen", "a king")
    assert image.generation_params == {"seed": 7}
    assert (image.rating, image.is_nsfw, image.is_public) == ("SAFE", False, False)
    assert image.created_by == admin
    assert image.phash is not None
    assert len(image.placeholder) > 20
    assert str(image.file.name).startswith("batches/12/queen-of-hearts-")
    assert (media / str(image.file.name)).read_bytes() == data


def test_it_makes_the_renditions_and_nothing_else(media: Path) -> None:
    image = add_image(picture_file(1, 700, 350), source_type="upload").image
    sharp = [f"{image.sharp_key}-{width}.webp" for width in (300, 600, 700)]
    expected = [f"thumbnails/{image.sha256[:2]}/{name}" for name in sharp]
    expected += [f"thumbnails/{image.sha256[:2]}/{image.blurred_key}-300.webp"]
    assert names(media) == sorted([*expected, str(image.file.name)])
    sizes = [Picture.open(media / name).size for name in expected]
    assert sizes == [(300, 150), (600, 300), (700, 350), (300, 150)]


def test_a_large_picture_has_three_widths(media: Path) -> None:
    image = add_image(picture_file(1, 2000, 1000, "JPEG"), source_type="upload").image
    assert renditions.sharp_widths(image.width) == (300, 600, 1200)
    for width in (300, 600, 1200):
        name = renditions.name(image.sha256, image.sharp_key, width)
        assert Picture.open(media / name).size == (width, width // 2)


def test_the_same_bytes_are_the_same_image(media: Path) -> None:
    data = picture_file(1)
    first = add_image(data, source_type="upload", prompt="one")
    before = names(media)
    second = add_image(data, source_type="scraped", prompt="two", rating="EXPLICIT")
    assert (first.created, second.created) == (True, False)
    assert first.image == second.image
    assert Image.objects.get().prompt == "one"
    assert names(media) == before


def test_a_known_image_joins_the_album() -> None:
    data, album = picture_file(1), make_album()
    image = add_image(data, source_type="upload").image
    assert not add_image(data, source_type="upload", album=album).created
    assert not add_image(data, source_type="upload", album=album).created
    assert list(album.images.all()) == [image]


def test_images_follow_each_other_in_the_album() -> None:
    album = make_album()
    added = [
        add_image(picture_file(seed), source_type="upload", album=album).image for seed in range(3)
    ]
    assert list(album.entries.values_list("image_id", "position")) == [
        (image.pk, place) for place, image in enumerate(added)
    ]


def test_a_position_is_kept_and_can_be_changed() -> None:
    album = make_album()
    image = add_image(picture_file(1), source_type="upload", album=album, position=7).image
    assert AlbumImage.objects.get(image=image).position == 7
    add_image(picture_file(1), source_type="upload", album=album, position=3)
    assert AlbumImage.objects.get(image=image).position == 3
    add_image(picture_file(1), source_type="upload", album=album)
    assert AlbumImage.objects.get(image=image).position == 3


def test_a_file_object_and_a_path_are_read(tmp_path: Path) -> None:
    data = picture_file(1)
    path = tmp_path / "from a path.png"
    path.write_bytes(data)
    by_path = add_image(path, source_type="upload").image
    assert by_path.original_name == "from a path.png"
    file = io.BytesIO(data)
    file.read()
    assert add_image(file, source_type="upload").image == by_path
    with path.open("rb") as opened:
        assert add_image(opened, source_type="upload").image == by_path


def test_a_stream_that_cannot_rewind_is_read() -> None:
    class Stream(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *args: Any) -> int:
            raise io.UnsupportedOperation

    assert add_image(Stream(picture_file(1)), source_type="upload").created


def test_what_other_threads_prepared_is_taken_in_alike(media: Path) -> None:
    pictures = [picture_file(seed, 640, 480) for seed in range(6)]
    with ThreadPoolExecutor(3) as pool:
        prepared = list(pool.map(door.prepare, pictures))
    added = [add_image(each, source_type="upload") for each in prepared]
    assert all(each.created for each in added)
    assert [each.image.sha256 for each in added] == [
        hashlib.sha256(data).hexdigest() for data in pictures
    ]
    assert not add_image(prepared[0], source_type="upload").created
    before = added[0].image
    Image.everything.filter(pk=before.pk).delete()
    after = add_image(pictures[0], source_type="upload").image
    assert (after.phash, after.placeholder, after.width) == (
        before.phash, before.placeholder, before.width,
    )  # fmt: skip


def test_a_sidecar_lies_beside_the_file(media: Path) -> None:
    image = add_image(picture_file(1), source_type="generated", sidecar={"seed": 1}).image
    beside = (media / str(image.file.name)).with_suffix(".json")
    assert json.loads(beside.read_text()) == {"seed": 1}


@pytest.mark.parametrize(
    ("name", "kept", "stem"),
    [
        ("../../etc/passwd.png", "passwd.png", "passwd"),
        ("C:\\pictures\\cat.png", "cat.png", "cat"),
        ("a\x00b\nc.png", "abc.png", "abc"),
        ("名前.png", "名前.png", "picture"),
        ("", "", "picture"),
        ("x" * 400 + ".png", ("x" * 400 + ".png")[:255], "x" * 60),
        ("--.png", "--.png", "picture"),
    ],
)
def test_names_are_made_harmless(name: str, kept: str, stem: str) -> None:
    image = add_image(picture_file(1), source_type="upload", original_name=name).image
    assert image.original_name == kept
    assert str(image.file.name).startswith(f"uploads/{stem}-")


def test_nul_is_left_out_of_texts() -> None:
    image = add_image(picture_file(1), source_type="upload", prompt="a\x00b").image
    assert image.prompt == "ab"


@pytest.mark.parametrize(
    "prefix",
    ["..", "uploads/..", "thumbnails", "elsewhere", "uploads//x", "uploads/A b", "uploadsx"],
)
def test_other_folders_are_refused(prefix: str, media: Path) -> None:
    with pytest.raises(ValueError, match="not a folder"):
        add_image(picture_file(1), source_type="upload", path_prefix=prefix)
    assert names(media) == []


@pytest.mark.parametrize(
    ("source_type", "folder"),
    [
        ("upload", "uploads"),
        ("generated", "batches"),
        ("scraped", "scraped"),
        ("imported", "imported"),
    ],
)
def test_each_source_has_its_folder(source_type: str, folder: str) -> None:
    image = add_image(picture_file(1), source_type=source_type).image
    assert str(image.file.name).startswith(f"{folder}/picture-")


@pytest.mark.parametrize("argument", [{"source_type": "found"}, {"rating": "BAD"}])
def test_unknown_words_are_refused(argument: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        add_image(picture_file(1), **{"source_type": "upload", **argument})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data", [b"", b"<svg/>", picture_file(1)[:200]], ids=["empty", "svg", "cut"]
)
def test_a_refused_file_leaves_nothing(data: bytes, media: Path) -> None:
    album = make_album()
    with pytest.raises(ImageRefused):
        add_image(data, source_type="upload", album=album)
    assert names(media) == []
    assert not Image.objects.exists()
    assert not album.entries.exists()


def test_a_file_over_the_limit_is_not_read_whole(settings: Any, tmp_path: Path) -> None:
    settings.MAX_IMAGE_BYTES = 1000
    path = tmp_path / "large.png"
    path.write_bytes(bytes(5000))
    with pytest.raises(ImageRefused, match="larger than"):
        add_image(path, source_type="upload")


def test_a_missing_path_raises_oserror(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nothing"):
        add_image(tmp_path / "nothing.png", source_type="upload")


def test_a_full_disk_leaves_nothing(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(storage: DurableFileSystemStorage, partial: Path, name: str) -> str:
        if name.endswith("-300.webp"):
            raise OSError(28, "No space left on device")
        return link(storage, partial, name)

    link = DurableFileSystemStorage._link
    monkeypatch.setattr(DurableFileSystemStorage, "_link", full)
    with pytest.raises(OSError, match="No space"):
        add_image(picture_file(1, 640, 480), source_type="upload", sidecar={"a": 1})
    assert not Image.objects.exists()
    assert names(media) == []


@pytest.mark.parametrize(
    "facts",
    [
        {"prompt": "a red fox", "original_name": "den.png"},
        {"rating": "EXPLICIT", "prompt": "a fox"},
        {"source_type": "scraped"},
        {"is_public": False},
    ],
)
@pytest.mark.parametrize("shelved", [False, True])
def test_a_new_image_is_found_by_all_it_says(facts: dict[str, Any], shelved: bool) -> None:
    album = make_album() if shelved else None
    image = add_image(picture_file(1), **{"source_type": "upload", "album": album, **facts}).image
    at_first = SearchDocument.objects.values().get(pk=image.pk)
    SearchDocument.objects.all().delete()
    image_index.refresh([image.pk])
    assert SearchDocument.objects.values().get(pk=image.pk) == at_first


def test_a_new_image_takes_few_statements(django_assert_max_num_queries: Any) -> None:
    """While they run no other process can write to SQLite."""
    add_image(picture_file(1), source_type="upload")
    # Is it known? A savepoint with image and document (on PostgreSQL in two steps), and its end.
    with django_assert_max_num_queries(6):
        add_image(picture_file(2), source_type="upload")


def test_an_album_that_is_gone_is_an_error_and_leaves_nothing(media: Path) -> None:
    album = make_album()
    Album.objects.all().delete()
    with pytest.raises(Album.DoesNotExist):
        add_image(picture_file(1), source_type="upload", album=album)
    assert not Image.objects.exists()
    assert names(media) == []


def test_the_loser_of_a_race_removes_its_files(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = picture_file(1)
    album = make_album()
    decode = door.decode_for_renditions

    def slow(given: bytes) -> Any:
        monkeypatch.setattr(door, "decode_for_renditions", decode)
        winner = add_image(data, source_type="upload", prompt="winner")
        assert winner.created
        return decode(given)

    monkeypatch.setattr(door, "decode_for_renditions", slow)
    added = add_image(data, source_type="upload", prompt="loser", album=album)
    assert not added.created
    assert Image.objects.get().prompt == "winner"
    assert list(album.images.all()) == [added.image]
    assert len(names(media)) == 3


@pytest.mark.django_db(transaction=True)
def test_an_image_deleted_meanwhile_is_added_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    data, album = picture_file(1), make_album()
    first = add_image(data, source_type="upload").image
    atomic = transaction.atomic

    def after_a_deletion(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(transaction, "atomic", atomic)
        Image.objects.all().delete()
        return atomic(*args, **kwargs)

    monkeypatch.setattr(transaction, "atomic", after_a_deletion)
    added = add_image(data, source_type="upload", album=album)
    assert added.created
    assert added.image.pk != first.pk
    assert list(album.images.all()) == [added.image]


def test_files_that_grew_old_are_written_again(
    monkeypatch: pytest.MonkeyPatch, media: Path
) -> None:
    """A process stopped for an hour must not name files that were swept meanwhile."""
    answers = [False, True]
    monkeypatch.setattr(door._Written, "is_fresh", property(lambda self: answers.pop(0)))
    assert add_image(picture_file(1), source_type="upload").created
    assert answers == []
    assert len(names(media)) == 3


def test_it_gives_up_with_a_sentence(monkeypatch: pytest.MonkeyPatch, media: Path) -> None:
    monkeypatch.setattr(door._Written, "is_fresh", False)
    with pytest.raises(OSError, match="again and again"):
        add_image(picture_file(1), source_type="upload")
    assert names(media) == []


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_every_format_comes_in(kind: str, media: Path) -> None:
    image = add_image(picture_file(1, 320, 200, kind), source_type="upload").image
    assert Path(str(image.file.name)).suffix[1:] == image_files.EXTENSIONS[image.format]
    drawn = Picture.open(media / renditions.name(image.sha256, image.sharp_key, 300))
    assert (drawn.format, drawn.size) == ("WEBP", (300, 188))


def test_a_flat_picture_has_no_perceptual_hash() -> None:
    data = files.saved(files.plain((1, 2, 3)), "PNG")
    assert add_image(data, source_type="upload").image.phash is None


def test_no_metadata_reaches_the_renditions(media: Path) -> None:
    image = add_image(files.turned(6, size=(800, 400)), source_type="upload").image
    for path in (media / "thumbnails").rglob("*.webp"):
        assert not Picture.open(path).getexif()
    assert (image.width, image.height) == (400, 800)


@pytest.mark.parametrize(("rating", "nsfw"), [("SUGGESTIVE", False), ("ADULT", True)])
def test_the_rating_decides_what_is_nsfw(rating: str, nsfw: bool) -> None:
    assert add_image(picture_file(1), source_type="upload", rating=rating).image.is_nsfw is nsfw


def test_the_database_holds_rating_and_nsfw_together() -> None:
    image = add_image(picture_file(1), source_type="upload").image
    with pytest.raises(IntegrityError):
        Image.objects.filter(pk=image.pk).update(rating="ADULT")
