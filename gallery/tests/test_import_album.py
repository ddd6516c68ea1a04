"""Folders and archives as albums, friendly and hostile ones."""

import zipfile
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from gallery import album_sources
from gallery.album_sources import SourceRefused, open_source
from gallery.import_album import Imported, Options
from gallery.import_album import import_album as import_with
from gallery.jobs import submit_import
from gallery.models import Album, Image, Label
from gallery.tests.factories import make_admin, picture_file
from imagineer.jobs.models import Job, Status
from imagineer.jobs.registry import JobCancelled
from imagineer.jobs.runner import execute

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, two captions, and what else lies about in folders."""
    source = tmp_path / "cards"
    (source / "more").mkdir(parents=True)
    (source / "image_10.png").write_bytes(picture_file(10))
    (source / "image_2.png").write_bytes(picture_file(2))
    (source / "more" / "a.jpg").write_bytes(picture_file(3, kind="JPEG"))
    (source / "image_2.txt").write_bytes("\ufeffa  red\ncard ♥\x00".encode())
    (source / "more" / "a.caption").write_text("a photograph")
    (source / "image_10.txt").write_text("  \n")
    (source / ".DS_Store").write_bytes(b"x")
    (source / "._image_2.png").write_bytes(b"x")
    (source / "notes.md").write_text("notes")
    return source


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
        archive.writestr("__MACOSX/image_2.png", b"x")
    return target


def import_album(path: Path, name: str, report: Any = None, **options: Any) -> Imported:
    return import_with(path, Options(name, **options), *([report] if report else []))


def captions() -> list[str]:
    return list(Label.objects.order_by("image_id").values_list("text", flat=True))


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_pictures_come_in_natural_order_with_their_captions(
    folder: Path, tmp_path: Path, form: str
) -> None:
    source = folder if form == "folder" else zipped(folder, tmp_path / "cards.zip")
    admin = make_admin()
    imported = import_album(source, "Cards", created_by=admin, caption_prefix="sks,")
    album = Album.objects.get()
    assert (album.name, album.source_type, album.created_by) == ("Cards", "import", admin)
    names = [entry.image.original_name for entry in album.entries.order_by("position")]
    assert names == ["image_2.png", "image_10.png", "a.jpg"]
    assert captions() == ["sks, a red card ♥", "sks, a photograph"]
    assert {label.source for label in Label.objects.all()} == {"imported"}
    assert (imported.added, imported.known, imported.captions) == (3, 0, 2)
    assert imported.refused == []
    assert {image.source_type for image in Image.objects.all()} == {"imported"}


def test_importing_twice_changes_nothing(folder: Path) -> None:
    import_album(folder, "Cards")
    imported = import_album(folder, "Cards")
    assert (imported.added, imported.known) == (0, 3)
    assert (Image.objects.count(), Album.objects.count(), Label.objects.count()) == (3, 1, 2)
    assert Album.objects.get().entries.count() == 3


def test_a_private_import_is_private(folder: Path) -> None:
    import_album(folder, "Cards", is_public=False)
    assert not Album.objects.get().is_public
    assert not Image.objects.filter(is_public=True).exists()


def test_bad_files_are_left_out_and_named(folder: Path) -> None:
    (folder / "broken.png").write_bytes(picture_file(5)[:100])
    (folder / "drawing.svg").write_text("<svg/>")
    (folder / "image_2.txt").write_text("x" * 70_000)
    imported = import_album(folder, "Cards")
    assert imported.added == 2
    assert [name for name, _ in imported.refused] == ["broken.png", "drawing.svg", "image_2.png"]
    assert "64 KB" in dict(imported.refused)["image_2.png"]


def test_what_was_imported_before_a_stop_stays(folder: Path) -> None:
    def stop(done: int, total: int, message: str) -> None:
        if done == 2:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        import_album(folder, "Cards", report=stop)
    assert Album.objects.get().entries.count() == 2
    import_album(folder, "Cards")
    assert Album.objects.get().entries.count() == 3


def test_nothing_to_import_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="no pictures"):
        import_album(tmp_path, "Cards")
    with pytest.raises(SourceRefused, match="nothing at"):
        import_album(tmp_path / "missing", "Cards")
    (tmp_path / "x.zip").write_bytes(b"not a zip")
    with pytest.raises(SourceRefused, match="neither a folder nor a readable ZIP"):
        import_album(tmp_path / "x.zip", "Cards")
    assert not Album.objects.exists()


def test_links_that_lead_outside_are_passed_over(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret.png"
    outside.write_bytes(picture_file(99))
    (folder / "link.png").symlink_to(outside)
    (folder / "inside.png").symlink_to(folder / "image_2.png")
    with open_source(folder) as source:
        names = [entry.name for entry in source.entries]
    assert "link.png" not in names
    assert "inside.png" in names


# --- Hostile archives --------------------------------------------------------------------------


def archive(path: Path, *names: str, data: bytes = b"x", **options: Any) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name in names:
            made.writestr(zipfile.ZipInfo(name) if options else name, data)
    return path


@pytest.mark.parametrize(
    "name", ["../x.png", "a/../../x.png", "/etc/x.png", "..\\x.png", "C:\\x.png", "a/..", "C:x.png"]
)
def test_names_that_lead_outside_refuse_the_archive(tmp_path: Path, name: str) -> None:
    made = archive(tmp_path / "x.zip", "good.png", name)
    with pytest.raises(SourceRefused, match="leads outside"), open_source(made):
        pass


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(album_sources, "RATIO_FREE_BYTES", 1024 * 1024)
    made = archive(tmp_path / "x.zip", "a.bmp", data=bytes(20 * 1024 * 1024))
    with pytest.raises(SourceRefused, match="20 MB, more than 100 times"), open_source(made):
        pass


def test_a_member_that_understates_its_size_is_damaged(tmp_path: Path) -> None:
    made = archive(tmp_path / "x.zip", "a.png", data=bytes(100_000))
    data = bytearray(made.read_bytes())
    # The size in the central directory, where archives are believed.
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = (10).to_bytes(4, "little")
    made.write_bytes(bytes(data))
    with open_source(made) as source, pytest.raises(album_sources.UnreadableFile, match="damaged"):
        source.read("a.png", 1000)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(album_sources, "MAX_FILES", 2)
    made = archive(tmp_path / "x.zip", "a.png", "b.png", "c.png")
    with pytest.raises(SourceRefused, match="more than 2 files"), open_source(made):
        pass
    for name in "abc":
        (tmp_path / "many").mkdir(exist_ok=True)
        (tmp_path / "many" / f"{name}.png").touch()
    with pytest.raises(SourceRefused, match="more than 2 files"), open_source(tmp_path / "many"):
        pass


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    made = archive(tmp_path / "x.zip", "a.png")
    data = bytearray(made.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    made.write_bytes(bytes(data))
    with pytest.raises(SourceRefused, match="encrypted"), open_source(made):
        pass


def test_a_damaged_member_is_left_out(tmp_path: Path) -> None:
    made = tmp_path / "x.zip"
    with zipfile.ZipFile(made, "w") as target:
        target.writestr("a.png", picture_file(1))
        target.writestr("b.png", picture_file(2))
    data = bytearray(made.read_bytes())
    data[data.index(b"IDAT") + 10] ^= 0xFF
    made.write_bytes(bytes(data))
    imported = import_album(made, "Cards")
    assert imported.added == 1
    assert imported.refused == [("a.png", "a.png is damaged in the archive.")]


def test_links_in_an_archive_are_passed_over(tmp_path: Path) -> None:
    made = tmp_path / "x.zip"
    with zipfile.ZipFile(made, "w") as target:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        target.writestr(link, "/etc/passwd")
        target.writestr("a.png", picture_file(1))
    with open_source(made) as source:
        assert [entry.name for entry in source.entries] == ["a.png"]


def test_an_unreadable_file_is_named(folder: Path) -> None:
    with open_source(folder) as source:
        (folder / "image_2.png").unlink()
        with pytest.raises(album_sources.UnreadableFile, match=r"image_2.png cannot be read"):
            source.read("image_2.png", 100)


# --- As a job, and from the shell --------------------------------------------------------------


def run(path: Path, **options: Any) -> Job:
    job = submit_import(path, "Cards", **options)
    execute(job.pk)
    return Job.objects.get(pk=job.pk)


@pytest.mark.django_db(transaction=True)
def test_the_job_imports_and_tells(folder: Path) -> None:
    admin = make_admin()
    job = run(folder, created_by=admin, caption_prefix="sks")
    assert (job.status, job.error) == (Status.COMPLETED, "")
    assert (job.progress_done, job.progress_total) == (3, 3)
    album = Album.objects.get()
    assert job.result == {
        "album": album.pk, "added": 3, "known": 0, "captions": 2, "refused": 0,
    }  # fmt: skip
    assert album.created_by == admin


@pytest.mark.django_db(transaction=True)
def test_a_job_with_bad_files_ends_partial(folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"nothing")
    job = run(folder)
    assert job.status == Status.PARTIAL
    assert "1 of 4 files were left out" in job.error
    assert "broken.png" in job.log_lines.get(level="warning").text


@pytest.mark.django_db(transaction=True)
def test_a_job_without_any_good_file_fails(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"nothing")
    job = run(tmp_path)
    assert job.status == Status.FAILED
    assert "None of the 1 files could be imported. a.png: This is not a picture" in job.error
    assert run(tmp_path / "missing").status == Status.FAILED
    assert not Album.objects.exists()


def test_the_command_imports_here(folder: Path) -> None:
    out, err = StringIO(), StringIO()
    (folder / "broken.png").write_bytes(b"nothing")
    call_command("import_album", folder, "--album", "Cards", stdout=out, stderr=err)
    assert "3 pictures added, 0 known before, 2 captions, 1 left out." in out.getvalue()
    assert "broken.png: This is not a picture" in err.getvalue()


def test_the_command_leaves_it_to_a_worker(folder: Path) -> None:
    out = StringIO()
    call_command("import_album", folder, "--album", "Cards", "--queue", "--private", stdout=out)
    job = Job.objects.get()
    assert job.kind == "gallery.import_album"
    assert job.params == {
        "path": str(folder.resolve()), "album": "Cards", "caption_prefix": "", "is_public": False,
    }  # fmt: skip
    assert str(job.pk) in out.getvalue()


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\nb"])
def test_the_command_refuses_bad_names(folder: Path, name: str) -> None:
    with pytest.raises(CommandError, match="1 to 200 characters"):
        call_command("import_album", folder, "--album", name)


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no pictures"):
        call_command("import_album", tmp_path, "--album", "Cards")
