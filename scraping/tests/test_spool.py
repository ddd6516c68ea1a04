"""Pictures between two processes: whole, or not there."""

from pathlib import Path

from scraping import spool

EVENT = {"target": 3, "image_url": "https://example.org/1.png"}


def test_a_picture_is_seen_once_it_is_published(tmp_path: Path) -> None:
    unfinished = spool.write(tmp_path, "3-1", EVENT, b"line\nof bytes")
    assert spool.publish(unfinished) == tmp_path / "3-1.picture"
    (path,) = spool.waiting(tmp_path)
    assert spool.read(path) == (EVENT | {"bytes": 13}, b"line\nof bytes")


def test_what_was_not_published_is_removed(tmp_path: Path) -> None:
    unfinished = spool.write(tmp_path, "3-1", EVENT, b"x")
    assert list(spool.waiting(tmp_path)) == []
    assert not unfinished.exists()


def test_a_file_that_is_not_whole_is_none(tmp_path: Path) -> None:
    path = spool.publish(spool.write(tmp_path, "3-1", EVENT, b"a picture"))
    path.write_bytes(path.read_bytes()[:-2])
    assert spool.read(path) is None
    path.write_bytes(b"")
    assert spool.read(path) is None
    assert spool.read(tmp_path / "nothing") is None


def test_the_spool_is_full_until_somebody_settles_what_lies_there(tmp_path: Path) -> None:
    spooled = spool.Spooled(most_bytes=2500)
    paths = []
    for number in range(3):
        assert not spooled.is_full()
        paths.append(spool.publish(spool.write(tmp_path, str(number), EVENT, b"x" * 1000)))
        spooled.add(paths[-1])
    assert spooled.is_full()
    paths[0].unlink()
    assert not spooled.is_full()
