"""What would be taken from a page, read by the real child, with nothing kept."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Picture

from gallery.models import Album, Image
from gallery.tests.factories import make_image
from imagineer.jobs.models import Job, Queue, Status
from imagineer.jobs.runner import execute
from imagineer.problems import Problem
from scraping import preview, preview_files
from scraping.models import RefusedImage, ScrapeJob
from scraping.preview import start_preview
from scraping.runs import Asked
from scraping.tests.site import PRIVATE, Site

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


def previewed(url: str, **chosen: Any) -> tuple[Job, dict[str, Any]]:
    job = start_preview(Asked(url), {"min_width": 48, "min_height": 48} | chosen)
    execute(job.pk)
    job.refresh_from_db()
    told = preview_files.read(job.pk)
    assert told is not None
    return job, told


def by_path(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {"/" + one["image_url"].split("/", 3)[3]: one for one in told["pictures"]}


def test_it_tells_of_every_picture_whether_it_would_be_taken(site: Site) -> None:
    known = make_image(7, width=64, height=96)
    site.page(
        "/",
        '<img src="a.png" alt="A red boat"><img src="tiny.png"><img src="known.png">'
        '<img src="gone.png"><img src="big.png"><img src="copy.jpg">'
        '<a href="/one">1</a><a href="/two">2</a><a href="https://other.example/">3</a>',
    )
    size = len(site.picture("/a.png", 1))
    site.picture("/tiny.png", 2, 8, 8)
    site.picture("/known.png", 7)
    site.picture("/big.png", 3, 640, 960)
    site.smaller_copy("/copy.jpg", 3)
    job, told = previewed(f"{site.url}/")
    found = by_path(told)
    # Of two that are alike the one that comes first would be taken.
    alike = [found.pop("/big.png"), found.pop("/copy.jpg")]
    first, other = sorted(alike, key=lambda one: str(one["reason"]))
    assert (first["reason"], other["reason"]) == ("", "near")
    assert other["detail"].startswith("Looks like picture ")
    assert {path: one["reason"] for path, one in found.items()} == {
        "/a.png": "", "/tiny.png": "small", "/known.png": "exact", "/gone.png": "status",
    }  # fmt: skip
    first = found["/a.png"]
    assert (first["width"], first["height"], first["bytes"]) == (64, 96, size)
    assert (first["caption"], first["page_url"]) == ("A red boat", f"{site.url}/")
    assert found["/known.png"]["same_as"] == known.pk
    assert (told["found"], told["links"]) == (6, 2)
    assert told["first_links"] == [f"{site.url}/one", f"{site.url}/two"]
    assert job.status == Status.COMPLETED
    assert job.result == {"found": 6, "looked_at": 6, "would_be_taken": 2}
    # Nothing of it lasts.
    assert Image.objects.count() == 1
    for model in (Album, ScrapeJob, RefusedImage):
        assert not model.objects.exists()
    assert "/one" not in site.asked


def test_small_pictures_are_kept_for_showing_and_nothing_else(site: Site, data: Path) -> None:
    site.page("/", '<img src="big.png"><img src="gone.png">')
    site.picture("/big.png", 3, 640, 960)
    job, told = previewed(f"{site.url}/")
    folder = preview_files.folder_of(job.pk)
    number = told["pictures"].index(by_path(told)["/big.png"])
    assert {path.name for path in folder.iterdir()} == {"preview.json", f"{number}.webp", "log"}
    with Picture.open(preview_files.thumbnail_path(job.pk, number)) as small:
        assert (small.format, max(small.size)) == ("WEBP", 240)


def test_the_filters_that_are_chosen_decide(site: Site) -> None:
    site.page("/", '<img src="a.png">')
    site.picture("/a.png", 1)
    _, told = previewed(site.url, min_width=100)
    assert told["pictures"][0]["reason"] == "small"
    _, told = previewed(site.url, min_width=1, min_height=1)
    assert told["pictures"][0]["reason"] == ""


def test_no_more_pictures_are_looked_at_than_a_preview_shows(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "MOST_PICTURES", 3)
    site.page("/", "".join(f'<img src="{n}.png">' for n in range(8)))
    for number in range(8):
        site.picture(f"/{number}.png", number)
    _, told = previewed(site.url)
    assert (len(told["pictures"]), told["found"]) == (3, 8)
    assert len([path for path in site.asked if path.endswith(".png")]) == 3


def test_a_slow_page_ends_in_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "MOST_SECONDS", 2.0)
    site.page("/", '<img src="a.png"><img src="slow.png">')
    site.picture("/a.png", 1)
    site.slow("/slow.png")
    began = time.monotonic()
    job, told = previewed(site.url)
    assert time.monotonic() - began < 20
    assert job.status == Status.COMPLETED
    assert [one["reason"] for one in told["pictures"]] == [""]
    assert told["cut_short"] == "minutes"


def test_a_page_that_cannot_be_read_is_told_in_a_sentence(site: Site) -> None:
    _, told = previewed(f"{site.url}/nothing")
    assert "404" in told["trouble"]
    assert told["pictures"] == []


def test_robots_are_obeyed_and_what_the_page_asks_of_them_is_told(site: Site) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /secret", "text/plain")
    site.page("/secret", '<img src="a.png">')
    _, told = previewed(f"{site.url}/secret")
    assert "robots.txt" in told["trouble"]
    site.page("/", '<meta name="robots" content="nofollow"><a href="/one">1</a>')
    _, told = previewed(f"{site.url}/")
    assert (told["robots"], told["links"]) == (["nofollow"], 0)


def test_it_goes_before_what_waits_and_not_behind_crawls(site: Site) -> None:
    job = start_preview(Asked(site.url), {})
    assert (job.queue, job.priority) == (Queue.DEFAULT, preview.PRIORITY)
    assert job.title == "Preview of 127.0.0.2"


def test_a_private_address_is_refused_at_once(site: Site) -> None:
    with pytest.raises(Problem, match="private address"):
        start_preview(Asked(f"http://{PRIVATE}/"), {})
    assert not Job.objects.exists()


def test_previews_are_removed_after_an_hour(site: Site, data: Path) -> None:
    site.page("/", "nothing")
    old, _ = previewed(site.url)
    new, _ = previewed(site.url)
    an_hour_ago = time.time() - preview_files.KEPT_S - 1
    os.utime(preview_files.folder_of(old.pk), (an_hour_ago, an_hour_ago))
    preview_files.sweep()
    assert preview_files.read(old.pk) is None
    assert preview_files.read(new.pk) is not None


def test_run_again_after_a_kill_it_begins_anew(site: Site) -> None:
    site.page("/", '<img src="a.png">')
    site.picture("/a.png", 1)
    job, _ = previewed(site.url)
    Job.objects.filter(pk=job.pk).update(status=Status.QUEUED)
    execute(job.pk)
    told = preview_files.read(job.pk)
    assert told is not None
    assert len(told["pictures"]) == 1
