"""Files in the local folder: whole or not there, flushed before they have a name."""

import os
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage

from gallery import storage as door
from gallery.storage import DurableFileSystemStorage, save_together

FILES = [("a/one.png", b"1" * 5000), ("b/two.webp", b"2"), ("b/three.webp", b"")]


def found(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_the_storage_never_shows_half_a_file(tmp_path: Path) -> None:
    storage = DurableFileSystemStorage(tmp_path)

    class Broken(ContentFile):
        def chunks(self, chunk_size: int | None = None) -> object:  # type: ignore[override]
            yield b"half"
            raise OSError("The cable is out.")

    with pytest.raises(OSError, match="cable"):
        storage.save("a/b.png", Broken(b""))
    assert found(tmp_path) == {}


def test_the_storage_never_replaces_a_file(tmp_path: Path) -> None:
    storage = DurableFileSystemStorage(tmp_path)
    first = storage._save("a.png", ContentFile(b"1"))
    second = storage._save("a.png", ContentFile(b"2"))
    assert first == "a.png"
    assert second != first
    assert (tmp_path / first).read_bytes() == b"1"
    assert (tmp_path / second).read_bytes() == b"2"


def test_several_files_are_written_together(tmp_path: Path) -> None:
    names = DurableFileSystemStorage(tmp_path).save_together(FILES)
    assert names == [name for name, _ in FILES]
    assert found(tmp_path) == dict(FILES)


def test_a_name_that_is_taken_becomes_another(tmp_path: Path) -> None:
    storage = DurableFileSystemStorage(tmp_path)
    storage.save("b/two.webp", ContentFile(b"before"))
    names = storage.save_together(FILES)
    assert names[1] != "b/two.webp"
    assert found(tmp_path) == {**dict(FILES), "b/two.webp": b"before", names[1]: b"2"}


def test_no_file_has_its_name_before_the_disk_has_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def watched(name: str) -> None:
        real = getattr(os, name)

        def step(*arguments: Any) -> Any:
            steps.append(name)
            return real(*arguments)

        monkeypatch.setattr(os, name, step)

    for name in ("fsync", "link"):
        watched(name)
    DurableFileSystemStorage(tmp_path).save_together(FILES)
    # Three files; their names; the two folders that hold these.
    assert steps == ["fsync"] * 3 + ["link"] * 3 + ["fsync"] * 2


@pytest.mark.parametrize("step", [0, 1, 2, 3, 4])
def test_a_disk_that_fails_leaves_none_of_them(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [step]
    real = os.fsync

    def failing(descriptor: int) -> None:
        if left[0] == 0:
            raise OSError(5, "Input/output error")
        left[0] -= 1
        real(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="Input/output"):
        DurableFileSystemStorage(tmp_path).save_together(FILES)
    assert found(tmp_path) == {}


def test_another_storage_keeps_all_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = InMemoryStorage()
    monkeypatch.setattr(door, "default_storage", storage)
    assert save_together(FILES) == [name for name, _ in FILES]
    assert storage.open("a/one.png").read() == b"1" * 5000
    save = storage.save

    def failing(name: str, content: Any) -> str:
        if "three" in name:
            raise OSError(28, "No space left on device")
        return save(name, content)

    monkeypatch.setattr(storage, "save", failing)
    with pytest.raises(OSError, match="No space"):
        save_together([(f"later/{name}", data) for name, data in FILES])
    assert storage.listdir("later/a")[1] == []
    assert storage.listdir("later/b")[1] == []
