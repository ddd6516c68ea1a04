"""The same picture from several sources: whose words and whose file count."""

import io
from typing import Any

import pytest
from django.db import transaction
from PIL import Image as Picture

from gallery import image_index
from gallery.captions import best_caption
from gallery.models import Image, Label
from gallery.tests.factories import make_image, picture, picture_file
from scraping.crawl_config import Sighting
from scraping.models import CrawlTarget, ScrapeJob, Source
from scraping.options import checked
from scraping.runs import Asked, start_crawl
from scraping.take_picture import take, taken_together

pytestmark = pytest.mark.django_db

EXACT = picture_file(1, 640, 960)


def target_of(trust: str, name: str = "", **chosen: Any) -> CrawlTarget:
    """A crawl's only target, of a source that is trusted so; of none for ""."""
    options = checked({"min_width": 48, "min_height": 48} | chosen)
    host = f"https://example.{'org' if trust else 'net'}/"
    source = None
    if trust:
        source = Source.objects.create(name=name or trust, base_url=host, trust_level=trust)
    scrape = start_crawl([Asked(host, source)], f"Album {ScrapeJob.objects.count()}", options)
    target = scrape.targets.select_related("source").get()
    target.scrape_job = scrape
    return target


def seen(words: str, number: int = 1, **also: Any) -> Sighting:
    page = "https://example.org/page"
    url = f"https://example.org/{number}.png"
    return Sighting(url, page, alt="", caption=words, texts={"title": words}, **also)


def resized(width: int, seed: int = 1) -> bytes:
    file = io.BytesIO()
    size = (width, width * 3 // 2)
    picture(seed, 640, 960).resize(size, Picture.Resampling.LANCZOS).save(file, "JPEG", quality=95)
    return file.getvalue()


def caption_of(image: Image) -> str:
    return best_caption(image.labels.filter(kind=Label.Kind.CAPTION))


def counts(target: CrawlTarget) -> tuple[int, int, int]:
    rows = (target, target.scrape_job)
    for row in rows:
        row.refresh_from_db(fields=["imported", "duplicate", "downloaded"])
    (mine, total) = [(row.imported, row.duplicate, row.downloaded) for row in rows]
    assert mine == total
    return mine


@pytest.mark.parametrize("again", [EXACT, resized(600)], ids=["exact", "near"])
@pytest.mark.parametrize(
    ("first", "second", "wins"),
    [
        ("low", "high", True), ("low", "medium", True), ("low", "", True), ("", "high", True),
        ("high", "low", False), ("high", "", False), ("", "medium", False),
        ("medium", "", False),
    ],
)  # fmt: skip
def test_the_words_of_the_source_that_is_trusted_more_count(first, second, wins, again):
    image = take(target_of(first), seen("First words"), EXACT)
    assert image is not None
    later = target_of(second)
    assert take(later, seen("Second words", 2, found_by="src", position=3), again) is None
    assert caption_of(image) == ("Second words" if wins else "First words")
    refused = later.refused_images.get()
    assert (refused.same_as, refused.position) == (image, 3)
    assert counts(later) == (0, 1, 1)
    assert Image.everything.count() == 1


def test_once_trusted_words_are_there_nobody_below_adds_any():
    image = take(target_of("low"), seen("Low"), EXACT)
    take(target_of("high"), seen("High"), EXACT)
    take(target_of("medium"), seen("Medium"), EXACT)
    take(target_of("high", "another"), seen("Another"), EXACT)
    assert image is not None
    texts = image.labels.order_by("pk").values_list("text", flat=True)
    assert list(texts) == ["Low", "High"]


def test_words_that_are_there_already_are_not_said_twice():
    image = take(target_of("low"), seen("A boat"), EXACT)
    later = target_of("high")
    for _ in range(2):
        take(later, seen("A boat"), EXACT)
    assert image is not None
    assert image.labels.count() == 1
    assert counts(later) == (0, 1, 1)


def test_an_image_that_no_crawl_brought_keeps_its_own_words():
    image = make_image(1, width=640, height=960)
    take(target_of("high"), seen("Found"), picture_file(1, 640, 960))
    assert image.scraped_again.count() == 1
    assert not image.labels.exists()


@pytest.mark.parametrize(("distance", "taken"), [(16, False), (0, True)])
def test_how_near_counts_as_the_same_is_chosen(distance, taken):
    target = target_of("", near_distance=distance)
    take(target, seen("One"), EXACT)
    other = picture(1, 640, 960)
    other.paste((255, 255, 255), (0, 0, 320, 200))
    file = io.BytesIO()
    other.save(file, "PNG")
    assert (take(target, seen("Two", 2), file.getvalue()) is not None) is taken


def test_the_larger_file_takes_the_place_of_the_thumbnail_of_the_same_crawl():
    target = target_of("")
    small = take(target, seen("A thumbnail"), resized(300))
    large = take(target, seen("A boat", 2), EXACT)
    assert small is not None
    assert large is not None
    assert list(Image.objects.all()) == [large]
    assert list(target.scrape_job.album.images.all()) == [large]
    assert caption_of(large) == "A boat"
    refused = target.refused_images.get()
    assert (refused.image_url, refused.reason) == ("https://example.org/1.png", "near")
    assert refused.same_as == large
    assert counts(target) == (1, 1, 2)
    # The thumbnail's address is settled, and its file stays away.
    assert take(target, seen("A thumbnail"), resized(300)) is None
    assert counts(target) == (1, 1, 2)


def test_each_of_several_that_are_written_together_may_take_another_s_place():
    target = target_of("")
    for widths in ((200,), (300, 450, 640)):
        with transaction.atomic(), image_index.once(), taken_together():
            for width in widths:
                assert take(target, seen("A boat", width), resized(width)) is not None
    [left] = Image.objects.all()
    assert (left.width, list(target.scrape_job.album.images.all())) == (640, [left])
    assert counts(target) == (1, 3, 4)


def test_the_larger_file_of_a_source_that_is_trusted_more_is_kept():
    small = take(target_of("low"), seen("Low"), resized(300))
    assert small is not None
    album = small.albums.get()
    large = take(target_of("high"), seen("High"), EXACT)
    assert large is not None
    assert list(album.images.all()) == [large]
    assert caption_of(large) == "High"
    assert large.scraped_from.count() == 2
    small.refresh_from_db()
    assert small.deleted_at is not None


@pytest.mark.parametrize("why", ["trust", "by hand", "uploaded", "hardly larger"])
def test_otherwise_the_larger_file_is_refused_and_listed(why):
    first = target_of("high" if why == "trust" else "low")
    data = resized(600 if why == "hardly larger" else 300)
    if why == "uploaded":
        small = make_image(1, width=640, height=960)
        Image.objects.filter(pk=small.pk).update(width=300, height=450)
        file = resized(900)
    else:
        taken = take(first, seen("First"), data)
        assert taken is not None
        small, file = taken, EXACT
    if why == "by hand":
        Label.objects.create(image=small, kind=Label.Kind.CAPTION, text="Mine")
    later = target_of("medium" if why == "trust" else "high", "later")
    assert take(later, seen("Later", 2), file) is None
    refused = later.refused_images.get()
    assert (refused.reason, refused.same_as) == ("near", small)
    assert ("larger" in refused.detail) is (why != "hardly larger")
    assert Image.objects.count() == 1


def test_what_lies_in_the_trash_is_not_taken_again():
    image = take(target_of(""), seen("A boat"), EXACT)
    assert image is not None
    Image.everything.filter(pk=image.pk).update(deleted_at=image.created_at)
    later = target_of("high")
    assert take(later, seen("A boat"), EXACT) is None
    assert later.refused_images.get().detail == "It lies in the trash."
