"""Files on their way through the threads."""

from pathlib import Path
from typing import Any

import pytest

from gallery.tests.factories import make_image, picture_file
from imagineer.tests.rows import make_row
from scraping import examining, spool
from scraping.examine_file import Examined
from scraping.examining import Examining
from scraping.models import CrawlTarget

pytestmark = pytest.mark.django_db


def put(folder: Path, name: str, body: bytes) -> Path:
    return folder / spool.publish(spool.write(folder, name, {"image_url": name}, body))


def names(found: Any) -> list[str]:
    return [waiting.event["image_url"] for waiting in found]


def test_they_come_back_in_their_order_whatever_is_done_first(tmp_path: Path) -> None:
    target = make_row(CrawlTarget)
    with Examining() as line:
        line.add(target, put(tmp_path, "large", picture_file(1, 2000, 2000)))
        line.add(target, put(tmp_path, "small", picture_file(2, 300, 300)))
        found = list(line.ready(to_the_last=True))
        assert names(found) == ["large", "small"]
        assert [type(waiting.examined()) for waiting in found] == [Examined, Examined]
        assert list(line.ready(to_the_last=True)) == []


def test_what_is_not_examined_yet_is_waited_for_only_when_too_many_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = make_row(CrawlTarget)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    with Examining() as line:
        for number in range(examining._AHEAD):
            line.add(target, put(tmp_path, str(number), picture_file(number, 1500, 1500)))
        assert len(list(line.ready())) < examining._AHEAD
        for number in range(examining._AHEAD, 3 * examining._AHEAD):
            line.add(target, put(tmp_path, str(number), picture_file(number, 300, 300)))
        assert names(line.ready())[:2] in (["0", "1"], ["1", "2"], ["2", "3"])
        list(line.ready(to_the_last=True))


def test_bytes_that_the_gallery_has_are_not_examined(tmp_path: Path) -> None:
    known = make_image(1)
    with known.file.open() as file:
        body = file.read()
    with Examining() as line:
        line.add(make_row(CrawlTarget), put(tmp_path, "known", body))
        (waiting,) = line.ready()
        assert waiting.is_examined
        assert waiting.examined() == body


def test_a_file_that_is_not_whole_is_removed(tmp_path: Path) -> None:
    path = put(tmp_path, "cut", picture_file(1, 300, 300))
    path.write_bytes(path.read_bytes()[:-10])
    with Examining() as line:
        line.add(make_row(CrawlTarget), path)
        assert list(line.ready(to_the_last=True)) == []
    assert not path.exists()


def test_what_was_not_settled_stays_in_the_spool(tmp_path: Path) -> None:
    path = put(tmp_path, "left", picture_file(1, 300, 300))
    with Examining() as line:
        line.add(make_row(CrawlTarget), path)
    assert path.exists()
