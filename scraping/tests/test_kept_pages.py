import os
import time
from pathlib import Path
from typing import Any

import pytest

from imagineer.tests.rows import make_row
from scraping import kept_pages
from scraping.models import CrawlTarget, Source


@pytest.fixture
def pages(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "pages"


def keep(folder: Path, name: str, size: int, age_s: float = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_bytes(b"x" * size)
    os.utime(file, (time.time() - age_s,) * 2)
    return file


def test_of_too_many_pages_those_asked_for_last_stay(pages: Path) -> None:
    for age, name in enumerate("abcd"):
        keep(pages / "source-1", name, 100, age * 60)
    assert kept_pages.prune(pages / "source-1", most_bytes=250) == 2
    assert sorted(path.name for path in (pages / "source-1").iterdir()) == ["a", "b"]


def test_pages_that_nobody_asked_for_in_two_months_go(pages: Path) -> None:
    keep(pages / "source-1", "new", 10)
    keep(pages / "source-1", "old", 10, kept_pages.KEPT_S + 60)
    assert kept_pages.prune(pages / "source-1") == 1
    assert kept_pages.prune(pages / "none") == 0


@pytest.mark.django_db
def test_folders_of_sources_that_are_gone_and_unused_ones_are_removed(pages: Path) -> None:
    source = make_row(Source)
    here, gone = pages / f"source-{source.pk}", pages / "source-99999"
    used, unused = pages / "address-1", pages / "address-2"
    for folder in (here, gone, used, unused):
        keep(folder, "page", 10)
    os.utime(unused, (time.time() - kept_pages.KEPT_S - 60,) * 2)
    kept_pages.sweep()
    assert {path.name for path in pages.iterdir()} == {here.name, used.name}


@pytest.mark.django_db
def test_crawls_of_a_source_share_a_folder_and_so_do_those_of_an_address(pages: Path) -> None:
    source = make_row(Source)
    one, two = (make_row(CrawlTarget, source=source) for _ in range(2))
    assert kept_pages.folder_of(one) == kept_pages.folder_of(two)
    loose = [make_row(CrawlTarget, address_digest=digest * 64) for digest in "aab"]
    assert kept_pages.folder_of(loose[0]) == kept_pages.folder_of(loose[1])
    assert kept_pages.folder_of(loose[0]) != kept_pages.folder_of(loose[2])
