"""Files on their way through the threads."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from gallery.tests.factories import make_image, picture_file
from imagineer.tests.rows import make_row
from scraping import examining, spool
from scraping.examine_file import Examined, examine
from scraping.examining import Examining, Waiting
from scraping.models import CrawlTarget

pytestmark = pytest.mark.django_db


def put(folder: Path, name: str, body: bytes) -> Path:
    return spool.publish(spool.write(folder, name, {"image_url": name}, body))


def names(found: list[Waiting]) -> list[str]:
    return [waiting.event["image_url"] for waiting in found]


def slow(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Pictures are not examined until the event is set."""
    go = threading.Event()

    def examine_later(*args: Any) -> Examined:
        assert go.wait(60)
        return examine(*args)

    monkeypatch.setattr(examining, "examine", examine_later)
    return go


def test_they_come_back_in_their_order_whatever_is_done_first(tmp_path: Path) -> None:
    target = make_row(CrawlTarget)
    with Examining() as line:
        line.add(target, put(tmp_path, "large", picture_file(1, 2000, 2000)))
        line.add(target, put(tmp_path, "small", picture_file(2, 300, 300)))
        found = line.first(5, wait=True)
        assert names(found) == ["large", "small"]
        assert [type(waiting.examined()) for waiting in found] == [Examined, Examined]
        assert line.first(5, wait=True) == []


def test_so_many_come_together_or_fewer_where_that_is_asked_for(tmp_path: Path) -> None:
    target = make_row(CrawlTarget)
    with Examining() as line:
        for name in "abc":
            line.add(target, put(tmp_path, name, picture_file(ord(name), 64, 64)))
        (last,) = list(line._line)[-1:]
        last.examined()
        assert line.first(4) == []
        assert names(line.first(2)) == ["a", "b"]
        assert line.first(2) == []
        assert names(line.first(2, fewer=True)) == ["c"]


def test_what_is_not_examined_is_waited_for_only_when_too_many_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, go = make_row(CrawlTarget), slow(monkeypatch)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    with Examining() as line:
        for number in range(examining._AHEAD):
            line.add(target, put(tmp_path, str(number), picture_file(number, 64, 64)))
        assert line.first(2, fewer=True) == []
        line.add(target, put(tmp_path, "one too many", picture_file(99, 64, 64)))
        threading.Timer(0.2, go.set).start()
        assert names(line.first(2)) == ["0", "1"]


def test_few_large_files_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, go = make_row(CrawlTarget), slow(monkeypatch)
    bodies = [picture_file(number, 64, 64) for number in range(3)]
    monkeypatch.setattr(examining, "MOST_BYTES", len(bodies[0]) + len(bodies[1]))
    with Examining() as line:
        for number in range(2):
            line.add(target, put(tmp_path, str(number), bodies[number]))
        assert line.first(2, fewer=True) == []
        line.add(target, put(tmp_path, "2", bodies[2]))
        threading.Timer(0.2, go.set).start()
        assert names(line.first(2)) == ["0", "1"]


def test_large_pictures_are_not_decoded_all_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight cores, and room for the pixels of two; what is larger than all of it is alone."""
    target, counted = make_row(CrawlTarget), threading.Lock()
    now: list[int] = [0, 0]

    def examine_counted(body: bytes, *args: Any) -> Examined:
        with counted:
            now[0] += 1
            now[1] = max(now)
        time.sleep(0.1)
        with counted:
            now[0] -= 1
        return examine(body, *args)

    monkeypatch.setattr(examining, "examine", examine_counted)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setattr(examining, "MOST_PIXELS", 2 * 300 * 200)
    with Examining() as line:
        for number in range(6):
            line.add(target, put(tmp_path, str(number), picture_file(number, 300, 200)))
        line.add(target, put(tmp_path, "too large for the room", picture_file(9, 900, 900)))
        assert len(line.first(7, wait=True)) == 7
    assert now == [0, 2]


def test_bytes_that_the_gallery_has_are_not_examined(tmp_path: Path) -> None:
    known = make_image(1)
    with known.file.open() as file:
        body = file.read()
    with Examining() as line:
        line.add(make_row(CrawlTarget), put(tmp_path, "known", body))
        (waiting,) = line.first(1)
        assert waiting.is_examined
        assert waiting.examined() == body


def test_a_file_that_is_not_whole_is_removed(tmp_path: Path) -> None:
    path = put(tmp_path, "cut", picture_file(1, 300, 300))
    path.write_bytes(path.read_bytes()[:-10])
    with Examining() as line:
        line.add(make_row(CrawlTarget), path)
        assert line.first(1, wait=True) == []
    assert not path.exists()


def test_what_was_not_settled_stays_in_the_spool(tmp_path: Path) -> None:
    path = put(tmp_path, "left", picture_file(1, 300, 300))
    with Examining() as line:
        line.add(make_row(CrawlTarget), path)
    assert path.exists()
