"""Captions leave an album as files and come back: every format, and files of other makers."""

import io
import json
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from gallery import albums
from gallery.album_sources import SourceRefused
from gallery.captions import best_caption
from gallery.models import Album, Image, Label
from gallery.tests.factories import make_admin, make_album, make_image, make_label
from gallery.tests.files import zipped
from imagineer.jobs.models import Job, Status
from imagineer.jobs.runner import execute
from labeling.album_captions import captioned, file_names
from labeling.caption_files import CaptionFileRefused
from labeling.caption_jobs import submit_caption_import
from labeling.export_captions import Export, Format, Words, export

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def album() -> Album:
    """A captioned picture twice tagged and rated, one with a prompt alone, one without words."""
    lake = make_image(1, original_name="lake.png", rating="SAFE")
    make_label(lake, "a lake, by hand")
    make_label(lake, "a lake, by Claude", source="claude")
    for tag in ("snow", "red fox"):
        make_label(lake, tag, kind="tag", source="claude")
    card = make_image(2, original_name="Lake.png", prompt="seven of  hearts")
    plain = make_image(3, original_name="plain.png")
    return make_album("Cards", [lake, card, plain])


def content(album: Album, **asked: Any) -> bytes:
    return b"".join(export(album, Export(**asked)).parts)


def unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def imported(album: Album, *files: tuple[str, bytes], choose: bool = True) -> Any:
    sent = [SimpleUploadedFile(name, data) for name, data in files]
    job = submit_caption_import(album, sent, choose=choose, created_by=make_admin())
    execute(job.pk)
    return Job.objects.get(pk=job.pk)


def captions(album: Album) -> list[str]:
    return [each.caption for each in captioned(album)]


def forget(album: Album) -> None:
    Label.objects.all().delete()
    Image.objects.update(prompt="")
    assert captions(album) == ["", "", ""]


def test_names_are_distinct_and_safe_on_any_system() -> None:
    rows = [
        make_image(number, original_name=name)
        for number, name in enumerate(("a.png", "A.jpg", 'b:"c".png', "...", "x" * 250 + ".png"))
    ]
    names = list(file_names([row.pk for row in rows]).values())
    assert names == ["a.png", "A-2.png", "b c.png", "picture.png", "x" * 100 + ".png"]


def test_texts_stand_beside_the_pictures_names(album: Album) -> None:
    assert unzipped(content(album, format=Format.TXT)) == {
        "lake.txt": b"a lake, by hand\n", "Lake-2.txt": b"seven of hearts\n", "plain.txt": b"\n",
    }  # fmt: skip
    files = unzipped(content(album, format=Format.TXT, words=Words.BOTH, with_pictures=True))
    assert files["lake.txt"] == b"a lake, by hand, red fox, snow\n"
    assert files["lake.png"] == Image.objects.get(original_name="lake.png").file.read()
    tags = unzipped(content(album, format=Format.TXT, words=Words.TAGS))
    assert (tags["lake.txt"], tags["plain.txt"]) == (b"red fox, snow\n", b"\n")


def test_kohyas_folder_says_how_often_and_of_what(album: Album) -> None:
    files = unzipped(content(album, format=Format.KOHYA, repeats=5, trigger="sks/../cards"))
    assert sorted(files) == sorted(
        f"5_sks cards/{name}"
        for name in ("lake.png", "lake.txt", "Lake-2.png", "Lake-2.txt", "plain.png", "plain.txt")
    )


def test_hugging_faces_folder_has_a_line_for_each_picture(album: Album) -> None:
    files = unzipped(content(album, format=Format.HUGGING_FACE, with_pictures=True))
    lines = [json.loads(line) for line in files["metadata.jsonl"].decode().splitlines()]
    assert [line["file_name"] for line in lines] == ["lake.png", "Lake-2.png", "plain.png"]
    assert {line["file_name"] for line in lines} < set(files)
    assert lines[0]["text"] == "a lake, by hand"
    assert lines[0]["tags"] == ["red fox", "snow"]


def test_a_picture_whose_file_is_gone_is_named(album: Album) -> None:
    image = Image.objects.get(original_name="plain.png")
    image.file.storage.delete(str(image.file.name))
    files = unzipped(content(album, format=Format.KOHYA))
    assert files["MISSING.txt"] == b"10_Cards/plain.png\n"


FORMATS = [
    ("c.csv", {"format": Format.CSV}),
    ("c.jsonl", {"format": Format.HUGGING_FACE}),
    ("c.zip", {"format": Format.HUGGING_FACE, "with_pictures": True}),
    ("c.zip", {"format": Format.TXT}),
    ("c.zip", {"format": Format.KOHYA}),
]


@pytest.mark.parametrize(("name", "asked"), FORMATS, ids=lambda value: str(value))
def test_every_format_comes_back(album: Album, name: str, asked: dict[str, Any]) -> None:
    data = content(album, **asked)
    before = captions(album)
    forget(album)
    job = imported(album, (name, data))
    assert job.status == Status.COMPLETED, job.error
    assert captions(album) == before
    assert {label.source for label in Label.objects.all()} == {"imported"}
    if asked["format"] in (Format.CSV, Format.HUGGING_FACE):
        assert next(iter(captioned(album))).tags == ("red fox", "snow")
    # Again: nothing is new.
    count = Label.objects.count()
    again = imported(album, (name, data))
    assert (again.result["captions"], Label.objects.count()) == (0, count)


def test_an_edited_table_counts_and_leaves_the_old_words(album: Album) -> None:
    text = content(album, format=Format.CSV).decode().replace("a lake, by hand", "a lake at dawn")
    job = imported(album, ("c.csv", text.encode()))
    assert job.result["captions"] == 2  # the prompt is written as a caption now
    assert captions(album)[0] == "a lake at dawn"
    image = Image.objects.get(original_name="lake.png")
    assert image.labels.filter(kind="caption").count() == 3
    pinned = image.labels.get(text="a lake at dawn")
    assert (pinned.is_pinned, pinned.pinned_by) == (True, pinned.created_by)
    assert pinned.created_by is not None


def test_without_choosing_the_rule_decides(album: Album) -> None:
    imported(album, ("c.jsonl", b'{"file_name": "lake.png", "text": "imported"}'), choose=False)
    image = Image.objects.get(original_name="lake.png")
    assert best_caption(image.labels.filter(kind="caption")) == "a lake, by hand"
    assert not Label.objects.filter(is_pinned=True).exists()


def test_an_older_wording_is_chosen_again_not_written_twice(album: Album) -> None:
    imported(album, ("c.jsonl", b'{"file_name": "lake.png", "text": "a lake, by Claude"}'))
    image = Image.objects.get(original_name="lake.png")
    assert image.labels.filter(kind="caption").count() == 2
    assert captions(album)[0] == "a lake, by Claude"


def test_single_texts_find_their_pictures_by_name(album: Album) -> None:
    job = imported(album, ("plain.txt", b"a plain"), ("x/Lake-2.png.txt", b"seven"))
    assert job.status == Status.COMPLETED
    assert captions(album)[1:] == ["seven", "a plain"]


def test_names_of_none_or_of_several_are_left_out_and_told(album: Album) -> None:
    for seed in (4, 5):
        albums.put(album, make_image(seed, original_name='a"b.png'))
    told = b'{"file_name": "a\\"b.png", "text": "which?"}'
    job = imported(album, ("c.jsonl", told), ("none.txt", b"x"), ("plain.txt", b"a plain"))
    assert job.status == Status.PARTIAL
    assert (job.result["matched"], job.result["unmatched"]) == (1, 2)
    said = " ".join(job.log_lines.values_list("text", flat=True))
    assert "none: no picture" in said


def test_ratings_take_effect_as_a_labelers_do(album: Album) -> None:
    lines = b'{"file_name": "plain.png", "rating": "explicit"}'
    assert imported(album, ("c.jsonl", lines)).result["ratings"] == 1
    assert Image.objects.get(original_name="plain.png").is_nsfw


def test_pictures_of_other_albums_are_not_touched(album: Album) -> None:
    other = make_image(9, original_name="other.png")
    lines = json.dumps({"image_id": other.pk, "sha256": other.sha256, "text": "x"})
    job = imported(album, ("c.jsonl", lines.encode()))
    assert job.status == Status.FAILED
    assert not other.labels.exists()


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("c.csv", b"a,b\n", CaptionFileRefused),
        ("c.csv", b"caption\n\xff\xfe", CaptionFileRefused),
        ("c.jsonl", b"{", CaptionFileRefused),
        ("a.txt", b"x" * 70_000, SourceRefused),
        ("c.zip", zipped({"a.png": b"x"}), SourceRefused),
        ("a.png", b"x", SourceRefused),
        ("c.zip", zipped({"../a.txt": b"x"}), SourceRefused),
        ("c.zip", b"PK\x03\x04", SourceRefused),
    ],
    ids=range(8),
)
def test_bad_files_are_refused_and_not_kept(
    album: Album, media: Any, name: str, data: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        imported(album, (name, data))
    assert not Job.objects.exists()
    assert not [path for path in (media / "incoming").rglob("*") if path.is_file()]


def test_the_uploaded_files_are_removed_afterwards(album: Album, media: Any) -> None:
    imported(album, ("plain.txt", b"a plain"))
    assert not [path for path in (media / "incoming").rglob("*") if path.is_file()]
