"""The page of an album's captions in the console."""

import html
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from gallery.models import Album
from gallery.tests.factories import make_album, make_image, make_label
from imagineer.jobs.models import Job
from labeling.admin_captions import cloud
from labeling.analytics import figures
from labeling.tests.factories import body

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def album() -> Album:
    image = make_image(1, original_name="lake.png")
    make_label(image, "a lake")
    make_label(image, "snow", kind="tag")
    return make_album("Cards", [image])


def page_of(album: Album) -> str:
    return reverse("admin:labeling_album_captions", args=[album.pk])


def test_it_shows_figures_and_what_training_lacks(admin_client: Client, album: Album) -> None:
    page = admin_client.get(page_of(album)).content.decode()
    assert "Not ready for training yet" in page
    assert "1 picture: a LoRA needs 10 at least." in page
    assert "by hand" in page
    assert "snow" in page


def test_an_empty_album_has_a_page(admin_client: Client) -> None:
    page = admin_client.get(page_of(make_album("Empty"))).content.decode()
    assert "There are no pictures in this album." in page


def test_it_exports(admin_client: Client, album: Album) -> None:
    response = admin_client.get(page_of(album), {"format": "csv"})
    assert b"a lake" in body(response)
    wrong = admin_client.get(page_of(album), {"format": "csv", "repeats": "0"})
    assert wrong.status_code == 422


def test_it_imports_by_a_job(admin_client: Client, album: Album) -> None:
    file = SimpleUploadedFile("lake.txt", b"a lake at dawn")
    response = admin_client.post(page_of(album), {"files": [file], "choose": "on"}, follow=True)
    assert str(Job.objects.get().pk) in response.content.decode()


@pytest.mark.parametrize("files", [[], [SimpleUploadedFile("c.csv", b"x")]])
def test_bad_files_are_told_at_the_field(
    admin_client: Client, album: Album, files: list[Any]
) -> None:
    response = admin_client.post(page_of(album), {"files": files})
    assert response.status_code == 422
    assert 'class="field-error"' in response.content.decode()
    assert not Job.objects.exists()


def test_it_is_for_admins_and_for_albums(client: Client, admin_client: Client) -> None:
    address = reverse("admin:labeling_album_captions", args=[12345])
    assert admin_client.get(address).status_code == 404
    assert admin_client.get(address.replace("12345", "9" * 30)).status_code == 404
    assert client.get(address).status_code == 302


def test_the_albums_page_leads_to_it(admin_client: Client, album: Album) -> None:
    page = admin_client.get(reverse("admin:gallery_album_change", args=[album.pk]))
    assert page_of(album) in page.content.decode()


def test_tags_of_the_cloud_have_five_sizes(media: Path) -> None:
    images = [make_image(number) for number in range(10, 15)]
    for place, image in enumerate(images):
        make_label(image, "often", kind="tag")
        if place == 0:
            make_label(image, "rare", kind="tag")
    found = {tag["name"]: tag["size"] for tag in cloud(figures(make_album("", images)))}
    assert found == {"often": 5, "rare": 1}


def test_a_tag_of_the_cloud_leads_to_its_pictures_in_the_album(
    admin_client: Client, album: Album
) -> None:
    inside, outside = make_image(2, original_name="in.png"), make_image(3, original_name="out.png")
    for image in (inside, outside):
        make_label(image, "red fox", kind="tag")
    album = make_album("Foxes", [inside])
    page = admin_client.get(page_of(album)).content.decode()
    (link,) = re.findall(r'<a href="([^"]+)">red fox</a>', page)
    listed = admin_client.get(html.unescape(link)).content.decode()
    assert "1 image" in listed
    assert f"/image/{inside.pk}/change/" in listed
    assert f"/image/{outside.pk}/change/" not in listed
