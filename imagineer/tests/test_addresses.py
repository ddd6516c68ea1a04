"""The addresses that other tests walk are all there are."""

import pytest

from imagineer.tests.addresses import (
    API,
    PAGES,
    Values,
    api_reads,
    console_lists,
    filled,
    public_pages,
)


def test_every_page_is_named() -> None:
    assert public_pages() == set(PAGES)


def test_every_named_read_of_the_api_is_there() -> None:
    assert set(API) - {"/api/openapi.json"} <= api_reads()


def test_placeholders_stand_for_each_of_their_values() -> None:
    values: Values = {"image": [1, 2], "slug": ["a", "b"]}
    assert list(filled("/images/{image}/?in={slug}", values)) == [
        "/images/1/?in=a", "/images/1/?in=b", "/images/2/?in=a", "/images/2/?in=b",
    ]  # fmt: skip
    assert list(filled("/", values)) == ["/"]


@pytest.mark.django_db
def test_the_consoles_lists_come_with_every_filter_and_search() -> None:
    found = set(console_lists())
    assert len(found) > 100
    assert {
        "/admin/gallery/image/?rating=ADULT",
        "/admin/gallery/image/?album=none",
        "/admin/gallery/album/?public=no",
        "/admin/gallery/album/?source_type__exact=scrape",
        "/admin/jobs/job/?status__exact=failed",
        "/admin/jobs/job/?q=nowhere",
        "/admin/generation/generationrun/?state=failed",
        "/admin/gallery/image/trash/",
    } <= found
