"""An album's captions in a real browser: whole and open to everyone, and a file comes down."""

import pytest
from django.test import Client
from django.urls import reverse

from gallery.tests.browser.whole import assert_whole
from gallery.tests.browser.window import Visit, sign_in
from gallery.tests.factories import make_album, make_image, make_label

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def address() -> str:
    images = [make_image(number) for number in range(12)]
    for place, image in enumerate(images[:-1]):
        make_label(image, f"a card number {place} " * (1 + 4 * place), source="claude")
        for tag in range(12 - place):
            make_label(image, f"tag {'x' * 8 * tag}{tag}", kind="tag", source="claude")
    return reverse("admin:labeling_album_captions", args=[make_album("x" * 180, images).pk])


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_the_page_is_whole_and_open_to_everyone(
    visit: Visit, admin_client: Client, size: str
) -> None:
    assert_whole(sign_in(visit(size), admin_client).open(address()), "captions")


def test_a_file_comes_down(visit: Visit, admin_client: Client) -> None:
    page = sign_in(visit(), admin_client).open(address())
    page.get_by_label("Format").select_option("csv")
    with page.expect_download() as coming:
        page.get_by_role("button", name="Export").click()
    text = coming.value.path().read_text("utf-8-sig")
    assert text.startswith("file_name,caption,")
    assert len(text.splitlines()) == 13
