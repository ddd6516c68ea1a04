"""What an album's page tells of the crawl that filled it."""

import pytest
from django.test import Client

from gallery.tests.factories import make_album
from gallery.tests.factories import make_row as make_image_row
from imagineer.tests.rows import make_row
from scraping.models import ScrapeJob

pytestmark = pytest.mark.django_db


def test_visitors_read_the_host_and_admins_the_address(
    client: Client, admin_client: Client
) -> None:
    album = make_album("Boats", [make_image_row()], source_type="scrape")
    address = "https://user:word@boats.example.org/private/list?token=secret"
    make_row(ScrapeJob, album=album, url=address)
    page = client.get(album.get_absolute_url()).content.decode()
    assert "Collected from boats.example.org" in page
    for words in ("/private/list", "token=secret", "user:word"):
        assert words not in page
    assert "/private/list?token=secret" in (
        admin_client.get(album.get_absolute_url()).content.decode()
    )


def test_its_badge_leads_an_admin_to_the_crawl(client: Client, admin_client: Client) -> None:
    album = make_album("Boats", [make_image_row()], source_type="scrape")
    crawl = make_row(ScrapeJob, album=album)
    address = f"{album.get_absolute_url()}source"
    assert admin_client.get(address)["Location"] == (
        f"/admin/scraping/scrapejob/{crawl.pk}/change/"
    )
    assert client.get(address)["Location"] == album.get_absolute_url()
